using Converge.Core;
using Microsoft.Extensions.Logging.Abstractions;

namespace Converge.Swarm.Projection.Tests;

/// <summary>The projection as a node has it: on its own thread, asked from outside.</summary>
public sealed class LedgerProjectionTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly TemporaryFolder _folder = new();
    private readonly History _history = History.OfProposals(60);

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_query_waits_for_the_record_it_names()
    {
        using TestLedger ledger = Ledger();
        await using LedgerProjection projection = Start(ledger);
        Task<ProposalPage> waiting = projection.ListAsync(new ProposalQuery { MinSequence = (ulong)_history.Records.Count, Wait = Patience });

        ledger.Append();
        projection.Wake();
        ProposalPage page = await waiting;

        Assert.Equal((ulong)_history.Records.Count, page.AsOfSequence);
        Assert.Equal(60, page.Proposals.Count);
        ProjectionStatus status = projection.Status;
        Assert.Equal(("sqlite", (ulong)_history.Records.Count, 0UL), (status.Store, status.Sequence, status.RecordsBehind));
        Assert.True(status.RecordsPerSecond > 0);
        Assert.Null(status.Problem);
    }

    [Fact]
    public async Task A_query_whose_record_does_not_come_in_time_says_how_far_the_projection_is()
    {
        using TestLedger ledger = Ledger();
        ledger.Append(10);
        await using LedgerProjection projection = Start(ledger);
        await projection.ListAsync(new ProposalQuery { MinSequence = 10, Wait = Patience });

        ProposalIndexUnavailableException refusal = await Assert.ThrowsAsync<ProposalIndexUnavailableException>(
            () => projection.ListAsync(new ProposalQuery { MinSequence = 11, Wait = TimeSpan.FromMilliseconds(1) }));

        Assert.Equal(ProposalIndexFault.Behind, refusal.Fault);
        Assert.Contains("at record 10, not yet at 11", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_wait_can_be_given_up()
    {
        using TestLedger ledger = Ledger();
        await using LedgerProjection projection = Start(ledger);
        using CancellationTokenSource giveUp = new();
        Task<ProposalPage> waiting = projection.ListAsync(new ProposalQuery { MinSequence = 1, Wait = Patience }, giveUp.Token);

        await giveUp.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
    }

    [Fact]
    public async Task More_queries_than_it_takes_are_refused_as_busy()
    {
        using TestLedger ledger = Ledger();
        await using LedgerProjection projection = Start(ledger);
        using CancellationTokenSource giveUp = new();
        List<Task<ProposalPage>> waiting = [.. Enumerable.Range(0, LedgerProjection.MaxQueries)
            .Select(_ => projection.ListAsync(new ProposalQuery { MinSequence = 1, Wait = Patience }, giveUp.Token))];

        ProposalIndexUnavailableException refusal = await Assert.ThrowsAsync<ProposalIndexUnavailableException>(() => projection.ListAsync(new ProposalQuery()));
        Assert.Equal(ProposalIndexFault.Busy, refusal.Fault);

        ledger.Append(1);
        projection.Wake();
        Assert.All(await Task.WhenAll(waiting), page => Assert.Equal(1UL, page.AsOfSequence));
    }

    [Fact]
    public async Task A_projection_that_cannot_be_written_is_a_problem_in_the_status_until_it_can()
    {
        // A file where the folder belongs.
        string folder = _folder.Sub("projection");
        await File.WriteAllTextAsync(folder, "in the way");
        using TestLedger ledger = Ledger();
        ledger.Append();
        await using LedgerProjection projection = Start(ledger);

        ProposalIndexUnavailableException behind = await Assert.ThrowsAsync<ProposalIndexUnavailableException>(
            () => projection.ListAsync(new ProposalQuery { MinSequence = 1, Wait = TimeSpan.FromMilliseconds(1) }));
        ProposalIndexUnavailableException failing = await Assert.ThrowsAsync<ProposalIndexUnavailableException>(() => projection.ListAsync(new ProposalQuery()));
        Assert.Equal((ProposalIndexFault.Behind, ProposalIndexFault.Failing), (behind.Fault, failing.Fault));
        Assert.Equal((ulong)_history.Records.Count, projection.Status.RecordsBehind);

        File.Delete(folder);
        ProposalPage page = await projection.ListAsync(new ProposalQuery { MinSequence = (ulong)_history.Records.Count, Wait = Patience });

        Assert.Equal((ulong)_history.Records.Count, page.AsOfSequence);
        Assert.Null(projection.Status.Problem);
    }

    [Fact]
    public async Task Files_that_are_deleted_while_it_runs_are_made_anew()
    {
        using TestLedger ledger = Ledger();
        ledger.Append(100);
        await using LedgerProjection projection = Start(ledger);
        await projection.ListAsync(new ProposalQuery { MinSequence = 100, Wait = Patience });

        Directory.Delete(_folder.Sub("projection"), recursive: true);
        ledger.Append();
        projection.Wake();
        await projection.ListAsync(new ProposalQuery { MinSequence = (ulong)_history.Records.Count, Wait = Patience });

        await using Database database = await Database.SqliteAsync(_folder.Sub("projection"));
        await database.AssertAgreesAsync(_history);
    }

    [Fact]
    public async Task A_restart_goes_on_where_it_stopped()
    {
        using TestLedger ledger = Ledger();
        foreach (int part in new[] { 30, 90, 1_000 })
        {
            ledger.Append(part);
            await using LedgerProjection projection = Start(ledger);
            await projection.ListAsync(new ProposalQuery { MinSequence = ledger.Ledger.LastSequence, Wait = Patience });
        }

        await using Database database = await Database.SqliteAsync(_folder.Sub("projection"));
        await database.AssertAgreesAsync(_history);
    }

    [Fact]
    public async Task Rebuilding_gives_the_rows_that_following_gave()
    {
        using TestLedger ledger = Ledger();
        ledger.Append();
        await using (LedgerProjection projection = Start(ledger))
        {
            await projection.ListAsync(new ProposalQuery { MinSequence = (ulong)_history.Records.Count, Wait = Patience });
        }

        string followed;
        await using (Database database = await Database.SqliteAsync(_folder.Sub("projection")))
        {
            followed = await database.DumpAsync();
        }

        Assert.Equal((ulong)_history.Records.Count, await LedgerProjection.RebuildAsync(ledger.Ledger, Options(), progress: null, default));
        Directory.Delete(_folder.Sub("projection"), recursive: true);
        Assert.Equal((ulong)_history.Records.Count, await LedgerProjection.RebuildAsync(ledger.Ledger, Options(), progress: null, default));

        await using Database rebuilt = await Database.SqliteAsync(_folder.Sub("projection"));
        Assert.Equal(followed, await rebuilt.DumpAsync());
    }

    [Fact]
    public async Task Rebuilding_says_what_goes_wrong()
    {
        await File.WriteAllTextAsync(_folder.Sub("projection"), "in the way");
        using TestLedger ledger = Ledger();
        ledger.Append();

        await Assert.ThrowsAsync<IOException>(() => LedgerProjection.RebuildAsync(ledger.Ledger, Options(), progress: null, default));
        await Assert.ThrowsAsync<ArgumentException>(() => LedgerProjection.RebuildAsync(
            ledger.Ledger, Options() with { Projection = new ProjectionOptions { Store = ProjectionStore.None } }, progress: null, default));
    }

    [Fact]
    public void Options_without_a_store_give_no_projection()
    {
        using TestLedger ledger = Ledger();

        Assert.Null(LedgerProjection.Follow(
            ledger.Ledger, Options() with { Projection = new ProjectionOptions { Store = ProjectionStore.None } }, NullLoggerFactory.Instance));
    }

    [Theory]
    [InlineData("Host=localhost;Database=converge", null)]
    [InlineData("Host=localhost;Datbase=converge", "Datbase")]
    [InlineData("Host=localhost;Port=x", "Port")]
    public void A_connection_string_is_checked_without_connecting(string connection, string? fault)
    {
        ConfigurationFault? found = LedgerProjection.CheckConnection(
            Options() with { Projection = new ProjectionOptions { Store = ProjectionStore.PostgreSql, PostgreSql = connection } });

        Assert.Equal(fault is null, found is null);
        Assert.Contains(fault ?? "", found?.Message ?? "", StringComparison.OrdinalIgnoreCase);
    }

    private TestLedger Ledger() => new(_folder.Sub("ledger"), _history);

    private LedgerProjection Start(TestLedger ledger) => LedgerProjection.Follow(ledger.Ledger, Options(), NullLoggerFactory.Instance)!;

    private SwarmOptions Options() => new()
    {
        Cluster = "test",
        Node = new NodeId(1),
        DataFolder = _folder.Path,
        Members = [],
        Projection = new ProjectionOptions { Store = ProjectionStore.Sqlite, BatchRecords = 50 },
    };
}
