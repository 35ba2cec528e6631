using System.Text.Json;
using Converge.Core;
using Converge.Swarm.Http;

namespace Converge.Swarm.Cli.Tests.Commands;

public sealed class CommandTests
{
    public static TheoryData<string[], FactKind> AllKinds => new()
    {
        { ["proposal_created", "p", "--author", "ann", "--title", "T", "--content-hash", "h"], FactKind.ProposalCreated },
        { ["validation_passed", "p", "--validator", "ci", "--detail", "d"], FactKind.ValidationPassed },
        { ["validation_failed", "p", "--validator", "ci", "--reason", "r"], FactKind.ValidationFailed },
        { ["promotion_approved", "p", "--approver", "bob"], FactKind.PromotionApproved },
        { ["promotion_rejected", "p", "--approver", "bob", "--reason", "r"], FactKind.PromotionRejected },
        { ["rollback_issued", "p", "--issuer", "bob", "--reason", "r"], FactKind.RollbackIssued },
        { ["override_granted", "p", "--grantor", "eve", "--reason", "r"], FactKind.OverrideGranted },
    };

    [Theory]
    [InlineData("a command is missing", new string[0])]
    [InlineData("'nonsense'", new[] { "nonsense" })]
    [InlineData("--colour", new[] { "status", "--colour" })]
    [InlineData("converge propose validation_failed --help", new[] { "propose", "validation_failed", "p", "--validator", "ci" })]
    [InlineData("converge propose --help", new[] { "propose" })]
    [InlineData("--limit is a whole number, 0 or more, not 'ten'. Try 'converge log --help'.", new[] { "log", "--limit", "ten" })]
    [InlineData("--from is a whole number, 0 or more, not '-3'.", new[] { "export", "--from", "-3" })]
    [InlineData("--at is a whole number, not 'now'.", new[] { "propose", "promotion_approved", "p", "--approver", "a", "--at", "now" })]
    [InlineData("--nodes is a whole number up to 2147483647, not '3000000000'.", new[] { "up", "--nodes", "3000000000" })]
    [InlineData("--timeout is a number, not 'long'.", new[] { "import", "facts.jsonl", "--timeout", "long" })]
    [InlineData("--log-level is one of Trace, Debug, Information, Warning, Error, Critical, None, not 'Loud'.", new[] { "node", "--config", "c", "--log-level", "Loud" })]
    [InlineData("sequence is a whole number, 0 or more, not 'last'.", new[] { "receipt", "get", "last" })]
    [InlineData("There is no script for 'csh'; there are some for bash, zsh, fish, pwsh. Try", new[] { "completion", "csh" })]
    [InlineData("There is no file '.'.", new[] { "receipt", "verify", "." })]
    [InlineData("node's address", new[] { "status", "--url", "localhost" })]
    [InlineData("--timeout", new[] { "propose", "promotion_approved", "p", "--approver", "a", "--timeout", "0" })]
    [InlineData("--session and --number", new[] { "propose", "promotion_approved", "p", "--approver", "a", "--session", "s" })]
    [InlineData("--lamport", new[] { "propose", "promotion_approved", "p", "--approver", "a", "--lamport", "7" })]
    [InlineData("blank", new[] { "propose", "promotion_approved", "p", "--approver", " " })]
    [InlineData("odd number", new[] { "demo", "--nodes", "2" })]
    [InlineData("odd number", new[] { "up", "--nodes", "4", "--data", "/nonexistent/converge" })]
    [InlineData("is not a port", new[] { "up", "--http", "70000", "--data", "/nonexistent/converge" })]
    [InlineData("no folder", new[] { "verify", "/nonexistent/converge" })]
    [InlineData("cannot be used", new[] { "node", "--config", "/nonexistent/converge.json" })]
    public async Task What_is_not_understood_is_one_sentence_and_exit_code_2(string message, string[] arguments)
    {
        (await ConvergeRun.InProcessAsync(arguments)).AssertFault(ExitCode.Usage, message);
    }

    [Theory]
    [MemberData(nameof(AllKinds))]
    public async Task Every_kind_of_fact_can_be_proposed_with_every_field(string[] arguments, FactKind kind)
    {
        await using TestSwarm swarm = await TestSwarm.StartAsync();
        FactSubmission? seen = null;
        swarm.Node.Answer = submission =>
        {
            seen = submission;
            return new FactRefused(RefusalCode.UnknownProposal, 0);
        };

        await swarm.RunAsync(["propose", .. arguments, "--at", "7", "--expected-revision", "3", "--session", "s", "--number", "9", "--lamport", "5@2"]);

        Assert.NotNull(seen);
        Assert.Equal(kind, seen.Fact.Kind);
        Assert.Equal(arguments[3], seen.Fact.Actor);
        Assert.Equal(arguments.Length > 4 ? arguments[5] : null, seen.Fact.Text());
        Assert.Equal((7, 3UL, new CommandId("s", 9), new LamportTimestamp(5, new NodeId(2))), (seen.At, seen.ExpectedRevision, seen.CommandId, seen.Lamport));
    }

    [Fact]
    public async Task What_was_proposed_is_answered_shown_and_refused_a_second_time()
    {
        await using TestSwarm swarm = await TestSwarm.StartAsync();

        CommandResult first = await swarm.RunAsync("propose", "proposal_created", "p1", "--author", "ann", "--json");
        CommandResult again = await swarm.RunAsync("propose", "proposal_created", "p1", "--author", "ann", "--json");
        CommandResult view = await swarm.RunAsync("proposal", "p1", "--json");
        CommandResult none = await swarm.RunAsync("proposal", "p2");

        Assert.Equal("accepted", first.Json.GetProperty("status").GetString());
        Assert.Equal(ExitCode.Success, first.ExitCode);
        Assert.Equal("already_exists", again.Json.GetProperty("code").GetString());
        again.AssertFault(ExitCode.Failed, "already_exists");
        Assert.Equal("open", view.Json.GetProperty("status").GetString());
        Assert.Equal(ReadConsistency.Linearizable, swarm.Node.LastConsistency);
        none.AssertFault(ExitCode.Failed, "no proposal 'p2'");
    }

    [Fact]
    public async Task A_stale_read_is_asked_for_by_name()
    {
        await using TestSwarm swarm = await TestSwarm.StartAsync();
        await swarm.RunAsync("propose", "proposal_created", "p1", "--author", "ann");

        await swarm.RunAsync("proposal", "p1", "--stale");

        Assert.Equal(ReadConsistency.Stale, swarm.Node.LastConsistency);
    }

    [Fact]
    public async Task An_answer_that_is_not_final_is_asked_for_again_under_the_same_command_id()
    {
        await using TestSwarm swarm = await TestSwarm.StartAsync();
        List<CommandId> seen = [];
        swarm.Node.Answer = submission =>
        {
            seen.Add(submission.CommandId!);
            return seen.Count switch
            {
                1 => new FactNotCommitted(NotCommittedReason.NoLeader, "Nobody leads."),
                2 => new FactOutcomeUnknown("Who knows."),
                _ => null,
            };
        };

        CommandResult result = await swarm.RunAsync("propose", "proposal_created", "p1", "--author", "ann");

        Assert.Equal(ExitCode.Success, result.ExitCode);
        Assert.Equal(3, seen.Count);
        Assert.Single(seen.Distinct());
    }

    [Fact]
    public async Task Once_an_outcome_was_unknown_it_stays_so_until_a_final_answer_comes()
    {
        await using TestSwarm swarm = await TestSwarm.StartAsync();
        int asked = 0;
        swarm.Node.Answer = _ => asked++ == 0 ? new FactOutcomeUnknown("Who knows.") : new FactNotCommitted(NotCommittedReason.NoLeader, "Nobody leads.");

        CommandResult result = await swarm.RunAsync("propose", "proposal_created", "p1", "--author", "ann", "--timeout", "0.1", "--session", "mine", "--number", "4");

        result.AssertFault(ExitCode.OutcomeUnknown, "--session mine --number 4");
    }

    [Fact]
    public async Task A_swarm_without_a_leader_is_unavailable()
    {
        await using TestSwarm swarm = await TestSwarm.StartAsync();
        swarm.Node.Answer = _ => new FactNotCommitted(NotCommittedReason.NoLeader, "Nobody leads.");

        (await swarm.RunAsync("propose", "proposal_created", "p1", "--author", "ann", "--timeout", "0.1")).AssertFault(ExitCode.Unavailable, "no_leader");
    }

    [Theory]
    [InlineData("proposal", "p1")]
    [InlineData("log", "--head")]
    [InlineData("log", "--json")]
    [InlineData("status", "--json")]
    public async Task Without_a_node_that_answers_the_swarm_is_unavailable(string command, string argument)
    {
        string nobody = TestSwarm.NobodyThere();

        (await ConvergeRun.InProcessAsync(command, argument, "--url", nobody)).AssertFault(ExitCode.Unavailable, new Uri(nobody).Authority);
    }

    [Fact]
    public async Task Any_of_several_nodes_will_do()
    {
        await using TestSwarm swarm = await TestSwarm.StartAsync();

        CommandResult result = await ConvergeRun.InProcessAsync("log", "--head", "--json", "--url", TestSwarm.NobodyThere(), swarm.Url);

        Assert.Equal(0, result.Json.GetProperty("sequence").GetInt32());
    }

    [Fact]
    public async Task The_log_shows_the_last_records_or_those_asked_for()
    {
        await using TestSwarm swarm = await TestSwarm.StartAsync();
        using TemporaryFolder folder = new();
        await swarm.RunAsync("import", folder.Write("facts.jsonl", Facts.Interleaved(20)));

        Assert.Equal(Enumerable.Range(41, 20), await SequencesAsync("log"));
        Assert.Equal([59, 60], await SequencesAsync("log", "--limit", "2"));
        Assert.Equal(Enumerable.Range(11, 50), await SequencesAsync("log", "--from", "11"));
        Assert.Equal([5, 6], await SequencesAsync("log", "--from", "5", "--limit", "2"));
        CommandResult text = await swarm.RunAsync("log", "--limit", "1");
        Assert.Contains("promotion_approved", text.Output, StringComparison.Ordinal);

        async Task<IEnumerable<int>> SequencesAsync(params string[] arguments)
        {
            CommandResult result = await swarm.RunAsync([.. arguments, "--json"]);
            return result.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries)
                .Select(line => JsonDocument.Parse(line).RootElement.GetProperty("sequence").GetInt32());
        }
    }

    [Fact]
    public async Task A_followed_log_shows_what_comes_goes_on_after_a_break_and_ends_without_fault()
    {
        await using TestSwarm swarm = await TestSwarm.StartAsync(addresses: 2);
        using CancellationTokenSource stop = new();
        TaskCompletionSource following = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await swarm.RunAsync("propose", "proposal_created", "p1", "--author", "ann");
        swarm.Node.Subscribing = from =>
        {
            following.TrySetResult();
            if (from == 3)
            {
                // Both were shown: it asks for the third.
                stop.Cancel();
            }
        };

        Task<CommandResult> run = ConvergeRun.InProcessAsync(stop.Token, ["log", "--follow", "--json", "--url", .. swarm.Urls]);
        await following.Task;
        await swarm.RunAsync("propose", "proposal_created", "p2", "--author", "ann");
        swarm.Node.EndSubscriptions(new SwarmUnavailableException(NotCommittedReason.Stopping, "The node stops."));
        CommandResult result = await run;

        Assert.Equal(ExitCode.Success, result.ExitCode);
        Assert.Equal([1, 2], result.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => JsonDocument.Parse(line).RootElement.GetProperty("sequence").GetInt32()));
    }

    [Fact]
    public async Task A_transfer_of_leadership_says_who_leads_or_why_nobody_else_does()
    {
        await using TestSwarm swarm = await TestSwarm.StartAsync();
        swarm.Node.Transfer = new LeadershipTransferred(new NodeId(2), new Term(7));
        CommandResult text = await swarm.RunAsync("leader", "transfer", "--to", "2");
        NodeId? wanted = swarm.Node.TransferWanted;
        CommandResult json = await swarm.RunAsync("leader", "transfer", "--json");

        Assert.Equal((ExitCode.Success, "Node 2 leads in term 7."), (text.ExitCode, text.Output.Trim()));
        Assert.Equal("""{"leader":2,"term":7}""", json.Output.Trim());
        Assert.Equal((new NodeId(2), null), (wanted, swarm.Node.TransferWanted));
        foreach ((LeadershipTransfer outcome, int exitCode) in new (LeadershipTransfer, int)[]
        {
            (new LeadershipNotTransferred(new NodeId(1), new Term(6), "Too slow."), ExitCode.Failed),
            (new LeadershipTransferRefused(TransferRefusal.UnknownMember, "No such node."), ExitCode.Failed),
            (new LeadershipTransferRefused(TransferRefusal.Unreachable, "Gone."), ExitCode.Failed),
            (new LeadershipTransferRefused(TransferRefusal.NoLeader, "Nobody."), ExitCode.Unavailable),
            (new LeadershipTransferUnknown("Who knows."), ExitCode.OutcomeUnknown),
        })
        {
            swarm.Node.Transfer = outcome;
            Assert.Equal(exitCode, (await swarm.RunAsync("leader", "transfer")).ExitCode);
        }

        Assert.Equal(ExitCode.Usage, (await swarm.RunAsync("leader", "transfer", "--to", "0")).ExitCode);
    }

    [Fact]
    public async Task The_list_of_the_members_says_who_votes_who_leads_and_what_is_wrong()
    {
        await using TestSwarm swarm = await TestSwarm.StartAsync();

        CommandResult text = await swarm.RunAsync("member", "list");
        CommandResult json = await swarm.RunAsync("member", "list", "--json");

        string[] lines = [.. text.Output.Split('\n').Select(line => string.Join(' ', line.Split(' ', StringSplitOptions.RemoveEmptyEntries))).Where(line => line.Length > 0)];
        Assert.Equal((ExitCode.Success, ExitCode.Success), (text.ExitCode, json.ExitCode));
        Assert.Equal(
            [
                "node role peer http",
                "1 voter 127.0.0.1:7201 http://127.0.0.1:7101 leads, has entry 9",
                "4 learner, voter to be 127.0.0.1:7204 not connected",
                "Removed for good: 2.",
                "Two are few.",
            ],
            lines);
        Assert.Equal(System.Text.Encoding.UTF8.GetString(SwarmMembersJson.ToUtf8(swarm.Node.Members)), json.Output.Trim());
    }

    [Fact]
    public async Task A_change_of_members_asks_for_what_was_typed_and_says_who_is_what_afterwards()
    {
        await using TestSwarm swarm = await TestSwarm.StartAsync();
        swarm.Node.Membership = new MembershipChanged(new LogIndex(812), new Term(3), [new NodeId(1), new NodeId(2), new NodeId(3)], [new NodeId(4)]);

        CommandResult added = await swarm.RunAsync("member", "add", "4=127.0.0.1:7204,http://127.0.0.1:7104", "5=127.0.0.1:7205");
        Assert.Equal((ExitCode.Success, "Changed with entry 812 of term 3. Voters: 1 2 3; without a vote: 4."), (added.ExitCode, added.Output.Trim()));
        Assert.Equal(
            [
                MembershipStep.Add(new NodeId(4), MemberRole.Voter, "127.0.0.1:7204", "http://127.0.0.1:7104"),
                MembershipStep.Add(new NodeId(5), MemberRole.Voter, "127.0.0.1:7205"),
            ],
            swarm.Node.StepsWanted.AsEnumerable());

        CommandResult learner = await swarm.RunAsync("member", "add", "6=127.0.0.1:7206", "--learner", "--json");
        Assert.Equal("""{"index":812,"term":3,"voters":[1,2,3],"learners":[4]}""", learner.Output.Trim());
        Assert.Equal([MembershipStep.Add(new NodeId(6), MemberRole.Learner, "127.0.0.1:7206")], swarm.Node.StepsWanted.AsEnumerable());

        await swarm.RunAsync("member", "promote", "6");
        Assert.Equal([MembershipStep.Promote(new NodeId(6))], swarm.Node.StepsWanted.AsEnumerable());

        swarm.Node.Membership = new MembershipChanged(new LogIndex(9), new Term(3), [new NodeId(1), new NodeId(2)], []);
        CommandResult removed = await swarm.RunAsync("member", "remove", "4", "5");
        Assert.Equal([MembershipStep.Remove(new NodeId(4)), MembershipStep.Remove(new NodeId(5))], swarm.Node.StepsWanted.AsEnumerable());
        Assert.Contains("2 voters are an even number", removed.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_new_member_is_waited_for_until_it_has_its_vote_and_no_longer_than_was_said()
    {
        await using TestSwarm swarm = await TestSwarm.StartAsync();

        // Node 1 has its vote in the list; node 4 never gets one.
        CommandResult there = await swarm.RunAsync("member", "add", "1=127.0.0.1:7201", "--wait");
        CommandResult late = await swarm.RunAsync("member", "add", "4=127.0.0.1:7204", "--wait", "--timeout", "1");

        Assert.Equal((ExitCode.Success, "Changed with entry 5 of term 1. Voters: 1; without a vote: 4."), (there.ExitCode, there.Output.Trim()));
        late.AssertFault(ExitCode.Failed, "have not caught up in time");
    }

    [Fact]
    public async Task A_change_of_members_that_was_not_made_ends_with_the_code_of_the_reason()
    {
        await using TestSwarm swarm = await TestSwarm.StartAsync();
        foreach ((MembershipOutcome outcome, int exitCode) in new (MembershipOutcome, int)[]
        {
            (new MembershipNotChanged(MembershipRefusal.NoLeader, "Nobody."), ExitCode.Unavailable),
            (new MembershipNotChanged(MembershipRefusal.Busy, "One at a time."), ExitCode.Unavailable),
            (new MembershipNotChanged(MembershipRefusal.NoSpace, "Full."), ExitCode.Unavailable),
            (new MembershipNotChanged(MembershipRefusal.NotCaughtUp, "Behind."), ExitCode.Failed),
            (new MembershipNotChanged(MembershipRefusal.QuorumUnreachable, "Gone."), ExitCode.Failed),
            (new MembershipNotChanged(MembershipRefusal.UnknownMember, "Who?"), ExitCode.Failed),
            (new MembershipNotChanged(MembershipRefusal.RemovedMember, "Never again."), ExitCode.Failed),
            (new MembershipNotChanged(MembershipRefusal.InvalidAddress, "Not here."), ExitCode.Usage),
            (new MembershipChangeUnknown("Who knows."), ExitCode.OutcomeUnknown),
        })
        {
            swarm.Node.Membership = outcome;
            Assert.Equal(exitCode, (await swarm.RunAsync("member", "remove", "4")).ExitCode);
        }
    }

    [Theory]
    [InlineData("remove", "0")]
    [InlineData("promote", "4", "4")]
    [InlineData("add", "4")]
    [InlineData("add", "x=127.0.0.1:7204")]
    [InlineData("add", "4=")]
    [InlineData("add", "4=a b")]
    [InlineData("add", "0=127.0.0.1:7204")]
    [InlineData("add", "4=127.0.0.1:7204", "--learner", "--wait")]
    [InlineData("add", "4=127.0.0.1:7204", "--wait", "--timeout", "0")]
    [InlineData("add", "4=127.0.0.1:7204", "--wait", "--timeout", "2000000000")]
    public async Task A_change_of_members_that_makes_no_sense_is_not_sent(params string[] arguments)
    {
        await using TestSwarm swarm = await TestSwarm.StartAsync();

        CommandResult result = await swarm.RunAsync(["member", .. arguments]);

        Assert.Equal(ExitCode.Usage, result.ExitCode);
        Assert.Empty(swarm.Node.StepsWanted);
    }

    [Fact]
    public async Task Nothing_that_a_client_wrote_can_steer_the_terminal()
    {
        await using TestSwarm swarm = await TestSwarm.StartAsync();
        await swarm.RunAsync("propose", "proposal_created", "p1", "--author", "ann", "--title", "a\u001b[2Jb\r\nc [red]d[/]");

        CommandResult log = await swarm.RunAsync("log");
        CommandResult view = await swarm.RunAsync("proposal", "p1");

        Assert.DoesNotContain('\u001b', log.Output);
        Assert.DoesNotContain('\u001b', view.Output);
        Assert.Single(log.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.Contains("[red]d[/]", log.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_status_shows_every_node_and_says_whether_one_is_ready()
    {
        await using TestSwarm swarm = await TestSwarm.StartAsync();
        string nobody = TestSwarm.NobodyThere();
        swarm.Node.Status = status => status with { Members = [new MemberAddress(new NodeId(1), "127.0.0.1:1", swarm.Url, true), new MemberAddress(new NodeId(2), "127.0.0.1:2", nobody, false)] };

        CommandResult ready = await swarm.RunAsync("status", "--json");
        CommandResult text = await swarm.RunAsync("status");
        swarm.Node.Status = status => status with { Ready = false, Leader = NodeId.None, Members = [], Problems = ["The disk is full."] };
        CommandResult notReady = await swarm.RunAsync("status");
        swarm.Node.Status = status => status with { Ready = false, Members = [] };
        CommandResult behind = await swarm.RunAsync("status");

        Assert.Equal(ExitCode.Success, ready.ExitCode);
        JsonElement[] nodes = [.. ready.Json.GetProperty("nodes").EnumerateArray()];
        Assert.Equal(2, nodes.Length);
        Assert.Equal("leader", nodes[0].GetProperty("status").GetProperty("role").GetString());
        Assert.Equal(JsonValueKind.Null, nodes[1].GetProperty("status").ValueKind);
        Assert.Equal(4, ready.Json.GetProperty("members").GetProperty("members")[1].GetProperty("id").GetInt32());
        Assert.Contains("\nVoters: 1; without a vote: 4 (voter to be).\n", text.Output, StringComparison.Ordinal);
        Assert.Contains("unreachable", text.Output, StringComparison.Ordinal);
        Assert.Contains("The disk is full.", notReady.Output, StringComparison.Ordinal);
        notReady.AssertFault(ExitCode.Unavailable, "no node is ready: no leader is known.");
        behind.AssertFault(ExitCode.Unavailable, "no node is ready: none that answers has caught up");
    }

    [Fact]
    public async Task What_is_not_a_node_is_said_to_be_none()
    {
        await using TestSwarm swarm = await TestSwarm.StartAsync();
        swarm.Node.Fault = new InvalidOperationException("broken");

        (await swarm.RunAsync("log", "--head")).AssertFault(ExitCode.Failed, "internal_error");
    }

    /// <summary>A node's other port, say: what answers there answers everybody, but not as HTTP.</summary>
    [Theory]
    [InlineData("log")]
    [InlineData("status")]
    [InlineData("member", "list")]
    public async Task What_does_not_speak_HTTP_is_said_not_to_be_a_nodes_API(params string[] command)
    {
        using System.Net.Sockets.TcpListener listener = new(System.Net.IPAddress.Loopback, 0);
        listener.Start();
        Task answering = AnswerAsync();

        CommandResult result = await ConvergeRun.InProcessAsync([.. command, "--url", $"http://{listener.LocalEndpoint}"]);
        listener.Stop();
        await answering;

        Assert.Contains("is not a node's HTTP API", result.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("cannot be reached", result.Error, StringComparison.Ordinal);

        async Task AnswerAsync()
        {
            try
            {
                while (true)
                {
                    using System.Net.Sockets.Socket socket = await listener.AcceptSocketAsync();
                    await socket.SendAsync("not HTTP\n"u8.ToArray());
                }
            }
            catch (System.Net.Sockets.SocketException)
            {
                // Nobody asks any more.
            }
        }
    }

    [Fact]
    public async Task A_command_that_is_interrupted_says_so()
    {
        await using TestSwarm swarm = await TestSwarm.StartAsync();
        using CancellationTokenSource stop = new();
        swarm.Node.Before = _ =>
        {
            stop.Cancel();
            return Task.CompletedTask;
        };

        (await ConvergeRun.InProcessAsync(stop.Token, "proposal", "p1", "--url", swarm.Url)).AssertFault(ExitCode.Interrupted, "interrupted");
    }

    [Fact]
    public async Task The_built_program_hands_its_exit_code_and_both_streams_on()
    {
        CommandResult version = await ConvergeRun.ProcessAsync("--version");
        CommandResult fault = await ConvergeRun.ProcessAsync("nonsense");

        Assert.Equal(ExitCode.Success, version.ExitCode);
        Assert.StartsWith("0.", version.Output, StringComparison.Ordinal);
        Assert.Empty(fault.Output);
        fault.AssertFault(ExitCode.Usage, "'nonsense'");
    }
}
