using System.Globalization;

namespace Converge.Raft.Tests.Exhaustion;

/// <summary>How small the scope is in which everything is tried (<see cref="StateSpace"/>), and when to give up.</summary>
internal sealed record ExhaustionOptions
{
    /// <summary>Voters, numbered from 1; 1 to 4.</summary>
    public int Nodes { get; init; } = 3;

    /// <summary>The greatest term that anybody campaigns in; 1 to 7.</summary>
    public int MaxTerm { get; init; } = 2;

    /// <summary>Entries that are proposed, besides those with which leaders open their terms; 0 to 7.</summary>
    public int MaxProposals { get; init; } = 2;

    /// <summary>Crashes of any node, each followed by a restart from what was durable; 0 to 7.</summary>
    public int MaxCrashes { get; init; } = 1;

    /// <summary>Heartbeats of any leader, whose answers make it send again what was lost; 0 to 7.</summary>
    public int MaxHeartbeats { get; init; } = 1;

    /// <summary>Messages under way at the same time; 1 to 16. One that was lost counts until its room is needed.</summary>
    public int MaxUnderWay { get; init; } = 4;

    /// <summary>Actions from the first state on, beyond which nothing is looked at.</summary>
    public int MaxDepth { get; init; } = int.MaxValue;

    /// <summary>Different states, beyond which the search ends. Together with <see cref="MaxNodeStates"/> the bound on memory: some 40 bytes each.</summary>
    public int MaxStates { get; init; } = 40_000_000;

    /// <summary>Different states of single nodes, beyond which the search ends: some 5 kilobytes each.</summary>
    public int MaxNodeStates { get; init; } = 300_000;

    /// <summary>Whether states that differ only in the names of the nodes count as one.</summary>
    public bool FoldsSymmetricStates { get; init; } = true;

    /// <summary>
    /// Whether each step of a node is checked on its own: that nothing durable goes back, that no answer leaves too early. Without it only what
    /// concerns the cluster as a whole is checked, so that a test can see that this alone would find a fault, too.
    /// </summary>
    public bool ChecksEachNode { get; init; } = true;

    /// <summary>What the disks do; an honest one unless a test wants to see a fault found.</summary>
    public IDiskBehaviour Disk { get; init; } = HonestDisk.Instance;

    /// <summary>All that is wrong, a sentence each; empty when nothing is.</summary>
    public IReadOnlyList<string> Validate()
    {
        List<string> faults = [];
        Require(nameof(Nodes), Nodes, 1, 4);
        Require(nameof(MaxTerm), MaxTerm, 1, 7);
        Require(nameof(MaxProposals), MaxProposals, 0, 7);
        Require(nameof(MaxCrashes), MaxCrashes, 0, 7);
        Require(nameof(MaxHeartbeats), MaxHeartbeats, 0, 7);
        Require(nameof(MaxUnderWay), MaxUnderWay, 1, 16);
        Require(nameof(MaxDepth), MaxDepth, 1, int.MaxValue);
        Require(nameof(MaxStates), MaxStates, 1, 1_000_000_000);
        Require(nameof(MaxNodeStates), MaxNodeStates, 1, 10_000_000);
        return faults;

        void Require(string name, int value, int from, int to)
        {
            if (value < from || value > to)
            {
                faults.Add(string.Create(CultureInfo.InvariantCulture, $"{name}: {value} is not within {from} and {to}."));
            }
        }
    }
}
