using Converge.Core;
using Converge.Swarm.Cli.Processes;
using Converge.Swarm.Simulation;

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

            IReadOnlyList<HistoryOperation<ClientRequest, ClientOutcome>> operations = await load.FinishAsync();
            await swarm.ProveAsync();
            await ProveRecordsAsync(swarm, operations);

            Assert.Null(FactOrder.FindFault(operations));
            LinearizabilityResult result = new LinearizabilityChecker<RecordedFacts, ClientRequest, ClientOutcome>(new ProposalModel())
                .Check(operations.Where(operation => operation.Input is not ClientRequest.ReadHead));
            Assert.True(result.Verdict == LinearizabilityVerdict.Linearizable, $"{result.Verdict}: {result.Explanation}");
            Assert.InRange(result.Operations, 500, int.MaxValue);
            Assert.InRange(operations.Count(operation => operation.Output is ClientOutcome.Fact { Answer: FactAccepted }), 100, int.MaxValue);
            Assert.InRange(operations.Count(operation => operation.Output is ClientOutcome.Proposal), 100, int.MaxValue);
        });
    }

    /// <summary>Every acknowledged fact stands where it was acknowledged; all nodes hold the same records, which was looked at before.</summary>
    private static async Task ProveRecordsAsync(ProcessSwarm swarm, IEnumerable<HistoryOperation<ClientRequest, ClientOutcome>> operations)
    {
        Dictionary<ulong, LedgerRecord> records = [];
        IReadOnlyList<LedgerRecord> page;
        do
        {
            page = await swarm.Nodes[0].Client.ReadAsync((ulong)records.Count + 1, 500);
            foreach (LedgerRecord record in page)
            {
                records.Add(record.Sequence, record);
            }
        }
        while (page.Count > 0);

        foreach (HistoryOperation<ClientRequest, ClientOutcome> operation in operations)
        {
            if (operation is { Input: ClientRequest.Propose { Submission: { } submission }, Output: ClientOutcome.Fact { Answer: FactAccepted accepted } })
            {
                LedgerRecord record = records[accepted.Sequence];
                Assert.Equal((submission.CommandId, submission.Fact), (record.CommandId, record.Submission!.Fact));
                Assert.Equal((accepted.Index, accepted.Term, accepted.Hash), (record.Index, record.Term, record.Hash));
            }
        }
    }
}
