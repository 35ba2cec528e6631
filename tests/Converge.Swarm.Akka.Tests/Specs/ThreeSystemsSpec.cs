using Akka.Actor;
using Converge.Core;
using Converge.Swarm.Actors;
using Converge.Swarm.Akka.Serialization;
using Microsoft.Data.Sqlite;

namespace Converge.Swarm.Akka.Tests.Specs;

/// <summary>Three ActorSystems agree, and go on agreeing when some of them end without a word.</summary>
[Collection(nameof(AkkaSwarm))]
public sealed class ThreeSystemsSpec
{
    // For specs that depend on nobody being elected unasked, on a machine that is busy with something else.
    private const string PatientElections = "converge.swarm.election-ticks = 40";

    [Fact]
    public async Task Three_systems_agree_on_what_clients_submit_anywhere()
    {
        await using var swarm = new AkkaSwarm(3);
        swarm.Start(swarm.All);

        // No waiting for a leader: a request that comes before there is one waits itself.
        FactAccepted[] answers = await Task.WhenAll(Enumerable.Range(0, 300).Select(i =>
            AkkaSwarm.CommitUntilAcceptedAsync(swarm.Client((ulong)(i % 3) + 1), Created($"p{i}") with { CommandId = new CommandId($"session-{i}", 1) })));

        Assert.Equal(300, answers.Select(answer => answer.Sequence).Distinct().Count());
        await swarm.AgreementAsync();
    }

    [Fact]
    public async Task The_sample_facts_survive_the_abrupt_end_of_a_follower_of_the_leader_and_of_all()
    {
        await using var swarm = new AkkaSwarm(3, PatientElections);
        swarm.Start(swarm.All);
        IReadOnlyList<FactSubmission>[] quarters = [.. Sample.Facts().Chunk((Sample.Facts().Count + 3) / 4)];
        List<CommitAnswer> answers = [];
        ulong leader = await swarm.LeaderAsync();
        answers.AddRange(await swarm.Client(leader).CommitAsync(quarters[0]));

        ulong follower = swarm.All.First(id => id != leader);
        await swarm.CrashAsync(follower);
        answers.AddRange(await swarm.Client(leader).CommitAsync(quarters[1]));
        swarm.Start(follower);
        await swarm.AgreementAsync();

        await swarm.CrashAsync(leader);
        ulong next = await swarm.LeaderAsync();
        answers.AddRange(await swarm.Client(swarm.Alive.First(id => id != next)).CommitAsync(quarters[2]));
        swarm.Start(leader);
        await swarm.AgreementAsync();

        await swarm.CrashAsync(swarm.All);
        swarm.Start(swarm.All);
        answers.AddRange(await swarm.Client(1).CommitAsync(quarters[3]));

        LedgerHead head = await swarm.AgreementAsync();
        (int accepted, IReadOnlyDictionary<string, int> refused) = Sample.Expected();
        Assert.Equal(accepted, answers.Count(answer => answer is FactAccepted));
        Assert.Equal(refused, answers.OfType<FactRefused>().GroupBy(answer => answer.Code.Name(), StringComparer.Ordinal).ToDictionary(group => group.Key, group => group.Count(), StringComparer.Ordinal));
        Assert.Equal(Sample.Facts().Count, accepted + refused.Values.Sum());
        await swarm.RequireSameRecordsAsync(head, answers);
    }

    [Fact]
    public async Task A_client_that_repeats_its_commands_through_the_leaders_end_has_each_recorded_once()
    {
        await using var swarm = new AkkaSwarm(3);
        swarm.Start(swarm.All);
        ulong leader = await swarm.LeaderAsync();
        ulong[] survivors = [.. swarm.All.Where(id => id != leader)];
        var underWay = new TaskCompletionSource();

        Task<FactAccepted>[] clients = [.. Enumerable.Range(0, 8).Select(client => Task.Run(async () =>
        {
            FactAccepted last = null!;
            for (ulong number = 1; number <= 40; number++)
            {
                var submission = new FactSubmission(new ProposalCreated($"{client}-{number}", "author")) { CommandId = new CommandId($"client-{client}", number) };
                last = await AkkaSwarm.CommitUntilAcceptedAsync(swarm.Client(survivors[client % 2]), submission);
                if (number == 5)
                {
                    underWay.TrySetResult();
                }
            }

            return last;
        }))];
        await underWay.Task;
        await swarm.CrashAsync(leader);
        await Task.WhenAll(clients).WaitAsync(AkkaSwarm.Patience);
        swarm.Start(leader);

        LedgerHead head = await swarm.AgreementAsync();
        IReadOnlyList<LedgerRecord> records = await swarm.Client(leader).ReadAsync(1, (int)head.Sequence);
        string[] proposals = [.. records.Where(record => record.Kind == RecordKind.Fact).Select(record => record.Submission!.Fact.ProposalId)];
        Assert.Equal(8 * 40, proposals.Length);
        Assert.Equal(8 * 40, proposals.Distinct(StringComparer.Ordinal).Count());
    }

    [Fact]
    public async Task The_end_of_a_log_actor_under_load_loses_nothing_that_was_acknowledged()
    {
        await using var swarm = new AkkaSwarm(3, "converge.swarm.log.restart.min-backoff = 50ms");
        swarm.Start(swarm.All);
        ulong leader = await swarm.LeaderAsync();
        using var enough = new CancellationTokenSource();
        Task<List<FactAccepted>> load = CommitUntilAsync(swarm.Client(leader), enough.Token);

        for (int round = 0; round < 5; round++)
        {
            foreach (ulong id in swarm.All)
            {
                ulong before = (await swarm.Client(id).GetStatusAsync()).DurableIndex.Value;
                ActorSelection log = swarm.System(id).ActorSelection("/user/swarm/node/log-supervisor/log");
                log.Tell(round % 2 == 0 ? Kill.Instance : PoisonPill.Instance);
                await AkkaSwarm.UntilAsync(async () => (await swarm.Client(id).GetStatusAsync()).DurableIndex.Value > before + 5);
            }
        }

        await enough.CancelAsync();
        List<FactAccepted> acknowledged = await load;
        LedgerHead head = await swarm.AgreementAsync();
        Assert.True(acknowledged.Count > 15);
        await swarm.RequireSameRecordsAsync(head, acknowledged);
        await swarm.CrashAsync(swarm.All);
        swarm.Start(swarm.All);

        // A new leader learns what was committed before it with the first entry of its own term.
        await AkkaSwarm.CommitUntilAcceptedAsync(swarm.Client(1), Created("after") with { CommandId = new CommandId("after", 1) });
        Assert.True((await swarm.AgreementAsync()).Sequence > head.Sequence);
    }

    [Fact]
    public async Task A_write_that_timed_out_and_landed_all_the_same_is_not_stored_twice()
    {
        await using var swarm = new AkkaSwarm(
            3,
            """
            converge.swarm.log.restart { min-backoff = 50ms, max-backoff = 100ms }
            converge.swarm.log.journal.circuit-breaker { call-timeout = 300ms, max-failures = 1000 }
            """);
        swarm.Start(swarm.All);
        ulong leader = await swarm.LeaderAsync();
        using var enough = new CancellationTokenSource();
        Task<List<FactAccepted>> load = CommitUntilAsync(swarm.Client(leader), enough.Token);

        foreach (ulong id in swarm.All)
        {
            // Whoever else writes to the file waits: for longer than a write may take, for less than SQLite gives up.
            ulong before = (await swarm.Client(id).GetStatusAsync()).DurableIndex.Value;
            var restarted = new TaskCompletionSource();
            IActorRef first = await swarm.System(id).ActorSelection("/user/swarm/node/log-supervisor/log").ResolveOne(AkkaSwarm.Patience);
            await using (var connection = new SqliteConnection(swarm.ConnectionString(id)))
            {
                connection.Open();
                await using var transaction = connection.BeginTransaction(deferred: false);
                await first.WatchAsync().WaitAsync(AkkaSwarm.Patience);
                transaction.Rollback();
            }

            await AkkaSwarm.UntilAsync(async () => (await swarm.Client(id).GetStatusAsync()).DurableIndex.Value > before + 5);
        }

        await enough.CancelAsync();
        List<FactAccepted> acknowledged = await load;
        await swarm.RequireSameRecordsAsync(await swarm.AgreementAsync(), acknowledged);
    }

    [Fact]
    public async Task A_linearizable_read_on_every_node_sees_what_was_acknowledged_before()
    {
        await using var swarm = new AkkaSwarm(3);
        swarm.Start(swarm.All);
        await AkkaSwarm.CommitUntilAcceptedAsync(swarm.Client(1), Created("p") with { CommandId = new CommandId("session", 1) });

        foreach (ulong id in swarm.All)
        {
            Assert.Equal(1UL, (await swarm.Client(id).GetProposalAsync("p"))!.Revision);
            Assert.Null(await swarm.Client(id).GetProposalAsync("q"));
        }
    }

    [Fact]
    public async Task A_leader_that_is_cut_off_promises_nothing_and_follows_when_it_is_back()
    {
        await using var swarm = new AkkaSwarm(3, "converge.swarm.request-timeout = 2s", canBeCut: true);
        swarm.Start(swarm.All);
        ulong old = await swarm.LeaderAsync();
        ulong[] others = [.. swarm.All.Where(id => id != old)];
        await swarm.Client(old).CommitAsync(Created("before"));

        await swarm.IsolateAsync(old);
        Task<CommitAnswer> lost = swarm.Client(old).CommitAsync(Created("lost"));
        Task<ProposalView?> read = swarm.Client(old).GetProposalAsync("before");
        CommitAnswer answer = await AkkaSwarm.CommitUntilAcceptedAsync(
            swarm.Client(others[0]), Created("meanwhile") with { CommandId = new CommandId("session", 1) });

        Assert.IsNotType<FactAccepted>(await lost.WaitAsync(AkkaSwarm.Patience));
        await Assert.ThrowsAsync<SwarmUnavailableException>(() => read.WaitAsync(AkkaSwarm.Patience));
        Assert.NotEqual(NodeRole.Leader, (await swarm.Client(old).GetStatusAsync()).Role);

        await swarm.HealAsync(old);
        await swarm.RequireSameRecordsAsync(await swarm.AgreementAsync(), [answer]);
        await AkkaSwarm.CommitUntilAcceptedAsync(swarm.Client(old), Created("after") with { CommandId = new CommandId("after", 1) });
    }

    [Fact]
    public async Task A_leader_that_shuts_down_in_order_hands_over_and_leaves_nothing_undone()
    {
        await using var swarm = new AkkaSwarm(3, PatientElections);
        swarm.Start(swarm.All);
        ulong leader = await swarm.LeaderAsync();
        ulong other = swarm.All.First(id => id != leader);
        Term before = (await swarm.Client(other).GetStatusAsync()).Term;
        await swarm.Client(leader).CommitAsync(Created("p"));

        await swarm.ShutDownAsync(leader);

        // Handed over before it went, and not found missing an election timeout later.
        Assert.Contains(await swarm.StatusAsync(), status => status.Term == before.Next);
        Assert.IsType<FactAccepted>(await swarm.Client(other).CommitAsync(Created("q")));
        swarm.Start(leader);
        await swarm.AgreementAsync();
    }

    [Fact]
    public async Task Requests_larger_than_a_frame_are_taken_on_a_follower_too()
    {
        await using var swarm = new AkkaSwarm(3, PatientElections);
        swarm.Start(swarm.All);
        ulong leader = await swarm.LeaderAsync();
        ulong follower = swarm.All.First(id => id != leader);
        string detail = new('x', FactLimits.MaxTextLength);

        IReadOnlyList<CommitAnswer> answers = await swarm.Client(follower).CommitAsync(
            [Created("p"), .. Enumerable.Range(0, 200).Select(i => new FactSubmission(new ValidationPassed("p", $"validator-{i}") { Detail = detail }))]);

        Assert.All(answers, answer => Assert.IsType<FactAccepted>(answer));
        Assert.Equal(Enumerable.Range(1, 201).Select(i => (ulong)i), answers.Select(answer => ((FactAccepted)answer).Revision));
        await swarm.AgreementAsync();
    }

    [Fact]
    public async Task What_happens_is_told_on_the_event_stream()
    {
        await using var swarm = new AkkaSwarm(3);
        var leaders = new TaskCompletionSource<SwarmEvent.LeaderChanged>();
        var records = new TaskCompletionSource<SwarmEvent.RecordsAdded>();
        swarm.Start(swarm.All);
        swarm.System(1).ActorOf(Props.Create(() => new Listener(leaders, records)));

        await swarm.Client(1).CommitAsync(Created("p"));
        ulong leader = await swarm.LeaderAsync();

        Assert.Equal(leader, (await leaders.Task.WaitAsync(AkkaSwarm.Patience)).Leader.Value);
        Assert.Equal(1UL, (await records.Task.WaitAsync(AkkaSwarm.Patience)).FirstSequence);
    }

    [Fact]
    public async Task Strangers_are_not_listened_to()
    {
        await using var swarm = new AkkaSwarm(3);
        swarm.Start(swarm.All);
        ulong leader = await swarm.LeaderAsync();
        SwarmStatus before = await swarm.Client(leader).GetStatusAsync();
        ActorSelection node = swarm.System(leader).ActorSelection("/user/swarm/node");
        Raft.Message vote = new()
        {
            Kind = Raft.MessageKind.Vote,
            From = new NodeId(leader % 3 + 1),
            To = new NodeId(leader),
            Term = new Term(before.Term.Value + 5),
            LogTerm = before.Term,
            Index = before.LastIndex + 100,
        };

        node.Tell(new PeerEnvelope("another", vote.From, vote.To, new ProtocolMessage(vote, default)));
        node.Tell(new PeerEnvelope("test", new NodeId(9), vote.To, new ProtocolMessage(vote with { From = new NodeId(9) }, default)));
        node.Tell(new PeerEnvelope("test", vote.From, new NodeId(9), new ProtocolMessage(vote with { To = new NodeId(9) }, default)));
        node.Tell(new PeerEnvelope("test", vote.From, vote.To, new ProtocolMessage(vote with { From = new NodeId(9) }, default)));
        await swarm.Client(leader).CommitAsync(Created("p"));

        Assert.Equal(before.Term, (await swarm.Client(leader).GetStatusAsync()).Term);
    }

    /// <summary>Commits one fact after the other until told to stop; what became of some may be unknown.</summary>
    private static async Task<List<FactAccepted>> CommitUntilAsync(ISwarmClient client, CancellationToken enough)
    {
        List<FactAccepted> accepted = [];
        for (int i = 0; !enough.IsCancellationRequested; i++)
        {
            if (await client.CommitAsync(Created($"load-{i}"), CancellationToken.None) is FactAccepted answer)
            {
                accepted.Add(answer);
            }
        }

        return accepted;
    }

    private static FactSubmission Created(string proposal) => new(new ProposalCreated(proposal, "author"));

    private sealed class Listener : ReceiveActor
    {
        public Listener(TaskCompletionSource<SwarmEvent.LeaderChanged> leaders, TaskCompletionSource<SwarmEvent.RecordsAdded> records)
        {
            Context.System.EventStream.Subscribe(Self, typeof(SwarmEvent));
            Receive<SwarmEvent.LeaderChanged>(changed => !changed.Leader.IsNone, changed => leaders.TrySetResult(changed));
            Receive<SwarmEvent.RecordsAdded>(added => records.TrySetResult(added));
        }
    }
}
