using Converge.Core;

namespace Converge.Swarm.Actors;

/// <summary>Everything a snapshot actor can make happen.</summary>
public interface ISnapshotPort
{
    /// <summary>Sends to the node actor; never lost.</summary>
    void ToNode(NodeMessage message);

    /// <summary>Sends to the state-machine actor; never lost.</summary>
    void ToStateMachine(StateMachineMessage message);

    /// <summary>Sends to a member; may be lost.</summary>
    void ToPeer(NodeId peer, PeerMessage message);

    /// <summary>
    /// Has <see cref="SnapshotWork.Run"/> called, apart from all actors, and its answer given to this one. Works of one
    /// <see cref="SnapshotWork.Lane"/> are done one after another in their order. A work that throws ends the node.
    /// </summary>
    void Do(SnapshotWork work);

    /// <summary>Tells whoever listens.</summary>
    void Publish(SwarmEvent happened);
}
