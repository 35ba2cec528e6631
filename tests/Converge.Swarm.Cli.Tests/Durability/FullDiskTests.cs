using System.Globalization;
using Converge.Core;
using Converge.Swarm.Cli.Processes;
using Xunit.Abstractions;

namespace Converge.Swarm.Cli.Tests.Durability;

/// <summary>A disk that is full: nothing is acknowledged on the strength of it, it is said, and all goes on when there is room.</summary>
[Collection(DurabilityCollection.Name)]
public sealed class FullDiskTests(ITestOutputHelper output)
{
    private const int DiskMebibytes = 64;
    private const int BatchFacts = 256;
    private const string NoRoom = "no room";

    /// <summary>With less than this the ledger's next segment does not fit; with more it does, and the log's does not.</summary>
    private const int LedgerFits = 12 * 1024 * 1024;

    [SmallDiskTheory]
    [InlineData(true, false)]
    [InlineData(false, true)]
    public async Task A_node_without_room_acknowledges_nothing_says_so_and_comes_back(bool isLeader, bool growsLog)
    {
        await using ProcessSwarm swarm = await ProcessSwarm.StartAsync();
        (LocalNode first, _) = await swarm.LeaderAsync();
        LocalNode node = swarm.Nodes.First(one => one != first);
        Assert.Equal(ExitCode.Success, await swarm.AskToEndAsync(node));
        using SmallDisk disk = SmallDisk.Under(node, DiskMebibytes);
        swarm.Start(node);
        await swarm.AgreeAsync();
        if (isLeader)
        {
            Assert.IsType<LeadershipTransferred>(await node.Client.TransferLeadershipAsync(node.Id));
        }

        disk.FillUpTo(growsLog ? LedgerFits : 0);
        ClientHistory history = new(Guid.NewGuid().ToString("n", CultureInfo.InvariantCulture)[..8]);
        await WriteAsync(swarm, history, growsLog, until: async () => await ProblemAsync(node) is not null);

        Assert.Contains(NoRoom, await ProblemAsync(node), StringComparison.Ordinal);
        Assert.Contains("The disk has no room", ProcessSwarm.LogOf(node), StringComparison.Ordinal);
        FactSubmission probe = new(new ProposalCreated($"{history.Name}-probe", "author://probe"), CommandId: new CommandId(history.Name, 1_000_000));
        Assert.Equal(NotCommittedReason.NoSpace, Assert.IsType<FactNotCommitted>(await node.Client.CommitAsync(probe)).Reason);

        // The others have room: one of them leads before long, and the swarm goes on without this node's disk.
        await Eventually.HoldsAsync(
            "the others to go on",
            async _ =>
            {
                CommitAnswer answer = await swarm.Nodes.First(one => one != node).Client.CommitAsync(probe, _);
                if (answer is FactAccepted)
                {
                    history.KeepNamed(probe, answer, expected: null);
                }

                return answer is FactAccepted;
            },
            swarm.Describe);
        SwarmStatus status = (await node.TryGetStatusAsync(CancellationToken.None))!;
        Assert.NotEqual(NodeRole.Leader, status.Role);
        Assert.False(status.Ready);

        disk.MakeRoom();
        await Eventually.HoldsAsync("the node to come back", async _ => await ProblemAsync(node) is null, swarm.Describe);
        FactSubmission after = new(new ProposalCreated($"{history.Name}-after", "author://probe"), CommandId: new CommandId(history.Name, 1_000_001));
        await Eventually.HoldsAsync(
            "the node to acknowledge again",
            async _ =>
            {
                CommitAnswer answer = await node.Client.CommitAsync(after, _);
                if (answer is FactAccepted)
                {
                    history.KeepNamed(after, answer, expected: null);
                }

                return answer is FactAccepted;
            },
            swarm.Describe);
        Assert.Contains("again.", ProcessSwarm.LogOf(node), StringComparison.Ordinal);
        LedgerHead head = await swarm.ProveAsync(history);
        output.WriteLine($"{head.Sequence} records; the node that was full holds them all.");

        // Nothing of it depends on what was in memory: what the ledger's folder lacks after a kill, the log brings back.
        await swarm.KillAsync(node);
        swarm.Start(node);
        await swarm.ProveAsync(history);
        Assert.Equal(ExitCode.Success, await swarm.AskToEndAsync(node));
        ProcessSwarm.ProveFolder(node, head);
    }

    /// <summary>
    /// Submits facts at all nodes until the condition holds: new proposals, which fill the ledger before the log, or long statements about
    /// none, which are refused and only stand in the log.
    /// </summary>
    private static async Task WriteAsync(ProcessSwarm swarm, ClientHistory history, bool growsLog, Func<Task<bool>> until)
    {
        string title = new('x', FactLimits.MaxTitleLength);
        string detail = new('x', FactLimits.MaxTextLength);
        int round = 0;
        await Eventually.HoldsAsync(
            "the disk to be full",
            async _ =>
            {
                LocalNode node = swarm.Nodes[round++ % swarm.Nodes.Count];
                FactSubmission[] facts =
                [
                    .. Enumerable.Range(0, BatchFacts).Select(i => string.Create(CultureInfo.InvariantCulture, $"{history.Name}-{round}-{i}")).Select(id => new FactSubmission(
                        growsLog ? new ValidationPassed(id, "validator://full", detail) : new ProposalCreated(id, "author://full", title))),
                ];
                IReadOnlyList<CommitAnswer> answers = await node.Client.CommitAsync(facts, _);
                for (int i = 0; i < facts.Length; i++)
                {
                    if (growsLog)
                    {
                        Assert.IsNotType<FactAccepted>(answers[i]);
                    }
                    else
                    {
                        history.KeepAnonymous(facts[i], answers[i]);
                    }
                }

                return await until();
            },
            swarm.Describe);
    }

    private static async Task<string?> ProblemAsync(LocalNode node) =>
        (await node.TryGetStatusAsync(CancellationToken.None))?.Problems.FirstOrDefault(problem => problem.Contains(NoRoom, StringComparison.Ordinal));
}
