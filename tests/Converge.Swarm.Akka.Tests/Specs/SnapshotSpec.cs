using Akka.Actor;
using Converge.Core;
using Converge.Swarm.Actors;
using Converge.Swarm.Storage;
using Microsoft.Data.Sqlite;

namespace Converge.Swarm.Akka.Tests.Specs;

/// <summary>What snapshots do to a journal, and how a node comes back to a swarm that no longer has the entries it lacks.</summary>
[Collection(nameof(AkkaSwarm))]
public sealed class SnapshotSpec
{
    private const string SmallSnapshots =
        """
        converge.swarm {
          election-ticks = 40
          snapshot { entries = 20, keep-entries = 5 }
          log.deletion-slice = 4
        }
        """;

    [Fact]
    public async Task A_follower_that_was_away_while_the_leader_compacted_catches_up_by_a_snapshot()
    {
        await using var swarm = new AkkaSwarm(3, SmallSnapshots);
        swarm.Start(swarm.All);
        ulong leader = await swarm.LeaderAsync();
        ulong follower = swarm.All.First(id => id != leader);
        List<CommitAnswer> answers = await CommitAsync(swarm, leader, "before", 10);
        await swarm.AgreementAsync();

        await swarm.CrashAsync(follower);
        LogIndex had = StoredEntries(swarm, follower).Max();
        answers.AddRange(await CommitAsync(swarm, leader, "meanwhile", 60));

        // Nobody has what comes next for the follower any more: not in memory, and not in a journal either.
        foreach (ulong id in swarm.Alive)
        {
            await AkkaSwarm.UntilAsync(async () =>
                (await swarm.Client(id).GetStatusAsync()).FirstIndex > had + 1 && StoredEntries(swarm, id).Min() > had + 1);
        }

        var installed = new TaskCompletionSource<SwarmEvent.SnapshotInstalled>(TaskCreationOptions.RunContinuationsAsynchronously);
        swarm.Start(follower, system => system.ActorOf(Props.Create(() => new Listener(installed))));

        Assert.True((await installed.Task.WaitAsync(AkkaSwarm.Patience)).Index > had);
        await swarm.RequireSameRecordsAsync(await swarm.AgreementAsync(), answers);

        // It goes on as any other: with entries from the log, on a journal that begins behind the snapshot.
        answers.AddRange(await CommitAsync(swarm, follower, "after", 10));
        await swarm.RequireSameRecordsAsync(await swarm.AgreementAsync(), answers);
        await AkkaSwarm.UntilAsync(() => Task.FromResult(StoredEntries(swarm, follower).Min() > had + 1));
    }

    [Fact]
    public async Task Nodes_that_end_abruptly_start_again_on_snapshots_and_journals_without_their_beginning()
    {
        await using var swarm = new AkkaSwarm(3, SmallSnapshots);
        swarm.Start(swarm.All);
        List<CommitAnswer> answers = await CommitAsync(swarm, await swarm.LeaderAsync(), "first", 60);
        foreach (ulong id in swarm.All)
        {
            await AkkaSwarm.UntilAsync(() => Task.FromResult(FirstEvent(swarm, id) > 1));
        }

        LedgerHead before = await swarm.AgreementAsync();
        await swarm.CrashAsync(swarm.All);
        swarm.Start(swarm.All);

        answers.AddRange(await CommitAsync(swarm, 1, "second", 30));
        LedgerHead head = await swarm.AgreementAsync();
        Assert.True(head.Sequence >= before.Sequence + 30);
        await swarm.RequireSameRecordsAsync(head, answers);
        Assert.All(await swarm.StatusAsync(), status => Assert.True(status.SnapshotIndex > LogIndex.Zero));
    }

    /// <summary>So many facts, one after the other: each is an event of every journal.</summary>
    private static async Task<List<CommitAnswer>> CommitAsync(AkkaSwarm swarm, ulong node, string name, int count)
    {
        List<CommitAnswer> answers = [];
        for (int i = 0; i < count; i++)
        {
            var submission = new FactSubmission(new ProposalCreated($"{name}-{i}", "author")) { CommandId = new CommandId($"{name}-{i}", 1) };
            answers.Add(await AkkaSwarm.CommitUntilAcceptedAsync(swarm.Client(node), submission));
        }

        return answers;
    }

    /// <summary>The entries in the events of a node's journal that were not deleted.</summary>
    private static IReadOnlyList<LogIndex> StoredEntries(AkkaSwarm swarm, ulong id)
    {
        using SqliteConnection connection = Open(swarm, id);
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = "select message from journal where persistence_id = $log and deleted = 0 order by sequence_number";
        command.Parameters.AddWithValue("$log", $"test-{id}-log");
        using SqliteDataReader rows = command.ExecuteReader();
        List<LogIndex> entries = [];
        while (rows.Read())
        {
            entries.AddRange(LogBatchCodec.Decode((byte[])rows[0]).Entries.Select(entry => entry.Index));
        }

        return entries;
    }

    /// <summary>The number of the first event of a node's journal that was not deleted.</summary>
    private static long FirstEvent(AkkaSwarm swarm, ulong id)
    {
        using SqliteConnection connection = Open(swarm, id);
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = "select min(sequence_number) from journal where persistence_id = $log and deleted = 0";
        command.Parameters.AddWithValue("$log", $"test-{id}-log");
        return (long)command.ExecuteScalar()!;
    }

    private static SqliteConnection Open(AkkaSwarm swarm, ulong id)
    {
        var connection = new SqliteConnection(swarm.ConnectionString(id));
        connection.Open();
        return connection;
    }

    private sealed class Listener : ReceiveActor
    {
        public Listener(TaskCompletionSource<SwarmEvent.SnapshotInstalled> installed)
        {
            Context.System.EventStream.Subscribe(Self, typeof(SwarmEvent.SnapshotInstalled));
            Receive<SwarmEvent.SnapshotInstalled>(happened => installed.TrySetResult(happened));
        }
    }
}
