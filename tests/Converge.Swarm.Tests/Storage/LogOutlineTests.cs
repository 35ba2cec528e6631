using Converge.Core;
using Converge.Swarm.Storage;

namespace Converge.Swarm.Tests.Storage;

/// <summary>What a batch may say, rule by rule. The log here has the entries 4 to 8 behind a mark, of the terms 2, 2, 3, 3, 5.</summary>
public sealed class LogOutlineTests
{
    private static readonly DurableState State = new(new Term(5), new NodeId(2), new LogIndex(5));

    private static readonly LogOutline Log = LogOutline.Empty.After(new LogBatch
    {
        State = State,
        Mark = new SnapshotMark(new LogIndex(3), new Term(1)),
        Entries = [Entry(4, 2), Entry(5, 2), Entry(6, 3), Entry(7, 3), Entry(8, 5)],
    });

    [Fact]
    public void Terms_are_known_from_the_mark_to_the_last_entry()
    {
        Assert.Equal([null, 1ul, 2ul, 2ul, 3ul, 3ul, 5ul, null], Enumerable.Range(2, 8).Select(i => Log.TermAt(new LogIndex((ulong)i))?.Value));
        Assert.Equal((4ul, 8ul), (Log.FirstIndex.Value, Log.LastIndex.Value));
        Assert.Null(LogOutline.Empty.TermAt(new LogIndex(1)));
        Assert.Equal(Term.Zero, LogOutline.Empty.TermAt(LogIndex.Zero));
    }

    [Fact]
    public void Terms_are_known_after_every_truncation_and_mark()
    {
        var terms = new[] { 1ul, 2ul, 2ul, 3ul, 3ul, 5ul };
        for (var last = 5; last <= 8; last++)
        {
            var cut = last == 8 ? Log : Log.After(new LogBatch { TruncateFrom = new LogIndex((ulong)last + 1) });
            for (var mark = 3; mark <= 5; mark++)
            {
                var marked = cut.After(cut.Marking(State, new SnapshotMark(new LogIndex((ulong)mark), cut.TermAt(new LogIndex((ulong)mark))!.Value)));
                Assert.Equal((ulong)last, marked.LastIndex.Value);
                for (var index = mark; index <= last; index++)
                {
                    Assert.Equal(terms[index - 3], marked.TermAt(new LogIndex((ulong)index))?.Value);
                }

                Assert.Null(marked.TermAt(new LogIndex((ulong)mark - 1)));
                Assert.Null(marked.TermAt(new LogIndex((ulong)last + 1)));
            }
        }
    }

    [Theory]
    [InlineData(10, 5, "Entry 10 ")]
    [InlineData(8, 5, "Entry 8 ")]
    [InlineData(9, 4, "term 4")]
    [InlineData(9, 0, "term 0")]
    [InlineData(9, 6, "term 6")]
    public void An_entry_follows_the_last_in_place_and_term_and_not_before_its_term(ulong index, ulong term, string said)
    {
        Refused(new LogBatch { Entries = [Entry(index, term)] }, said);
    }

    [Theory]
    [InlineData(3)]
    [InlineData(9)]
    [InlineData(5)]
    [InlineData(4)]
    public void A_truncation_takes_back_entries_that_are_there_and_not_committed(ulong from)
    {
        Refused(new LogBatch { TruncateFrom = new LogIndex(from) }, $"Truncation from {from}");
    }

    [Fact]
    public void A_term_never_goes_back_and_has_one_vote()
    {
        Refused(new LogBatch { State = State with { Term = new Term(4) } }, "Term 4 ");
        Refused(new LogBatch { State = State with { Vote = new NodeId(3) } }, "vote for 3 ");
        Refused(new LogBatch { State = State with { Vote = NodeId.None } }, "vote for 0 ");
        Assert.Equal(new NodeId(3), Log.After(new LogBatch { State = State with { Term = new Term(6), Vote = new NodeId(3) } }).State.Vote);
        var noVote = Log.After(new LogBatch { State = State with { Term = new Term(6), Vote = NodeId.None } });
        Assert.Equal(new NodeId(1), noVote.After(new LogBatch { State = State with { Term = new Term(6), Vote = new NodeId(1) } }).State.Vote);
    }

    [Fact]
    public void A_commit_index_never_goes_back_and_never_leaves_the_log()
    {
        Refused(new LogBatch { State = State with { Commit = new LogIndex(4) } }, "Commit index 4 ");
        Refused(new LogBatch { State = State with { Commit = new LogIndex(9) } }, "Commit index 9 ");
        Refused(new LogBatch { State = State with { Commit = new LogIndex(8) }, TruncateFrom = new LogIndex(8) }, "Commit index 8 ");
        Assert.Equal(new LogIndex(9), Log.After(new LogBatch { State = State with { Commit = new LogIndex(9) }, Entries = [Entry(9, 5)] }).State.Commit);
    }

    [Fact]
    public void A_mark_restates_the_state_agrees_with_the_log_and_never_goes_back()
    {
        Refused(new LogBatch { Mark = new SnapshotMark(new LogIndex(5), new Term(2)) }, "does not restate");
        Refused(new LogBatch { State = State, Mark = new SnapshotMark(new LogIndex(5), new Term(3)) }, "has term 3");
        Refused(new LogBatch { State = State, Mark = new SnapshotMark(new LogIndex(2), new Term(1)) }, "goes back");
        Refused(new LogBatch { State = State, Mark = new SnapshotMark(new LogIndex(3), new Term(2)) }, "goes back");
        Refused(new LogBatch { State = State, Mark = new SnapshotMark(new LogIndex(6), new Term(3)) }, "Commit index 5 ");
        Refused(new LogBatch { State = State with { Commit = new LogIndex(9) }, Mark = new SnapshotMark(new LogIndex(9), new Term(6)) }, "term 6");
        Assert.Equal(new SnapshotMark(new LogIndex(3), new Term(1)), Log.After(new LogBatch { State = State, Mark = Log.Mark }).Mark);
    }

    [Fact]
    public void Storing_takes_back_what_is_in_the_way_and_nothing_else()
    {
        Assert.Equal(new LogIndex(7), Log.Storing(null, [Entry(7, 5)]).TruncateFrom);
        Assert.Null(Log.Storing(null, [Entry(9, 5)]).TruncateFrom);
        Assert.Null(Log.Storing(State, []).TruncateFrom);
        Assert.Equal(new LogIndex(7), Log.After(Log.Storing(null, [Entry(7, 5)])).LastIndex);
    }

    [Fact]
    public void Marking_replaces_a_log_that_has_another_entry_there()
    {
        var state = State with { Term = new Term(7), Commit = new LogIndex(7) };
        var batch = Log.Marking(state, new SnapshotMark(new LogIndex(7), new Term(6)));

        Assert.Equal(new LogIndex(6), batch.TruncateFrom);
        var after = Log.After(batch);
        Assert.Equal((7ul, 6ul), (after.LastIndex.Value, after.TermAt(after.LastIndex)!.Value.Value));
    }

    [Fact]
    public void A_refused_batch_leaves_the_model_as_it_was()
    {
        var model = new LogModel();
        model.Apply(new LogBatch { State = State with { Commit = LogIndex.Zero }, Entries = [Entry(1, 1), Entry(2, 1)] });

        Assert.Throws<LogOrderException>(() => model.Apply(new LogBatch { TruncateFrom = new LogIndex(2), Entries = [Entry(2, 4), Entry(4, 4)] }));

        Assert.Equal([Entry(1, 1), Entry(2, 1)], model.Entries);
        Assert.Equal(new LogIndex(2), model.Outline.LastIndex);
    }

    private static LogEntry Entry(ulong index, ulong term) => new(new LogIndex(index), new Term(term), 0, new byte[] { (byte)index });

    private static void Refused(LogBatch batch, string said) =>
        Assert.Contains(said, Assert.Throws<LogOrderException>(() => Log.After(batch)).Message, StringComparison.OrdinalIgnoreCase);
}
