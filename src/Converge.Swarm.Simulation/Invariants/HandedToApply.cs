using Converge.Core;
using Converge.Swarm.Actors;

namespace Converge.Swarm.Simulation;

/// <summary>
/// How far each node has handed entries to its state machine, which receives in order: what a question that is handed on behind them is
/// answered from, whenever that is.
/// </summary>
internal sealed class HandedToApply
{
    private readonly PerNode<Seen> _seen = new();

    /// <summary>Takes in one message that a node handed to its state machine; in their order.</summary>
    public void Note(NodeObservation node, StateMachineMessage message)
    {
        LogIndex through = message switch
        {
            StateMachineMessage.Apply apply => apply.Entries[^1].Index,
            StateMachineMessage.Install install => install.Snapshot.Mark.Index,
            _ => LogIndex.Zero,
        };
        if (through > LogIndex.Zero)
        {
            Seen seen = _seen[node];
            (seen.Life, seen.Through) = (node.Life, through);
        }
    }

    /// <summary>The last entry handed on, or what the node began with.</summary>
    public LogIndex Through(NodeObservation node)
    {
        Seen seen = _seen[node];
        return LogIndex.Max(node.AppliedIndex, seen.Life == node.Life ? seen.Through : LogIndex.Zero);
    }

    private sealed class Seen
    {
        public uint Life { get; set; }

        public LogIndex Through { get; set; }
    }
}
