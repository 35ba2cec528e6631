using System.Collections.Frozen;
using Akka.Actor;
using Converge.Core;
using Converge.Swarm.Actors;
using Converge.Swarm.Akka.Serialization;

namespace Converge.Swarm.Akka.Remoting;

/// <summary>
/// The way to the other members: by path, never by the reference of one incarnation, and never watched. Death watch of a remote actor
/// can end in a quarantine, which lasts until one of the two processes is started again; the protocol needs no such word.
/// </summary>
internal sealed class Peers
{
    private readonly string _cluster;
    private readonly NodeId _self;
    private readonly FrozenDictionary<NodeId, IActorRef> _nodes;
    private readonly FrozenDictionary<Address, NodeId> _members;

    public Peers(ExtendedActorSystem system, SwarmSettings settings)
    {
        _cluster = settings.Cluster;
        _self = settings.Node;
        KeyValuePair<NodeId, Address>[] others = [.. settings.Members.Where(member => member.Key != settings.Node)];
        _members = others.ToFrozenDictionary(member => member.Value, member => member.Key);
        _nodes = others.ToFrozenDictionary(
            member => member.Key,
            member => system.Provider.ResolveActorRef(new RootActorPath(member.Value) / "user" / SwarmExtension.GuardianName / SwarmExtension.NodeName));
    }

    /// <summary>Sends to a member; may be lost. For any thread.</summary>
    public void Send(NodeId to, PeerMessage message)
    {
        if (_nodes.TryGetValue(to, out IActorRef? node))
        {
            node.Tell(new PeerEnvelope(_cluster, _self, to, message), ActorRefs.NoSender);
        }
    }

    /// <summary>The member at an address, if one is there.</summary>
    public NodeId At(Address? address) => address is not null && _members.TryGetValue(address, out NodeId member) ? member : NodeId.None;

    /// <summary>Whether what arrived is for this node and from where it says: a member of this swarm.</summary>
    public bool Accepts(PeerEnvelope envelope) =>
        string.Equals(envelope.Cluster, _cluster, StringComparison.Ordinal)
        && envelope.To == _self
        && _nodes.ContainsKey(envelope.From)
        && (envelope.Message is not ProtocolMessage protocol || protocol.CanCome(envelope.From, _self));
}
