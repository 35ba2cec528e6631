using Converge.Core;
using Converge.Swarm.Cli.Processes;
using Converge.Swarm.Simulation;
using Operation = Converge.Swarm.Simulation.HistoryOperation<Converge.Swarm.Simulation.ClientRequest, Converge.Swarm.Simulation.ClientOutcome>;

namespace Converge.Swarm.Cli.Tests.Durability;

/// <summary>What clients of real processes see while these are killed and stand still is linearizable.</summary>
[Collection(DurabilityCollection.Name)]
public sealed class LinearizabilityTests(SharedSwarm shared)
{
    [SignalFact]
    public async Task What_clients_see_of_nodes_that_are_killed_and_stand_still_is_linearizable()
    {
        ProcessSwarm swarm = await shared.WholeAsync();
        await using ContendedLoad load = await ContendedLoad.StartAsync(swarm);
        await swarm.BreakAsync(async () =>
        {
            (LocalNode leader, Term term) = await swarm.LeaderAsync();
            await swarm.KillAsync(leader);
            (_, term) = await swarm.LeaderAsync(after: term);
            await load.GoesOnAsync();
            swarm.Start(leader);

            (leader, _) = await swarm.LeaderAsync();
            swarm.Pause(leader);
            (LocalNode next, _) = await swarm.LeaderAsync(after: term);
            await load.GoesOnAsync();
            swarm.Resume(leader);
            await load.GoesOnAsync();

            LocalNode follower = swarm.Nodes.First(node => node != next);
            await swarm.KillAsync(follower);
            await load.GoesOnAsync();
            swarm.Start(follower);
            await load.GoesOnAsync();

            IReadOnlyList<Operation> operations = await load.FinishAsync();
            await swarm.ProveAsync();
            IReadOnlyList<Operation> history = await CompleteAsync(swarm, operations);

            Assert.Null(ContendedHistory.FindFault(history));
            Assert.InRange(operations.Count(operation => operation.Output is ClientOutcome.Fact { Answer: FactAccepted }), 100, int.MaxValue);
            Assert.InRange(operations.Count(operation => operation.Output is ClientOutcome.Proposal), 100, int.MaxValue);
            AssertFalseAnswersAreNoticed(history);
        });
    }

    [SignalFact]
    public async Task A_false_answer_among_those_that_clients_were_given_is_noticed()
    {
        ProcessSwarm swarm = await shared.WholeAsync();
        await using ContendedLoad load = await ContendedLoad.StartAsync(swarm);
        await load.GoesOnAsync(400);
        IReadOnlyList<Operation> history = await CompleteAsync(swarm, await load.FinishAsync());

        Assert.Null(ContendedHistory.FindFault(history));
        AssertFalseAnswersAreNoticed(history);
    }

    private static void AssertFalseAnswersAreNoticed(IReadOnlyList<Operation> history)
    {
        (string Defect, IReadOnlyList<Operation> History)[] falsified = [.. FalseAnswers.Of(history)];

        Assert.Equal(7, falsified.Length);
        Assert.All(falsified, defect => Assert.True(ContendedHistory.FindFault(defect.History) is not null, $"It was not noticed that {defect.Defect}."));
    }

    /// <summary>Compares what was acknowledged with the records, which are the same on all nodes, and adds what only they tell.</summary>
    private static async Task<IReadOnlyList<Operation>> CompleteAsync(ProcessSwarm swarm, IReadOnlyList<Operation> operations)
    {
        await swarm.AgreeAsync();
        IReadOnlyList<LedgerRecord> records = await RecordsAsync(swarm.Nodes[0]);
        ProveRecords(records, operations);
        return ContendedHistory.Complete(operations, records);
    }

    private static async Task<IReadOnlyList<LedgerRecord>> RecordsAsync(LocalNode node)
    {
        List<LedgerRecord> records = [];
        IReadOnlyList<LedgerRecord> page;
        do
        {
            page = await node.Client.ReadAsync((ulong)records.Count + 1, 500);
            records.AddRange(page);
        }
        while (page.Count > 0);

        return records;
    }

    /// <summary>Every acknowledged fact stands where it was acknowledged.</summary>
    private static void ProveRecords(IReadOnlyList<LedgerRecord> records, IEnumerable<Operation> operations)
    {
        foreach (Operation operation in operations)
        {
            if (operation is { Input: ClientRequest.Propose { Submission: { } submission }, Output: ClientOutcome.Fact { Answer: FactAccepted accepted } })
            {
                LedgerRecord record = records[(int)accepted.Sequence - 1];
                Assert.Equal((accepted.Sequence, submission.CommandId, submission.Fact), (record.Sequence, record.CommandId, record.Submission!.Fact));
                Assert.Equal((accepted.Index, accepted.Term, accepted.Hash), (record.Index, record.Term, record.Hash));
            }
        }
    }
}
