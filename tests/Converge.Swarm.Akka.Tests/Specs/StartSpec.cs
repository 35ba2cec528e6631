using Akka.Actor;
using Akka.Configuration;
using Akka.Dispatch;
using Converge.Core;
using Converge.Swarm.Storage;
using Microsoft.Data.Sqlite;

namespace Converge.Swarm.Akka.Tests.Specs;

/// <summary>When a node starts in an ActorSystem, and when it refuses to.</summary>
[Collection(nameof(AkkaSwarm))]
public sealed class StartSpec : IAsyncLifetime
{
    private readonly string _folder = Directory.CreateTempSubdirectory("converge-akka-").FullName;
    private readonly List<ActorSystem> _systems = [];

    private string DataFolder => Path.Combine(_folder, "node1");

    private string JournalFile => Path.Combine(DataFolder, "raft.db");

    [Fact]
    public async Task A_node_that_stands_alone_needs_no_remoting_and_starts_with_its_system_if_told_to()
    {
        ActorSystem system = Create("akka.extensions = [\"Converge.Swarm.Akka.Swarm, Converge.Swarm.Akka\"]");

        Assert.IsType<FactAccepted>(await Swarm.Get(system).Client.CommitAsync(Created("p")));

        SwarmStatus status = await Swarm.Get(system).Client.GetStatusAsync();
        Assert.Equal(NodeRole.Leader, status.Role);
        Assert.Empty(status.Problems);
        Assert.Equal("akka://alone", Assert.Single(status.Members).PeerAddress);
    }

    [Fact]
    public async Task A_node_that_was_stopped_starts_again_on_what_it_had()
    {
        SwarmExtension first = Swarm.Get(Create());
        await first.Client.CommitAsync(Created("p"));
        LedgerHead head = await first.Client.GetHeadAsync();

        await first.StopAsync().WaitAsync(AkkaSwarm.Patience);

        Assert.True(first.Completion.IsCompletedSuccessfully);

        // Not "busy": nobody should try this node again.
        Assert.Equal(NotCommittedReason.Stopping, Assert.IsType<FactNotCommitted>(await first.Client.CommitAsync(Created("q"))).Reason);
        Assert.Equal(NotCommittedReason.Stopping, (await Assert.ThrowsAsync<SwarmUnavailableException>(() => first.Client.GetStatusAsync())).Reason);
        Assert.Equal(TransferRefusal.Stopping, Assert.IsType<LeadershipTransferRefused>(await first.Client.TransferLeadershipAsync()).Reason);

        ISwarmClient second = Swarm.Get(Create()).Client;
        Assert.Equal(1UL, (await second.GetProposalAsync("p"))!.Revision);

        // A new leader's authority comes between the two.
        Assert.Equal(head.Sequence + 2, Assert.IsType<FactAccepted>(await second.CommitAsync(Created("q"))).Sequence);
    }

    [Fact]
    public async Task The_log_s_actor_has_a_thread_of_its_own()
    {
        ActorSystem system = Create();
        await Swarm.Get(system).Client.CommitAsync(Created("p"));

        IActorRef log = await system.ActorSelection("/user/swarm/node/log-supervisor/log").ResolveOne(AkkaSwarm.Patience);

        Assert.IsType<PinnedDispatcher>(Assert.IsAssignableFrom<ActorRefWithCell>(log) is LocalActorRef local ? local.Cell.Dispatcher : null);
    }

    [Fact]
    public async Task A_node_that_somebody_stops_from_outside_says_so_and_answers_whoever_waits()
    {
        ActorSystem system = Create("converge.swarm.election-ticks = 1000");
        SwarmExtension node = Swarm.Get(system);
        Task<CommitAnswer> waiting = node.Client.CommitAsync(Created("p"));
        await node.Client.GetStatusAsync();

        system.ActorSelection("/user/swarm/node").Tell(PoisonPill.Instance);

        await Assert.ThrowsAsync<InvalidOperationException>(() => node.Completion.WaitAsync(AkkaSwarm.Patience));
        Assert.Equal(NotCommittedReason.Stopping, Assert.IsType<FactNotCommitted>(await waiting.WaitAsync(AkkaSwarm.Patience)).Reason);
        await Assert.ThrowsAsync<SwarmUnavailableException>(() => node.Client.GetStatusAsync());
    }

    [Fact]
    public void Wrong_settings_are_refused_with_all_that_is_wrong()
    {
        SwarmSettingsException refusal = Assert.Throws<SwarmSettingsException>(() => Swarm.Get(Create("converge.swarm { node = 5, cluster = \"\" }")));

        Assert.Equal(["converge.swarm.cluster", "converge.swarm.node"], refusal.Faults.Select(fault => fault.Key).Order(StringComparer.Ordinal));
        Assert.False(Directory.Exists(DataFolder));
    }

    [Fact]
    public void A_system_under_another_address_is_refused() =>
        Assert.Throws<SwarmSettingsException>(() => Swarm.Get(Create("converge.swarm.members.1 = \"akka://another\"")));

    [Fact]
    public void A_second_node_on_the_same_folder_is_refused()
    {
        Swarm.Get(Create());

        Assert.Equal(DataFolder, Assert.Throws<FolderInUseException>(() => Swarm.Get(Create())).Folder);
    }

    [Fact]
    public async Task A_folder_of_another_node_is_refused()
    {
        SwarmExtension first = Swarm.Get(Create());
        await first.Client.CommitAsync(Created("p"));
        await first.StopAsync();

        Assert.Throws<WrongFolderException>(() => Swarm.Get(Create("converge.swarm.cluster = another")));
    }

    [Theory]
    [InlineData("Data Source=:memory:")]
    [InlineData("Data Source=/no/such/folder/raft.db")]
    [InlineData("no connection string")]
    public void A_journal_that_does_not_have_a_write_on_disk_when_it_confirms_it_is_refused(string connectionString)
    {
        Assert.Throws<JournalNotDurableException>(() => Swarm.Get(Create($"converge.swarm.log.journal.connection-string = \"{connectionString}\"")));

        // What was taken is given back.
        FolderLock.Acquire(DataFolder).Dispose();
    }

    [Fact]
    public async Task A_journal_that_was_lost_stops_the_node()
    {
        SwarmExtension first = Swarm.Get(Create());
        await first.Client.CommitAsync(Created("p"));
        await first.StopAsync();
        SqliteConnection.ClearAllPools();
        File.Delete(JournalFile);

        ActorSystem system = Create();
        var told = new TaskCompletionSource<SwarmFailed>();
        system.ActorOf(Props.Create(() => new Listener(told)));
        SwarmExtension second = Swarm.Get(system);

        await Assert.ThrowsAsync<JournalDamagedException>(() => second.Completion.WaitAsync(AkkaSwarm.Patience));
        Assert.IsType<JournalDamagedException>((await told.Task.WaitAsync(AkkaSwarm.Patience)).Reason);
        Assert.IsType<FactNotCommitted>(await second.Client.CommitAsync(Created("q")));
    }

    [Theory]
    [InlineData("update journal set message = x'0108' where sequence_number = 2", "event 1 cannot be replayed")]
    [InlineData("delete from journal where sequence_number = 2", "event 3 cannot be replayed")]
    [InlineData("delete from journal where sequence_number = 1", "begins with event 2")]
    [InlineData("update journal set writer_uuid = 'another' where sequence_number = 2", "event")]
    public async Task A_journal_that_was_damaged_stops_the_node_and_drops_nothing(string damage, string said)
    {
        SwarmExtension first = Swarm.Get(Create());
        await first.Client.CommitAsync(Created("p"));
        await first.Client.CommitAsync(Created("q"));
        await first.StopAsync();
        using (var connection = new SqliteConnection($"Data Source={JournalFile}"))
        {
            connection.Open();
            using SqliteCommand command = connection.CreateCommand();
            command.CommandText = damage;
            Assert.Equal(1, command.ExecuteNonQuery());
        }

        JournalDamagedException failure = await Assert.ThrowsAsync<JournalDamagedException>(
            () => Swarm.Get(Create()).Completion.WaitAsync(AkkaSwarm.Patience));

        Assert.Contains(said, failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_journal_holds_one_event_a_batch_in_the_encoding_of_every_host()
    {
        SwarmExtension node = Swarm.Get(Create());
        IReadOnlyList<CommitAnswer> answers = await node.Client.CommitAsync([.. Enumerable.Range(0, 100).Select(i => Created($"p{i}"))]);
        Assert.All(answers, answer => Assert.IsType<FactAccepted>(answer));
        await node.StopAsync();

        var model = new LogModel();
        int events = 0;
        using var connection = new SqliteConnection($"Data Source={JournalFile}");
        connection.Open();
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = "select message, manifest, identifier from journal where persistence_id = 'test-1-log' order by sequence_number";
        using SqliteDataReader rows = command.ExecuteReader();
        while (rows.Read())
        {
            events++;
            model.Apply(LogBatchCodec.Decode((byte[])rows[0]));
            Assert.Equal(("B", 7371L), (rows.GetString(1), rows.GetInt64(2)));
        }

        Assert.True(model.Entries.Count >= 101);
        Assert.True(events < 20, $"{events} events for {model.Entries.Count} entries.");
    }

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        await Task.WhenAll(_systems.Select(system => system.Terminate()));
        SqliteConnection.ClearAllPools();
        Directory.Delete(_folder, recursive: true);
    }

    private ActorSystem Create(string more = "")
    {
        Config config = ConfigurationFactory.ParseString(more).WithFallback(ConfigurationFactory.ParseString(
            $$"""
            akka { loglevel = OFF, stdout-loglevel = OFF }
            converge.swarm {
              cluster = "test"
              node = 1
              data-folder = "{{DataFolder.Replace("\\", "\\\\", StringComparison.Ordinal)}}"
              members { 1 = "akka://alone" }
              tick = 10ms
              request-timeout = 60s
              ledger-segment-bytes = 1MiB
            }
            """));
        ActorSystem system = ActorSystem.Create("alone", config);
        _systems.Add(system);
        return system;
    }

    private static FactSubmission Created(string proposal) => new(new ProposalCreated(proposal, "author"));

    private sealed class Listener : ReceiveActor
    {
        public Listener(TaskCompletionSource<SwarmFailed> told)
        {
            Context.System.EventStream.Subscribe(Self, typeof(SwarmFailed));
            Receive<SwarmFailed>(failed => told.TrySetResult(failed));
        }
    }
}
