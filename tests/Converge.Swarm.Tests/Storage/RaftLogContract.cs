using Converge.Core;
using Converge.Swarm.Storage;

namespace Converge.Swarm.Tests.Storage;

/// <summary>A durable Raft log as the contract sees it, whatever it is made of.</summary>
public interface IRaftLogUnderTest : IAsyncDisposable
{
    /// <summary>Opens the log, or opens it again after it was closed or crashed, and says what is there.</summary>
    ValueTask<LogModel> OpenAsync();

    /// <summary>Stores batches. When it completes they are acknowledged.</summary>
    /// <exception cref="LogOrderException">One does not fit; none is stored.</exception>
    ValueTask StoreAsync(params LogBatch[] batches);

    /// <summary>Begins to store batches, as one write if it can, and leaves it at that: they are never acknowledged.</summary>
    ValueTask BeginStoringAsync(params LogBatch[] batches);

    /// <summary>Gives back the room of what a mark has made obsolete, if it can.</summary>
    ValueTask RemoveObsoleteAsync();

    /// <summary>Closes the log in order.</summary>
    ValueTask CloseAsync();

    /// <summary>Ends it as hard as it can be ended, with what was under way; the seed decides what is lost.</summary>
    ValueTask CrashAsync(int seed);
}

/// <summary>
/// What every implementation of the durable Raft log must do. Derive, make the log, and all of this runs on it.
/// </summary>
public abstract class RaftLogContract
{
    private static readonly DurableState Term3 = new(new Term(3), new NodeId(2), LogIndex.Zero);

    /// <summary>A new and empty log.</summary>
    protected abstract IRaftLogUnderTest NewLog();

    [Fact]
    public async Task A_new_log_is_empty()
    {
        await using var log = NewLog();

        RequireSame(new LogModel(), await log.OpenAsync());
        await log.CloseAsync();
        RequireSame(new LogModel(), await log.OpenAsync());
    }

    [Fact]
    public async Task Entries_come_back_in_order_with_their_terms_kinds_and_data()
    {
        await using var log = NewLog();
        var model = await log.OpenAsync();
        await Store(log, model, model.Outline.Storing(Term3, [Entry(1, 1, 0), Entry(2, 1, 1000), Entry(3, 3, 7)]));
        await Store(log, model, model.Outline.Storing(null, [Entry(4, 3, 20)]));
        await log.CloseAsync();

        var found = await log.OpenAsync();

        Assert.Equal([Entry(1, 1, 0), Entry(2, 1, 1000), Entry(3, 3, 7), Entry(4, 3, 20)], found.Entries);
        Assert.Equal(new Term(3), found.Outline.TermAt(new LogIndex(3)));
        RequireSame(model, found);
    }

    [Fact]
    public async Task A_vote_is_remembered()
    {
        await using var log = NewLog();
        var model = await log.OpenAsync();
        await Store(log, model, new LogBatch { State = Term3 });
        await log.CrashAsync(1);

        var found = await log.OpenAsync();

        Assert.Equal(Term3, found.State);
        await Assert.ThrowsAsync<LogOrderException>(async () => await log.StoreAsync(new LogBatch { State = Term3 with { Vote = new NodeId(3) } }));
    }

    [Fact]
    public async Task A_suffix_that_conflicts_is_replaced_and_does_not_come_back()
    {
        await using var log = NewLog();
        var model = await log.OpenAsync();
        await Store(log, model, model.Outline.Storing(Term3, [Entry(1, 1, 5), Entry(2, 1, 5), Entry(3, 1, 5), Entry(4, 1, 5)]));
        await Store(log, model, model.Outline.Storing(null, [Entry(3, 2, 6)]));
        await log.CrashAsync(1);

        var found = await log.OpenAsync();

        Assert.Equal([Entry(1, 1, 5), Entry(2, 1, 5), Entry(3, 2, 6)], found.Entries);
        RequireSame(model, found);
    }

    [Fact]
    public async Task Several_batches_stored_at_once_take_effect_in_order()
    {
        await using var log = NewLog();
        var model = await log.OpenAsync();
        var first = model.Outline.Storing(Term3, [Entry(1, 1, 5), Entry(2, 1, 5)]);
        var second = LogOutline.Empty.After(first).Storing(null, [Entry(2, 2, 9), Entry(3, 2, 9)]);
        var third = new LogBatch { State = Term3 with { Commit = new LogIndex(3) } };
        await Store(log, model, first, second, third);
        await log.CloseAsync();

        var found = await log.OpenAsync();

        Assert.Equal([Entry(1, 1, 5), Entry(2, 2, 9), Entry(3, 2, 9)], found.Entries);
        Assert.Equal(new LogIndex(3), found.State.Commit);
    }

    [Fact]
    public async Task A_batch_that_does_not_fit_is_refused_with_those_beside_it_and_the_log_goes_on()
    {
        await using var log = NewLog();
        var model = await log.OpenAsync();
        await Store(log, model, model.Outline.Storing(Term3, [Entry(1, 1, 5)]));
        var fits = model.Outline.Storing(null, [Entry(2, 3, 5)]);
        var gap = new LogBatch { Entries = [Entry(4, 3, 5)] };

        await Assert.ThrowsAsync<LogOrderException>(async () => await log.StoreAsync(fits, gap));
        await Store(log, model, fits);
        await log.CloseAsync();

        RequireSame(model, await log.OpenAsync());
    }

    [Fact]
    public async Task A_mark_drops_the_entries_before_it_and_keeps_those_behind()
    {
        await using var log = NewLog();
        var model = await log.OpenAsync();
        await Store(log, model, model.Outline.Storing(Term3, [.. Enumerable.Range(1, 10).Select(i => Entry((ulong)i, 2, 50))]));
        var state = Term3 with { Commit = new LogIndex(7) };
        await Store(log, model, model.Outline.Marking(state, new SnapshotMark(new LogIndex(6), new Term(2))));
        await log.RemoveObsoleteAsync();
        await log.CrashAsync(1);

        var found = await log.OpenAsync();

        Assert.Equal(new SnapshotMark(new LogIndex(6), new Term(2)), found.Mark);
        Assert.Equal(Enumerable.Range(7, 4).Select(i => Entry((ulong)i, 2, 50)), found.Entries);
        Assert.Equal(state, found.State);
    }

    [Fact]
    public async Task A_mark_ahead_of_the_log_replaces_it()
    {
        await using var log = NewLog();
        var model = await log.OpenAsync();
        await Store(log, model, model.Outline.Storing(Term3, [Entry(1, 1, 5), Entry(2, 1, 5)]));
        await Store(log, model, model.Outline.Marking(Term3 with { Commit = new LogIndex(20) }, new SnapshotMark(new LogIndex(20), new Term(2))));
        await Store(log, model, model.Outline.Storing(null, [Entry(21, 3, 5)]));
        await log.RemoveObsoleteAsync();
        await log.CloseAsync();

        var found = await log.OpenAsync();

        Assert.Equal([Entry(21, 3, 5)], found.Entries);
        RequireSame(model, found);
    }

    [Fact]
    public async Task A_mark_where_the_log_has_another_entry_replaces_what_is_not_committed()
    {
        await using var log = NewLog();
        var model = await log.OpenAsync();
        var state = Term3 with { Commit = new LogIndex(1) };
        await Store(log, model, model.Outline.Storing(state, [Entry(1, 1, 5), Entry(2, 1, 5), Entry(3, 1, 5)]));
        await Store(log, model, model.Outline.Marking(state with { Commit = new LogIndex(2) }, new SnapshotMark(new LogIndex(2), new Term(2))));
        await log.RemoveObsoleteAsync();
        await log.CloseAsync();

        var found = await log.OpenAsync();

        Assert.Empty(found.Entries);
        Assert.Equal(new LogIndex(2), found.Outline.LastIndex);
        RequireSame(model, found);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    public async Task A_long_life_with_crashes_keeps_everything_acknowledged_and_invents_nothing(int seed)
    {
        await using var log = NewLog();
        var life = new RandomBatches(seed);
        var model = await log.OpenAsync();
        for (var round = 0; round < 60; round++)
        {
            for (var i = life.Next(6); i > 0; i--)
            {
                await Store(log, model, life.Some(model.Outline));
                if (life.Next(8) == 0)
                {
                    await log.RemoveObsoleteAsync();
                }
            }

            var underWay = life.Some(model.Outline);
            if (life.Next(4) == 0)
            {
                await log.CloseAsync();
                underWay = [];
            }
            else
            {
                await log.BeginStoringAsync(underWay);
                await log.CrashAsync((seed * 1000) + round);
            }

            model = await RequireAcknowledgedOrMore(log, model, underWay);
        }

        Assert.True(model.Outline.LastIndex.Value > 50);
    }

    /// <summary>An entry with data that say which it is.</summary>
    protected static LogEntry Entry(ulong index, ulong term, int bytes) =>
        new(new LogIndex(index), new Term(term), (byte)(index % 3), SmallLog.Record((term * 1000) + index, bytes));

    /// <summary>Both logs are the same in everything that matters.</summary>
    protected static void RequireSame(LogModel expected, LogModel found)
    {
        ArgumentNullException.ThrowIfNull(expected);
        ArgumentNullException.ThrowIfNull(found);
        Assert.Equal(expected.State, found.State);
        Assert.Equal(expected.Mark, found.Mark);
        Assert.Equal(expected.Entries, found.Entries);
        Assert.Equal(expected.Outline.LastIndex, found.Outline.LastIndex);
        for (var index = expected.Mark.Index; index <= expected.Outline.LastIndex; index = index.Next)
        {
            Assert.Equal(expected.Outline.TermAt(index), found.Outline.TermAt(index));
        }
    }

    private static async Task Store(IRaftLogUnderTest log, LogModel model, params LogBatch[] batches)
    {
        await log.StoreAsync(batches);
        foreach (var batch in batches)
        {
            model.Apply(batch);
        }
    }

    /// <summary>What is found is what was acknowledged, with a beginning of what was under way, whole batches only.</summary>
    private static async Task<LogModel> RequireAcknowledgedOrMore(IRaftLogUnderTest log, LogModel model, LogBatch[] underWay)
    {
        var found = await log.OpenAsync();
        foreach (var batch in underWay)
        {
            if (Same(model, found))
            {
                return found;
            }

            model.Apply(batch);
        }

        RequireSame(model, found);
        return found;

        static bool Same(LogModel a, LogModel b) => a.State == b.State && a.Mark == b.Mark && a.Entries.SequenceEqual(b.Entries);
    }

    /// <summary>Batches that a node may store, by chance.</summary>
    private sealed class RandomBatches(int seed)
    {
        private readonly Random _random = new(seed);

        public int Next(int below) => _random.Next(below);

        public LogBatch[] Some(LogOutline outline)
        {
            var batches = new LogBatch[1 + Next(3)];
            for (var i = 0; i < batches.Length; i++)
            {
                batches[i] = One(outline);
                outline = outline.After(batches[i]);
            }

            return batches;
        }

        private LogBatch One(LogOutline outline) => Next(12) switch
        {
            0 => new LogBatch { State = NextTerm(outline) },
            1 => new LogBatch { State = outline.State with { Commit = Between(outline.State.Commit, outline.LastIndex) } },
            2 => Mark(outline),
            3 or 4 => outline.Storing(NextTerm(outline), Entries(Between(LogIndex.Max(outline.State.Commit.Next, outline.FirstIndex), outline.LastIndex.Next), NextTerm(outline).Term)),
            5 => outline.LastIndex > outline.State.Commit && outline.LastIndex > outline.Mark.Index
                ? new LogBatch { TruncateFrom = Between(LogIndex.Max(outline.State.Commit, outline.Mark.Index).Next, outline.LastIndex) }
                : LogBatch.Empty,
            _ => outline.Storing(outline.State.Term == Term.Zero ? NextTerm(outline) : null, Entries(outline.LastIndex.Next, Term.Zero == outline.State.Term ? NextTerm(outline).Term : outline.State.Term)),
        };

        private LogBatch Mark(LogOutline outline)
        {
            if (Next(4) == 0)
            {
                // A snapshot from the leader, of what this log may not have.
                var index = outline.State.Commit + 1 + (ulong)Next(5);
                var state = NextTerm(outline) with { Commit = index };
                return outline.Marking(state, new SnapshotMark(index, state.Term));
            }

            var own = Between(outline.Mark.Index, outline.State.Commit);
            return own == LogIndex.Zero ? LogBatch.Empty : outline.Marking(outline.State, new SnapshotMark(own, outline.TermAt(own)!.Value));
        }

        private DurableState NextTerm(LogOutline outline) => new(outline.State.Term.Next, new NodeId((ulong)(outline.State.Term.Value % 3) + 1), outline.State.Commit);

        private LogIndex Between(LogIndex from, LogIndex to) => from + (ulong)_random.NextInt64((long)(to.Value - from.Value) + 1);

        private LogEntry[] Entries(LogIndex first, Term term) =>
            [.. Enumerable.Range(0, 1 + Next(4)).Select(i => Entry(first.Value + (ulong)i, term.Value, Next(5) == 0 ? Next(700) : Next(40)))];
    }
}
