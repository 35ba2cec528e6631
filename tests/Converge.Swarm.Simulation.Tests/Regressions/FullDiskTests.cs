using System.Globalization;
using Converge.Core;

namespace Converge.Swarm.Simulation.Tests.Regressions;

/// <summary>What the simulation found about disks without room.</summary>
public class FullDiskTests
{
    [Fact]
    public void A_log_actor_that_is_replaced_while_there_is_no_room_leaves_its_node_able_to_take_commands_again()
    {
        var swarm = new SimulatedSwarm(new SimulatedSwarmOptions { Seed = 1, LogSegmentBytes = 8 * 1024, PreparesSegments = false });
        Assert.True(swarm.RunUntil(() => swarm.Leader is not null, TimeSpan.FromSeconds(30)));
        SimulatedNode node = swarm.Nodes.First(other => other != swarm.Leader);
        SimulatedClient client = swarm.AddClient();
        node.Disk.CapacityBytes = node.Disk.UsedBytes;
        for (int i = 0; swarm.CoverageOf(SimulationCoverage.LogWithoutRoom) == 0; i++)
        {
            Assert.InRange(i, 0, 1_000);
            client.Propose(new ProposalCreated(string.Create(CultureInfo.InvariantCulture, $"proposal-{i}"), "author"));
            swarm.RunUntil(() => client.UnderWay == 0, TimeSpan.FromSeconds(30));
        }

        Assert.True(swarm.RunUntil(() => HasNoRoom(node), TimeSpan.FromSeconds(10)));
        node.ReplaceLogActor();
        node.Disk.CapacityBytes = long.MaxValue;

        Assert.True(swarm.RunUntil(() => !HasNoRoom(node), TimeSpan.FromSeconds(10)), "The node says for ever that its disk has no room.");
    }

    private static bool HasNoRoom(SimulatedNode node) => node.Status()!.Problems.Any(problem => problem.Contains("no room", StringComparison.Ordinal));
}
