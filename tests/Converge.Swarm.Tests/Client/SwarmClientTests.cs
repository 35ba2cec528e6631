using System.Net;
using System.Net.Sockets;
using Converge.Core;
using Converge.Core.Json;
using Converge.Swarm.Governance;
using Converge.Swarm.Ledger;
using Converge.Swarm.Tests.Hosting;
using Converge.Swarm.Tests.Ledger;
using Converge.Swarm.Tests.Storage;
using Converge.Swarm.Transport;
using Converge.Swarm.Transport.Wire;
using Google.Protobuf;

namespace Converge.Swarm.Tests.Client;

/// <summary>The client over the wire: real nodes where they are needed, a scripted one where only that can be troubled on purpose.</summary>
public sealed class SwarmClientTests
{
    /// <summary>A client waits no longer than this between two tries.</summary>
    private static readonly TimeSpan LongestPause = TimeSpan.FromMilliseconds(250);

    [Fact]
    public async Task It_says_what_the_nodes_say_though_it_was_told_of_one_only()
    {
        await using var swarm = new LocalSwarm(3);
        await swarm.StartAsync(1, 2, 3);
        ulong leader = (await swarm.LeaderAsync()).Node.Value;
        ulong follower = leader == 1 ? 2UL : 1UL;
        await using SwarmClient client = new(Options(swarm) with { Endpoints = [swarm.AddressOf(follower)] });

        FactAccepted accepted = Assert.IsType<FactAccepted>(await client.CommitAsync(Created("p")));
        CommitAnswer refused = await client.CommitAsync(Created("p"));

        Assert.Equal(new FactRefused(RefusalCode.AlreadyExists, 1), refused);
        Assert.Equal(1UL, (await client.GetProposalAsync("p"))!.Revision);
        Assert.Null(await client.GetProposalAsync("q"));
        Assert.Equal(await swarm[leader].Client.GetHeadAsync(), await client.GetHeadAsync(ReadConsistency.Linearizable));
        IReadOnlyList<LedgerRecord> records = await client.ReadAsync(1, 10);
        Assert.Equal(await swarm[leader].Client.ReadAsync(1, 10), records);
        Assert.StartsWith("client-", records[(int)accepted.Sequence - 1].CommandId!.Session, StringComparison.Ordinal);
        Assert.Equal(new NodeId(leader), (await client.GetStatusAsync()).Node);
    }

    [Fact]
    public async Task A_node_says_what_it_has_used()
    {
        await using var swarm = new LocalSwarm(3);
        await swarm.StartAsync(1, 2, 3);
        await using SwarmClient client = new(Options(swarm));
        NodeCounters before = (await client.GetStatusAsync()).Counters!;

        Assert.IsType<FactAccepted>(await client.CommitAsync(Created("p")));
        NodeCounters after = (await client.GetStatusAsync()).Counters!;

        Assert.True(after.LogFlushes > before.LogFlushes);
        Assert.True(after.AllocatedBytes > before.AllocatedBytes);
        Assert.True(after.ProcessorTime > before.ProcessorTime);
    }

    [Fact]
    public async Task Many_callers_and_many_facts_share_a_connection()
    {
        await using var swarm = new LocalSwarm(3);
        await swarm.StartAsync(1, 2, 3);
        await using SwarmClient client = new(Options(swarm));

        Task<CommitAnswer>[] single = [.. Enumerable.Range(0, 500).Select(i => client.CommitAsync(Created($"single{i}")))];
        IReadOnlyList<CommitAnswer> many = await client.CommitAsync(
            [.. Enumerable.Range(0, 1000).SelectMany(i => new[] { Created($"many{i}"), new FactSubmission(new PromotionApproved($"many{i}", "a")) })]);

        Assert.All(await Task.WhenAll(single), answer => Assert.IsType<FactAccepted>(answer));
        Assert.All(many, answer => Assert.IsType<FactAccepted>(answer));
        Assert.Equal(many.Cast<FactAccepted>().Select(answer => answer.Sequence).Order(), many.Cast<FactAccepted>().Select(answer => answer.Sequence));
    }

    [Fact]
    public async Task A_stream_of_commits_goes_through_the_end_of_a_leader_and_each_is_recorded_once()
    {
        await using var swarm = new LocalSwarm(3);
        await swarm.StartAsync(1, 2, 3);
        ulong leader = (await swarm.LeaderAsync()).Node.Value;
        await using SwarmClient client = new(Options(swarm));
        int committed = 0;

        async Task CommitManyAsync(int caller)
        {
            for (int i = 0; i < 100; i++)
            {
                Assert.IsType<FactAccepted>(await client.CommitAsync(Created($"p{caller}-{i}")));
                Interlocked.Increment(ref committed);
            }
        }

        Task[] callers = [.. Enumerable.Range(0, 8).Select(CommitManyAsync)];
        await LocalSwarm.UntilAsync(() => Task.FromResult(Volatile.Read(ref committed) > 100));
        await swarm.StopAsync(leader);
        await Task.WhenAll(callers).WaitAsync(LocalSwarm.Patience);

        // Whatever was tried twice was recorded once: a second record would have been refused as already there, and is not here.
        List<LedgerRecord> records = await TakeAsync(client.SubscribeAsync(1), record => record.Sequence >= 800 + 1);
        LedgerHead head = await client.GetHeadAsync(ReadConsistency.Linearizable);
        records.AddRange(await TakeAsync(client.SubscribeAsync((ulong)records.Count + 1), record => record.Sequence == head.Sequence));
        Assert.Equal(800, records.Count(record => record.Kind == RecordKind.Fact));
        Assert.Equal(800, records.Where(record => record.Kind == RecordKind.Fact).Select(record => record.Submission!.Fact.ProposalId).Distinct().Count());
    }

    [Fact]
    public async Task A_command_whose_answer_was_lost_is_tried_again_under_its_id_and_applied_once()
    {
        await using var swarm = new LocalSwarm(1);
        await swarm.StartAsync(1);
        await swarm.LeaderAsync();
        List<CommitRequest> passed = [];
        await using ScriptedNode deaf = new(request =>
        {
            // The node gets it, the client does not get the answer.
            passed.Add(request.Commit);
            Assert.IsType<FactAccepted>(ForwardAsync(swarm, request.Commit).GetAwaiter().GetResult());
            return null;
        });
        await using SwarmClient client = new(Options(swarm) with { Endpoints = [deaf.Address, swarm.AddressOf(1)] });

        CommitAnswer answer = await client.CommitAsync(Created("p"));

        FactAccepted accepted = Assert.IsType<FactAccepted>(answer);
        Assert.Single(passed);
        Assert.Equal(1UL, accepted.Revision);
        Assert.Equal(1, (await swarm[1].Client.ReadAsync(1, 100)).Count(record => record.Kind == RecordKind.Fact));
        Assert.Equal(accepted.Sequence, (await swarm[1].Client.GetProposalAsync("p"))!.LastSequence);
    }

    [Fact]
    public async Task An_outcome_that_is_not_known_is_said_to_be_unknown()
    {
        var head = new LedgerHead(1, new string('0', 64), new string('0', 64), new LogIndex(1), new Term(1));
        await using ScriptedNode deaf = new(request => request.Head is null ? null : new ClientAnswer { Head = ClientMessageCodec.ToWire(head) });
        var time = new ManualTime();
        await using SwarmClient client = new(Options(deaf, time));

        Assert.Equal(head, await client.GetHeadAsync());
        Assert.IsType<FactOutcomeUnknown>(await time.PassPausesAsync(client.CommitAsync(Created("p")), LongestPause));
        await Assert.ThrowsAsync<SwarmUnavailableException>(() => time.PassPausesAsync(client.GetStatusAsync(), LongestPause));
        Assert.IsType<LeadershipTransferUnknown>(await time.PassPausesAsync(client.TransferLeadershipAsync(), LongestPause));
        Assert.IsType<MembershipChangeUnknown>(
            await time.PassPausesAsync(client.ChangeMembersAsync([MembershipStep.Remove(new NodeId(3))]), LongestPause));
    }

    [Fact]
    public async Task An_answer_to_another_question_is_none()
    {
        EncodedRecord[] records = SampleLedger.Records(3);
        using GovernanceLedger ledger = GovernanceLedger.Open(new FaultyDisk(), "ledger", new GovernanceLedgerOptions());
        foreach (EncodedRecord record in records)
        {
            ledger.Append(record);
        }

        var view = new ProposalView("p", ProposalStatus.Open, 1, "ann", null, null, null, [], 1, 1, new LogIndex(1));
        byte[][] documents =
        [
            LedgerReceiptJson.ToUtf8(ledger.Receipt(1, 2)),
            InclusionProofJson.ToUtf8(ledger.ProveInclusion(1, 2)),
            ConsistencyProofJson.ToUtf8(ledger.ProveConsistency(1, 2)),
        ];
        await using ScriptedNode confused = new(request => request.Proof is { } proof
            ? new ClientAnswer { Proof = new ProofAnswer { Document = ByteString.CopyFrom(documents[(int)proof.Kind - 1]) } }
            : new ClientAnswer { Proposal = ClientMessageCodec.ToWire(view) });
        await using SwarmClient client = new(Options(confused));

        Assert.Equal("p", (await client.GetProposalAsync("p"))!.ProposalId);
        Assert.Equal(1UL, (await client.GetReceiptAsync(1)).Record.Sequence);
        Assert.Equal(1UL, (await client.GetInclusionProofAsync(1, 2)).Sequence);
        Assert.Equal(1UL, (await client.GetConsistencyProofAsync(1, 2)).From);
        foreach (Func<Task> other in new Func<Task>[]
        {
            () => client.GetProposalAsync("q"),
            () => client.GetReceiptAsync(2),
            () => client.GetReceiptAsync(1, 3),
            () => client.GetInclusionProofAsync(2, 2),
            () => client.GetInclusionProofAsync(1, 3),
            () => client.GetConsistencyProofAsync(2, 2),
            () => client.GetConsistencyProofAsync(1, 3),
        })
        {
            await Assert.ThrowsAsync<SwarmProtocolException>(other);
        }
    }

    [Theory]
    [InlineData("busy", NotCommittedReason.Busy)]
    [InlineData("wrong_cluster", NotCommittedReason.NoLeader)]
    public async Task A_client_that_every_node_sends_away_hears_why(string code, NotCommittedReason reason)
    {
        await using ScriptedNode full = new(_ => null) { Refusal = code };
        var time = new ManualTime();
        await using SwarmClient client = new(Options(full, time));

        FactNotCommitted answer = Assert.IsType<FactNotCommitted>(await time.PassPausesAsync(client.CommitAsync(Created("p")), LongestPause));

        Assert.Equal(reason, answer.Reason);
        Assert.Contains(code, answer.Message, StringComparison.Ordinal);
        Assert.Equal(
            reason, (await Assert.ThrowsAsync<SwarmUnavailableException>(() => time.PassPausesAsync(client.GetHeadAsync(), LongestPause))).Reason);
    }

    [Theory]
    [InlineData("busy", NotCommittedReason.Busy)]
    [InlineData("wrong_cluster", NotCommittedReason.NoLeader)]
    public async Task What_a_node_said_is_told_though_the_time_ends_while_it_is_asked_again(string code, NotCommittedReason reason)
    {
        (Task<CommitAnswer> commit, string committing) = await CutShortAsync(client => client.CommitAsync(Created("p")));
        (Task<LedgerHead> read, _) = await CutShortAsync(client => client.GetHeadAsync());
        (Task<LeadershipTransfer> transfer, string transferring) = await CutShortAsync(client => client.TransferLeadershipAsync());
        (Task<MembershipOutcome> change, string changing) = await CutShortAsync(
            client => client.ChangeMembersAsync([MembershipStep.Remove(new NodeId(3))]));

        FactNotCommitted answer = Assert.IsType<FactNotCommitted>(await commit);
        Assert.Equal((reason, committing), (answer.Reason, answer.Message));
        SwarmUnavailableException unavailable = await Assert.ThrowsAsync<SwarmUnavailableException>(() => read);
        Assert.Equal(reason, unavailable.Reason);
        Assert.Equal(transferring, Assert.IsType<LeadershipTransferRefused>(await transfer).Message);
        Assert.Equal(changing, Assert.IsType<MembershipNotChanged>(await change).Message);

        // The node sends the client away once; when it has come back and hears nothing, the time ends.
        async Task<(Task<T> Call, string Heard)> CutShortAsync<T>(Func<SwarmClient, Task<T>> call)
        {
            await using ScriptedNode node = new(_ => null) { Refusal = code, Greets = 1 };
            var time = new ManualTime();
            await using SwarmClient client = new(Options(node, time));
            Task<T> called = call(client);
            await time.PassPausesAsync(Task.WhenAny(called, node.Silent), LongestPause);
            time.Advance(Options(node, time).Timeout);
            await Task.WhenAny(called);
            return (called, $"{node.Address} refused this client ({code}): Not now.");
        }
    }

    [Fact]
    public async Task A_leased_read_where_there_are_no_leases_is_refused_at_once()
    {
        int asked = 0;
        await using ScriptedNode node = new(_ =>
        {
            asked++;
            return new ClientAnswer { Unavailable = ClientMessageCodec.ToWire(NotCommittedReason.NoLease, "Off.") };
        });
        await using SwarmClient client = new(Options(node));

        Assert.Equal(NotCommittedReason.NoLease, (await Assert.ThrowsAsync<SwarmUnavailableException>(() => client.GetHeadAsync(ReadConsistency.Leased))).Reason);
        Assert.Equal(1, asked);
    }

    [Fact]
    public async Task What_no_node_can_have_seen_is_not_committed()
    {
        using Socket nobody = Deaf();
        var time = new ManualTime();
        await using SwarmClient client = new(Options([AddressOf(nobody)], time));

        Assert.Equal(
            NotCommittedReason.NoLeader,
            Assert.IsType<FactNotCommitted>(await time.PassPausesAsync(client.CommitAsync(Created("p")), LongestPause)).Reason);
        Assert.Equal(
            TransferRefusal.NoLeader,
            Assert.IsType<LeadershipTransferRefused>(await time.PassPausesAsync(client.TransferLeadershipAsync(), LongestPause)).Reason);
        Assert.Equal(
            MembershipRefusal.NoLeader,
            Assert.IsType<MembershipNotChanged>(
                await time.PassPausesAsync(client.ChangeMembersAsync([MembershipStep.Remove(new NodeId(3))]), LongestPause)).Reason);
        await Assert.ThrowsAsync<SwarmUnavailableException>(() => time.PassPausesAsync(client.GetMembersAsync(), LongestPause));
        await Assert.ThrowsAsync<SwarmUnavailableException>(() => time.PassPausesAsync(client.GetProposalAsync("p"), LongestPause));
        await Assert.ThrowsAsync<SwarmUnavailableException>(() => time.PassPausesAsync(TakeAsync(client.SubscribeAsync(1), _ => true), LongestPause));
    }

    [Fact]
    public async Task Cancelling_gives_up_waiting_at_once_and_leaves_the_client_good()
    {
        var asked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var answering = new ManualResetEventSlim();
        await using ScriptedNode slow = new(request =>
        {
            asked.TrySetResult();
            answering.Wait(LocalSwarm.Patience);
            return request.Commit is null
                ? new ClientAnswer { Proposal = new ProposalAnswer() }
                : new ClientAnswer { Commit = ClientMessageCodec.ToWire([new FactRefused(RefusalCode.AlreadyExists, 1)]) };
        });
        await using SwarmClient client = new(Options(slow) with { AttemptTimeout = TimeSpan.FromSeconds(60) });
        using var cancelled = new CancellationTokenSource();

        Task<CommitAnswer> commit = client.CommitAsync(Created("p"), cancelled.Token);
        await asked.Task;
        await cancelled.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => commit);
        answering.Set();
        Assert.Null(await client.GetProposalAsync("p"));
    }

    [Fact]
    public async Task More_than_may_be_under_way_is_answered_busy()
    {
        using var answering = new ManualResetEventSlim();
        await using ScriptedNode slow = new(_ =>
        {
            answering.Wait(LocalSwarm.Patience);
            return new ClientAnswer { Commit = ClientMessageCodec.ToWire([new FactRefused(RefusalCode.AlreadyExists, 1)]) };
        });
        await using SwarmClient client = new(Options(slow) with { MaxInflightRequests = 2, AttemptTimeout = TimeSpan.FromSeconds(60) });

        Task<CommitAnswer>[] waiting = [client.CommitAsync(Created("p")), client.CommitAsync(Created("q"))];

        Assert.Equal(NotCommittedReason.Busy, Assert.IsType<FactNotCommitted>(await client.CommitAsync(Created("r"))).Reason);
        await Assert.ThrowsAsync<SwarmUnavailableException>(() => client.GetHeadAsync());
        answering.Set();
        Assert.All(await Task.WhenAll(waiting), answer => Assert.IsType<FactRefused>(answer));
    }

    [Fact]
    public async Task A_node_that_does_not_answer_is_not_waited_for_when_there_is_another()
    {
        await using var swarm = new LocalSwarm(1);
        await swarm.StartAsync(1);
        await swarm.LeaderAsync();
        using Socket silent = Deaf();
        silent.Listen();
        var time = new ManualTime();
        SwarmClientOptions options = Options([AddressOf(silent), swarm.AddressOf(1)], time) with { AttemptTimeout = TimeSpan.FromSeconds(5) };
        await using SwarmClient client = new(options);

        Task<CommitAnswer> commit = client.CommitAsync(Created("p"));
        using Socket accepted = await silent.AcceptAsync().WaitAsync(LocalSwarm.Patience);
        time.Advance(options.AttemptTimeout);

        Assert.IsType<FactAccepted>(await time.PassPausesAsync(commit, LongestPause));
    }

    [Fact]
    public async Task A_subscription_gives_history_then_what_comes_and_goes_on_across_restarts_without_gaps_or_doubles()
    {
        await using var swarm = new LocalSwarm(3);
        await swarm.StartAsync(1, 2, 3);
        await using SwarmClient client = new(Options(swarm));
        await CommitAsync(client, "before", 600);
        using var enough = new CancellationTokenSource();
        List<LedgerRecord> seen = [];

        Task subscribing = Task.Run(async () =>
        {
            await foreach (LedgerRecord record in client.SubscribeAsync(1, enough.Token))
            {
                lock (seen)
                {
                    seen.Add(record);
                }
            }
        });
        ulong stopped = (await swarm.LeaderAsync()).Node.Value;
        await swarm.StopAsync(stopped);
        await CommitAsync(client, "meanwhile", 300);
        await swarm.StartAsync(stopped);
        await swarm.StopAsync((await swarm.LeaderAsync()).Node.Value);
        await CommitAsync(client, "after", 300);
        ulong last = (await client.GetHeadAsync(ReadConsistency.Linearizable)).Sequence;
        await LocalSwarm.UntilAsync(() =>
        {
            lock (seen)
            {
                return Task.FromResult((ulong)seen.Count >= last);
            }
        });
        await enough.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => subscribing);
        Assert.Equal(Enumerable.Range(1, seen.Count).Select(i => (ulong)i), seen.Select(record => record.Sequence));
        Assert.Equal(1200, seen.Count(record => record.Kind == RecordKind.Fact));
        Assert.All(seen.Zip(seen.Skip(1)), pair => Assert.Equal(pair.First.Hash, pair.Second.PreviousHash));
    }

    [Fact]
    public async Task A_slow_subscriber_is_held_two_pages_and_no_more()
    {
        await using var swarm = new LocalSwarm(1);
        await swarm.StartAsync(1);
        await swarm.LeaderAsync();
        IReadOnlyList<CommitAnswer> answers = await swarm[1].Client.CommitAsync([.. Enumerable.Range(0, 3000).Select(i => Created($"p{i}"))]);
        Assert.All(answers, answer => Assert.IsType<FactAccepted>(answer));
        List<RecordsRequest> asked = [];
        await using ScriptedNode counting = new(request =>
        {
            lock (asked)
            {
                asked.Add(request.Records);
            }

            IReadOnlyList<LedgerRecord> page = swarm[1].Client.ReadAsync(request.Records.From, (int)request.Records.Limit).GetAwaiter().GetResult();
            return new ClientAnswer { Records = Page(page) };
        });
        await using SwarmClient client = new(Options(counting));

        await using IAsyncEnumerator<LedgerRecord> slow = client.SubscribeAsync(1).GetAsyncEnumerator();
        Assert.True(await slow.MoveNextAsync());
        await LocalSwarm.UntilAsync(() => Task.FromResult(Count() == 2));
        for (ulong sequence = 1; sequence <= 1000; sequence++)
        {
            Assert.Equal(sequence, slow.Current.Sequence);
            Assert.True(await slow.MoveNextAsync());
            Assert.True((ulong)Count() <= (sequence / asked[0].Limit) + 2);
        }

        int Count()
        {
            lock (asked)
            {
                return asked.Count;
            }
        }
    }

    [Fact]
    public async Task Records_of_nodes_that_disagree_are_never_mixed()
    {
        int call = 0;
        await using ScriptedNode forked = new(request => new ClientAnswer { Records = Page(Fork(call++, request.Records.From)) });
        await using SwarmClient client = new(Options(forked));

        await Assert.ThrowsAsync<SwarmProtocolException>(async () => await TakeAsync(client.SubscribeAsync(1), record => record.Sequence == 10));
    }

    [Fact]
    public async Task Leadership_is_transferred_on_request()
    {
        await using var swarm = new LocalSwarm(3);
        await swarm.StartAsync(1, 2, 3);
        NodeId leader = (await swarm.LeaderAsync()).Node;
        NodeId to = new(leader.Value == 3 ? 1 : 3UL);
        await using SwarmClient client = new(Options(swarm));
        await client.CommitAsync(Created("p"));

        LeadershipTransfer outcome = await client.TransferLeadershipAsync(to);
        LeadershipTransfer refused = await client.TransferLeadershipAsync(new NodeId(9));

        Assert.Equal(to, Assert.IsType<LeadershipTransferred>(outcome).Leader);
        Assert.Equal(TransferRefusal.UnknownMember, Assert.IsType<LeadershipTransferRefused>(refused).Reason);
        Assert.Equal(to, (await swarm.LeaderAsync()).Node);
        Assert.IsType<FactAccepted>(await client.CommitAsync(Created("q")));
    }

    [Fact]
    public async Task Members_are_added_and_removed_on_request()
    {
        await using var swarm = new LocalSwarm(3);
        await swarm.StartAsync(1, 2, 3);
        await swarm.LeaderAsync();
        await using SwarmClient client = new(Options(swarm));
        await client.CommitAsync(Created("p"));
        NodeId added = new(4);
        using Socket nobody = Deaf();
        string address = AddressOf(nobody).ToString();

        MembershipChanged joined = Assert.IsType<MembershipChanged>(
            await client.ChangeMembersAsync([MembershipStep.Add(added, MemberRole.Learner, address)]));
        MembershipOutcome untimely = await client.ChangeMembersAsync([MembershipStep.Promote(added)]);
        MembershipChanged left = Assert.IsType<MembershipChanged>(await client.ChangeMembersAsync([MembershipStep.Remove(added)]));
        MembershipOutcome again = await client.ChangeMembersAsync([MembershipStep.Add(added, MemberRole.Learner, address)]);

        Assert.Equal([added], joined.Learners.AsEnumerable());
        Assert.Equal(MembershipRefusal.NotCaughtUp, Assert.IsType<MembershipNotChanged>(untimely).Reason);
        Assert.Empty(left.Learners);
        Assert.Equal(3, left.Voters.Length);
        Assert.Equal(MembershipRefusal.RemovedMember, Assert.IsType<MembershipNotChanged>(again).Reason);
        // The leader's word: a follower may hear later that the change is in force.
        NodeId leader = (await swarm.LeaderAsync()).Node;
        SwarmMembers members = await swarm[leader.Value].Client.GetMembersAsync();
        Assert.Equal([new NodeId(1), new NodeId(2), new NodeId(3)], members.Members.Select(member => member.Id));
        Assert.All(members.Members, member => Assert.Equal(MemberRole.Voter, member.Role));
        Assert.IsType<FactAccepted>(await client.CommitAsync(Created("q")));
        await Assert.ThrowsAsync<ArgumentException>(() => client.ChangeMembersAsync([]));
    }

    [Fact]
    public async Task A_client_of_another_swarm_is_told_so()
    {
        await using var swarm = new LocalSwarm(1);
        await swarm.StartAsync(1);
        var time = new ManualTime();
        await using SwarmClient client = new(Options(swarm.Addresses, time) with { Cluster = "another" });

        SwarmUnavailableException refusal = await Assert.ThrowsAsync<SwarmUnavailableException>(
            () => time.PassPausesAsync(client.GetStatusAsync(), LongestPause));

        Assert.Contains("wrong_cluster", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_closed_client_says_so_and_what_was_under_way_ends()
    {
        using var answering = new ManualResetEventSlim();
        var asked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using ScriptedNode slow = new(_ =>
        {
            asked.TrySetResult();
            answering.Wait(LocalSwarm.Patience);
            return null;
        });
        SwarmClient client = new(Options(slow));
        Task<CommitAnswer> commit = client.CommitAsync(Created("p"));
        await asked.Task;

        await client.DisposeAsync();

        Assert.IsType<FactOutcomeUnknown>(await commit);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => client.CommitAsync(Created("p")));
        answering.Set();
    }

    [Theory]
    [InlineData("", 1, "s", "Cluster")]
    [InlineData("test", 0, "s", "Endpoints")]
    [InlineData("test", 1, " ", "SessionName")]
    public void Options_that_cannot_be_are_refused_by_name(string cluster, int endpoints, string session, string named)
    {
        var options = new SwarmClientOptions
        {
            Cluster = cluster,
            Endpoints = [.. Enumerable.Repeat(new IPEndPoint(IPAddress.Loopback, 1), endpoints)],
            SessionName = session,
        };

        Assert.Contains(named, Assert.Throws<ArgumentException>(() => new SwarmClient(options)).Message, StringComparison.Ordinal);
    }

    private static SwarmClientOptions Options(LocalSwarm swarm) => new() { Cluster = "test", Endpoints = swarm.Addresses, Timeout = LocalSwarm.Patience };

    private static SwarmClientOptions Options(ScriptedNode node) => new() { Cluster = "test", Endpoints = [node.Address], Timeout = LocalSwarm.Patience };

    private static SwarmClientOptions Options(ScriptedNode node, ManualTime time) => Options([node.Address], time);

    /// <summary>Times on a clock of the test's own, all of them much longer than <see cref="LongestPause"/>.</summary>
    private static SwarmClientOptions Options(IReadOnlyList<IPEndPoint> endpoints, ManualTime time) => new()
    {
        Cluster = "test",
        Endpoints = endpoints,
        Time = time,
        Timeout = TimeSpan.FromSeconds(20),
        AttemptTimeout = TimeSpan.FromSeconds(20),
        DialTimeout = TimeSpan.FromSeconds(20),
    };

    private static FactSubmission Created(string proposal) => new(new ProposalCreated(proposal, "author"));

    private static async Task CommitAsync(SwarmClient client, string prefix, int count)
    {
        IReadOnlyList<CommitAnswer> answers = await client.CommitAsync([.. Enumerable.Range(0, count).Select(i => Created($"{prefix}{i}"))]);
        Assert.All(answers, answer => Assert.IsType<FactAccepted>(answer));
    }

    private static async Task<List<LedgerRecord>> TakeAsync(IAsyncEnumerable<LedgerRecord> records, Func<LedgerRecord, bool> isLast)
    {
        List<LedgerRecord> taken = [];
        using var patience = new CancellationTokenSource(LocalSwarm.Patience);
        await foreach (LedgerRecord record in records.WithCancellation(patience.Token))
        {
            taken.Add(record);
            if (isLast(record))
            {
                break;
            }
        }

        return taken;
    }

    private static async Task<CommitAnswer> ForwardAsync(LocalSwarm swarm, CommitRequest commit)
    {
        var command = (FactCommand)CommandCodec.Decode(commit.Commands[0].Span);
        return await swarm[1].Client.CommitAsync(command.Submission);
    }

    private static RecordsAnswer Page(IEnumerable<LedgerRecord> records)
    {
        var page = new RecordsAnswer();
        page.Records.Add(records.Select(record => Google.Protobuf.ByteString.CopyFrom(LedgerRecordCodec.Encode(record).Bytes.Span)));
        return page;
    }

    /// <summary>One record, of another history each time.</summary>
    private static IEnumerable<LedgerRecord> Fork(int history, ulong sequence)
    {
        var record = new LedgerRecord(
            sequence, new LogIndex(sequence), new Term(1), 1, new LamportTimestamp(sequence, new NodeId(1)), RecordKind.Authority, null, null, new NodeId(1),
            Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData([(byte)history])), "");
        yield return record;
    }

    /// <summary>An address that nobody else gets while it is held, and at which nobody listens.</summary>
    private static Socket Deaf()
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return socket;
    }

    private static IPEndPoint AddressOf(Socket socket) => (IPEndPoint)socket.LocalEndPoint!;
}
