using Converge.Core;
using Converge.Swarm.Projection.Sql;
using FsCheck;
using FsCheck.Fluent;

namespace Converge.Swarm.Projection.Tests;

/// <summary>What every store does alike; one class a store.</summary>
public abstract class ProjectionStoreContract
{
    [Fact]
    public virtual void The_tables_say_what_the_governance_state_says_of_any_history_in_any_batches()
    {
        int number = 0;
        HashSet<(FactKind, string)> met = [];
        Check.One(
            Config.QuickThrowOnFailure.WithMaxTest(RandomHistories),
            Prop.ForAll(History.Any(80).ToArbitrary(), Gen.Choose(1, 40).ToArbitrary(), (submissions, batch) =>
                AssertAgreesAsync(History.Of(submissions, factsInTerm: 30), batch, $"h{number++}", met).GetAwaiter().GetResult()));

        // The histories must have met everything, or the agreement above means little.
        Assert.Equal(Enum.GetValues<FactKind>().Length, met.Select(one => one.Item1).Distinct().Count());
        Assert.Contains((FactKind.RollbackIssued, "ended"), met);
        Assert.Contains((FactKind.OverrideGranted, "ended"), met);
    }

    [Fact]
    public virtual async Task The_tables_say_what_the_governance_state_says_of_the_sample()
    {
        History history = History.OfSample();
        await using IProjectionStore store = await CreateAsync("sample");
        await FillAsync(store, history.Records, 37);

        await using Database database = await LookAsync("sample");
        await database.AssertAgreesAsync(history);
    }

    [Fact]
    public virtual async Task Batches_of_any_size_give_the_same_rows()
    {
        History history = History.OfProposals(60);
        List<string> dumps = [];
        foreach (int batch in new[] { 1, 7, 1_000 })
        {
            await using IProjectionStore store = await CreateAsync($"b{batch}");
            await FillAsync(store, history.Records, batch);
            await using Database database = await LookAsync($"b{batch}");
            dumps.Add(await database.DumpAsync());
        }

        Assert.Single(dumps.Distinct(StringComparer.Ordinal));
    }

    [Fact]
    public virtual async Task Opening_again_goes_on_where_the_rows_end()
    {
        History history = History.OfProposals(40);
        ProjectionPosition at;
        await using (IProjectionStore store = await CreateAsync("s"))
        {
            await FillAsync(store, [.. history.Records.Take(50)], 20);
        }

        await using (IProjectionStore store = await CreateAsync("s"))
        {
            at = await store.OpenAsync(default);
            Assert.Equal(new ProjectionPosition(50, history.Records[49].Hash), at);
            await store.ApplyAsync(at, [.. history.Records.Skip(50)], default);
        }

        await using Database database = await LookAsync("s");
        await database.AssertAgreesAsync(history);
    }

    [Fact]
    public virtual async Task Records_that_are_in_already_are_not_written_again()
    {
        History history = History.OfProposals(20);
        await using IProjectionStore store = await CreateAsync("s");
        ProjectionPosition end = await FillAsync(store, history.Records, 1_000);

        Assert.Equal(end, await store.ApplyAsync(ProjectionPosition.Start, history.Records, default));
        await using Database database = await LookAsync("s");
        await database.AssertAgreesAsync(history);
    }

    [Fact]
    public virtual async Task Two_writers_share_the_tables()
    {
        History history = History.OfProposals(60);
        await using IProjectionStore one = await CreateAsync("s");
        await using IProjectionStore other = await CreateAsync("s");
        ProjectionPosition first = await one.OpenAsync(default);
        ProjectionPosition second = await other.OpenAsync(default);
        while (first.Sequence < (ulong)history.Records.Count || second.Sequence < (ulong)history.Records.Count)
        {
            first = await StepAsync(one, first, history, 10);
            second = await StepAsync(other, second, history, 15);
        }

        await using Database database = await LookAsync("s");
        await database.AssertAgreesAsync(history);
    }

    [Fact]
    public virtual async Task A_failure_before_the_commit_leaves_neither_rows_nor_position()
    {
        History history = History.OfProposals(60);
        await using (IProjectionStore store = await CreateFailingAsync("s"))
        {
            ProjectionPosition at = await store.OpenAsync(default);
            int failures = 0;
            while (at.Sequence < (ulong)history.Records.Count)
            {
                try
                {
                    at = await StepAsync(store, at, history, 20);
                }
                catch (IOException)
                {
                    failures++;
                    await store.CloseAsync();
                    Assert.Equal(at, await store.OpenAsync(default));
                    await using Database look = await LookAsync("s");
                    Assert.Equal((long)at.Sequence, await look.CountAsync("SELECT count(*) FROM records"));
                }
            }

            Assert.True(failures > 3);
        }

        await using Database database = await LookAsync("s");
        await database.AssertAgreesAsync(history);
    }

    [Fact]
    public virtual async Task Clearing_removes_everything()
    {
        History history = History.OfProposals(20);
        await using IProjectionStore store = await CreateAsync("s");
        await FillAsync(store, history.Records, 1_000);

        await store.ClearAsync(default);

        Assert.Equal(ProjectionPosition.Start, await store.OpenAsync(default));
        await using Database database = await LookAsync("s");
        Assert.Equal(0, await database.CountAsync("SELECT count(*) FROM records"));
    }

    [Fact]
    public virtual async Task Records_about_a_proposal_that_the_rows_lack_are_refused()
    {
        History history = History.OfProposals(5);
        await using IProjectionStore store = await CreateAsync("s");
        ProjectionPosition start = await store.OpenAsync(default);

        await Assert.ThrowsAsync<ProjectionMismatchException>(() => store.ApplyAsync(start, [.. history.Records.Skip(2)], default));
        await store.CloseAsync();

        Assert.Equal(ProjectionPosition.Start, await store.OpenAsync(default));
    }

    [Fact]
    public virtual async Task Pages_in_a_row_give_every_proposal_once_in_the_order_of_creation()
    {
        History history = History.OfProposals(90);
        await using IProjectionStore store = await CreateAsync("s");
        await FillAsync(store, history.Records, 1_000);
        foreach (ProposalStatus? status in new ProposalStatus?[] { null, ProposalStatus.Open, ProposalStatus.Approved, ProposalStatus.Rejected })
        {
            await AssertPagesAsync(store, history, status);
        }
    }

    [Fact]
    public virtual async Task The_readable_log_has_every_fact_with_its_time()
    {
        History history = History.OfProposals(20);
        await using IProjectionStore store = await CreateAsync("s");
        await FillAsync(store, history.Records, 1_000);

        await using Database database = await LookAsync("s");
        List<string> rows = await database.RowsAsync("SELECT sequence, committed_at, kind, proposal_id, actor, term, hash FROM fact_log ORDER BY sequence");

        Assert.Equal(
            history.Records.Where(record => record.Submission is not null).Select(record => string.Join(
                "|",
                record.Sequence,
                DateTimeOffset.FromUnixTimeMilliseconds(record.TimeUnixMilliseconds).ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", System.Globalization.CultureInfo.InvariantCulture),
                record.Submission!.Fact.Kind.Name(),
                record.Submission.Fact.ProposalId,
                record.Submission.Fact.Actor,
                record.Term,
                record.Hash)),
            rows);
    }

    /// <summary>How many random histories are tried.</summary>
    protected virtual int RandomHistories => 100;

    private protected abstract Task<IProjectionStore> CreateAsync(string name);

    /// <summary>A store whose every other batch fails before its commit.</summary>
    private protected abstract Task<IProjectionStore> CreateFailingAsync(string name);

    private protected abstract Task<Database> LookAsync(string name);

    private protected static async Task<ProjectionPosition> FillAsync(IProjectionStore store, IReadOnlyList<LedgerRecord> records, int batch)
    {
        ProjectionPosition at = await store.OpenAsync(default);
        foreach (LedgerRecord[] some in records.Skip((int)at.Sequence).Chunk(batch))
        {
            at = await store.ApplyAsync(at, some, default);
        }

        Assert.Equal(new ProjectionPosition(records[^1].Sequence, records[^1].Hash), at);
        return at;
    }

    private static async Task<ProjectionPosition> StepAsync(IProjectionStore store, ProjectionPosition at, History history, int batch)
    {
        LedgerRecord[] next = [.. history.Records.Skip((int)at.Sequence).Take(batch)];
        return next.Length == 0 ? at : await store.ApplyAsync(at, next, default);
    }

    private static async Task AssertPagesAsync(IProjectionStore store, History history, ProposalStatus? status)
    {
        List<ProposalSummary> listed = [];
        ProposalPage page;
        do
        {
            page = await store.ListAsync(
                new ProposalQuery { Status = status, Limit = 7, AfterCreated = listed.Count == 0 ? 0 : listed[^1].CreatedSequence }, default);
            Assert.Equal((ulong)history.Records.Count, page.AsOfSequence);
            Assert.True(page.Proposals.Count == 7 || !page.HasMore);
            listed.AddRange(page.Proposals);
        }
        while (page.HasMore);

        IEnumerable<ProposalSummary> expected = history.ProposalIds
            .Select(id => history.State.Get(id)!)
            .Where(view => status is null || view.Status == status)
            .OrderBy(view => view.CreatedSequence)
            .Select(view => new ProposalSummary(
                view.ProposalId,
                view.Status,
                view.Revision,
                view.Author,
                view.Title,
                view.ContentHash,
                view.DecidedBy,
                view.CreatedSequence,
                view.LastSequence,
                history.Records[(int)view.CreatedSequence - 1].TimeUnixMilliseconds,
                history.Records[(int)view.LastSequence - 1].TimeUnixMilliseconds));
        Assert.Equal(expected, listed);
        Assert.NotEmpty(listed);
    }

    private async Task AssertAgreesAsync(History history, int batch, string name, HashSet<(FactKind, string)> met)
    {
        await using IProjectionStore store = await CreateAsync(name);
        await FillAsync(store, history.Records, batch);
        await using Database database = await LookAsync(name);
        await database.AssertAgreesAsync(history);
        foreach (LedgerRecord record in history.Records.Where(record => record.Submission is not null))
        {
            met.Add((record.Submission!.Fact.Kind, "recorded"));
        }

        if (await database.CountAsync("SELECT count(*) FROM decisions AS d JOIN facts AS f ON f.sequence = d.ended_by AND f.kind = 'rollback_issued'") > 0)
        {
            met.Add((FactKind.RollbackIssued, "ended"));
        }

        if (await database.CountAsync("SELECT count(*) FROM decisions AS d JOIN facts AS f ON f.sequence = d.ended_by AND f.kind = 'override_granted'") > 0)
        {
            met.Add((FactKind.OverrideGranted, "ended"));
        }
    }
}
