using System.Runtime.InteropServices;

namespace Converge.Swarm.Simulation;

/// <summary>What is due at a moment of virtual time.</summary>
internal enum EventKind : byte
{
    /// <summary>The node actor receives its next message.</summary>
    ServeNode = 1,

    /// <summary>The log actor receives its next message.</summary>
    ServeLog = 2,

    /// <summary>The state-machine actor receives its next message.</summary>
    ServeStateMachine = 3,

    /// <summary>A node's timer ticks.</summary>
    Tick = 4,

    /// <summary>A message arrives at a node.</summary>
    Arrive = 5,

    /// <summary>A node notices that the way to another was lost.</summary>
    PeerLost = 6,

    /// <summary>A node reaches another again.</summary>
    PeerFound = 7,

    /// <summary>The disk has done what the log was flushed for.</summary>
    LogFlushed = 8,

    /// <summary>The ledger is to be made durable.</summary>
    FlushLedger = 9,

    /// <summary>Somebody outside the nodes acts: a client, a handler, whoever injects faults.</summary>
    Call = 10,

    /// <summary>The snapshot actor receives its next message.</summary>
    ServeSnapshots = 11,

    /// <summary>Work with snapshots is done.</summary>
    WorkWithSnapshots = 12,
}

/// <summary>Something that is due.</summary>
/// <param name="Kind">What.</param>
/// <param name="Node">Whose, by position; -1 for nobody's.</param>
/// <param name="Life">The life of the node that it was meant for; later lives do not get it.</param>
/// <param name="From">Where it comes from, by position.</param>
/// <param name="Payload">What belongs to it.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct SimulatedEvent(EventKind Kind, int Node, uint Life, int From, object? Payload);
