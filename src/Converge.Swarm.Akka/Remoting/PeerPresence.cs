using Converge.Core;

namespace Converge.Swarm.Akka.Remoting;

/// <summary>
/// Whether there is a way to each member, as far as can be told without watching it. Akka.Remote may hold two associations with one
/// system, one for each direction; when either of them ends it says that the system is gone. So whoever is still heard is there.
/// </summary>
/// <param name="silenceTicks">So many ticks after its last message a member counts as gone, unless an association with it stands.</param>
internal sealed class PeerPresence(int silenceTicks)
{
    private readonly HashSet<NodeId> _associated = [];
    private readonly Dictionary<NodeId, long> _lastHeard = [];
    private long _tick;

    /// <summary>Whether something can be sent to a member with a prospect of arriving.</summary>
    public bool IsConnected(NodeId peer) =>
        _associated.Contains(peer) || (_lastHeard.TryGetValue(peer, out long heard) && _tick - heard <= silenceTicks);

    /// <summary>An association with a member was made.</summary>
    public void NoteAssociated(NodeId peer) => _associated.Add(peer);

    /// <summary>A message of a member arrived.</summary>
    public void NoteHeard(NodeId peer) => _lastHeard[peer] = _tick;

    /// <summary>An association with a member ended, or could not be made.</summary>
    /// <returns>True when there was a way to it before.</returns>
    public bool NoteLost(NodeId peer)
    {
        bool wasConnected = IsConnected(peer);
        _associated.Remove(peer);
        _lastHeard.Remove(peer);
        return wasConnected;
    }

    /// <summary>A tick has passed.</summary>
    public void Tick() => _tick++;
}
