using Converge.Core;
using Converge.Swarm.Actors;
using Converge.Swarm.Storage;

namespace Converge.Swarm.Simulation;

/// <summary>What kind of thing happened in a step.</summary>
public enum StepKind
{
    /// <summary>A node actor received a message.</summary>
    NodeActor = 1,

    /// <summary>A log actor received a message.</summary>
    LogActor = 2,

    /// <summary>A state-machine actor received a message.</summary>
    StateMachineActor = 3,

    /// <summary>A disk finished, or a ledger was flushed.</summary>
    Disk = 4,

    /// <summary>Something arrived, was noticed, or a timer ran: nobody has received it yet.</summary>
    Host = 5,

    /// <summary>Somebody outside the nodes acted: a client, a handler, whoever injects faults.</summary>
    Outside = 6,

    /// <summary>A snapshot actor received a message.</summary>
    SnapshotActor = 7,
}

/// <summary>A message that a node sent to another, whatever the network does with it.</summary>
/// <param name="To">To whom.</param>
/// <param name="Message">What.</param>
public readonly record struct SentMessage(NodeId To, PeerMessage Message);

/// <summary>A node whose process began or ended.</summary>
/// <param name="Node">Which.</param>
/// <param name="Started">True when it began.</param>
/// <param name="LostPower">When it ended: whether what was not flushed may be gone.</param>
public readonly record struct LifeChange(NodeObservation Node, bool Started, bool LostPower);

/// <summary>One step of a simulated run: what one actor, disk, client or fault did, and everything that came of it at once.</summary>
public sealed class SimulationStep
{
    // As lists for the checkers here: going through one costs nothing, and they do it in every step.
    internal List<SentMessage> SentList { get; } = [];

    internal List<AppliedEntry> AppliedList { get; } = [];

    internal List<AgreedEntry> AgreedList { get; } = [];

    internal List<LogBatch> MadeDurableList { get; } = [];

    internal List<LogMessage.Append> HandedToLogList { get; } = [];

    internal List<StateMachineMessage> HandedToStateMachineList { get; } = [];

    internal List<LifeChange> LifeChangeList { get; } = [];

    internal List<ClientOperation> BegunList { get; } = [];

    internal List<ClientOperation> EndedList { get; } = [];

    internal List<ClientAttempt> AnsweredList { get; } = [];

    /// <summary>Dense from 1.</summary>
    public long Number { get; internal set; }

    /// <summary>The virtual time in microseconds since the run began.</summary>
    public long TimeMicroseconds { get; internal set; }

    /// <summary>What kind of thing happened.</summary>
    public StepKind Kind { get; internal set; }

    /// <summary>The node whose step it was; null for somebody outside.</summary>
    public NodeObservation? Node { get; internal set; }

    /// <summary>
    /// What the actor received: a <see cref="NodeMessage"/>, <see cref="LogMessage"/> or <see cref="StateMachineMessage"/>; null in other
    /// steps.
    /// </summary>
    public object? Received { get; internal set; }

    /// <summary>What the node sent to members, in order.</summary>
    public IReadOnlyList<SentMessage> Sent => SentList;

    /// <summary>What the node actor handed to its log, in order: not durable yet.</summary>
    public IReadOnlyList<LogMessage.Append> HandedToLog => HandedToLogList;

    /// <summary>What the node actor handed to its state machine, in order: not applied or answered yet.</summary>
    public IReadOnlyList<StateMachineMessage> HandedToStateMachine => HandedToStateMachineList;

    /// <summary>What became durable on the node's disk, in order.</summary>
    public IReadOnlyList<LogBatch> MadeDurable => MadeDurableList;

    /// <summary>What the node's state machine applied, in order.</summary>
    public IReadOnlyList<AppliedEntry> Applied => AppliedList;

    /// <summary>Those of <see cref="Applied"/> that no node had applied before, with what they say.</summary>
    public IReadOnlyList<AgreedEntry> Agreed => AgreedList;

    /// <summary>Nodes whose process began or ended.</summary>
    public IReadOnlyList<LifeChange> LifeChanges => LifeChangeList;

    /// <summary>What clients began.</summary>
    public IReadOnlyList<ClientOperation> Begun => BegunList;

    /// <summary>What clients know the outcome of from now on, or gave up.</summary>
    public IReadOnlyList<ClientOperation> Ended => EndedList;

    /// <summary>The attempts that were answered, as the client received it.</summary>
    public IReadOnlyList<ClientAttempt> Answered => AnsweredList;

    internal void Clear(long number, long time)
    {
        (Number, TimeMicroseconds, Node, Received) = (number, time, null, null);
        SentList.Clear();
        AppliedList.Clear();
        AgreedList.Clear();
        MadeDurableList.Clear();
        HandedToLogList.Clear();
        HandedToStateMachineList.Clear();
        LifeChangeList.Clear();
        BegunList.Clear();
        EndedList.Clear();
        AnsweredList.Clear();
    }
}
