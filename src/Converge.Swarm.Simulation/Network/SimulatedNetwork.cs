using System.Buffers;
using Converge.Core;
using Converge.Swarm.Actors;
using Converge.Swarm.Transport;
using Google.Protobuf;

namespace Converge.Swarm.Simulation;

/// <summary>
/// The network between the nodes: loses, delays, repeats and reorders messages as its conditions say, and can be cut link by link. Each
/// node has a connection to each other one, which it notices to be lost some time after it is, and gets back some time after it can be.
/// </summary>
public sealed class SimulatedNetwork
{
    private const long MinNoticeMicroseconds = 1_000;
    private const long MaxNoticeMicroseconds = 50_000;

    /// <summary>A cut is noticed only when nothing was heard for a while.</summary>
    private const long MinSilenceMicroseconds = 1_500_000;
    private const long MaxSilenceMicroseconds = 5_000_000;
    private const long MaxReconnectMicroseconds = 300_000;

    private readonly SimulatedSwarm _swarm;
    private readonly SimulationRandom _random;
    private readonly Dictionary<(int From, int To), Link> _links = [];

    internal SimulatedNetwork(SimulatedSwarm swarm, SimulationRandom random)
    {
        _swarm = swarm;
        _random = random;
    }

    /// <summary>How messages are treated from now on.</summary>
    public NetworkConditions Conditions { get; set; } = new();

    /// <summary>How many messages were lost, held up, repeated and encoded so far.</summary>
    public NetworkCounts Counts { get; } = new();

    /// <summary>Cuts or mends the way from one node to another; the way back is another.</summary>
    public void SetCut(NodeId from, NodeId to, bool cut)
    {
        int source = _swarm.Node(from).Position;
        int target = _swarm.Node(to).Position;
        Link link = LinkOf(source, target);
        if (link.IsCut == cut)
        {
            return;
        }

        link.IsCut = cut;
        Reconsider(source, target);
        Reconsider(target, source);
    }

    /// <summary>Cuts both ways between two nodes.</summary>
    public void CutBetween(NodeId one, NodeId other)
    {
        SetCut(one, other, cut: true);
        SetCut(other, one, cut: true);
    }

    /// <summary>Mends every way.</summary>
    public void Heal()
    {
        foreach (SimulatedNode from in _swarm.NodeList)
        {
            foreach (SimulatedNode to in _swarm.NodeList)
            {
                if (from != to)
                {
                    SetCut(from.Id, to.Id, cut: false);
                }
            }
        }
    }

    /// <summary>Whether a message sent now could arrive.</summary>
    public bool IsCut(NodeId from, NodeId to) => LinkOf(_swarm.Node(from).Position, _swarm.Node(to).Position).IsCut;

    internal bool IsConnected(int from, int to) => LinkOf(from, to).IsConnected;

    /// <summary>A process began or ended: whoever is connected with it will notice.</summary>
    internal void NoteLife(SimulatedNode node)
    {
        foreach (SimulatedNode other in _swarm.NodeList)
        {
            if (other != node)
            {
                // A new process has no connections yet; its peers have those to the old one until they notice.
                LinkOf(node.Position, other.Position).IsConnected = false;
                Reconsider(node.Position, other.Position);
                Reconsider(other.Position, node.Position);
            }
        }
    }

    internal void Send(int from, int to, PeerMessage message)
    {
        Link link = LinkOf(from, to);
        if (!link.IsConnected)
        {
            Counts.Unconnected++;
            return;
        }

        if (link.IsCut || _random.Chance(Conditions.LossMillionths))
        {
            Counts.Lost++;
            return;
        }

        if (_random.Chance(Conditions.EncodedMillionths))
        {
            message = ThroughTheWire(message);
            Counts.Encoded++;
        }

        Deliver(from, to, link, message);
        if (_random.Chance(Conditions.RepetitionMillionths))
        {
            Counts.Repeated++;
            Deliver(from, to, link, message);
        }
    }

    internal void NoteLost(int node, int peer, uint generation)
    {
        Link link = LinkOf(node, peer);
        if (link.Generation == generation && link.IsConnected)
        {
            link.IsConnected = false;
            _swarm.NodeList[node].Post(new NodeMessage.PeerLost(_swarm.NodeList[peer].Id));
            Reconsider(node, peer);
        }
    }

    internal void NoteFound(int node, int peer, uint generation)
    {
        Link link = LinkOf(node, peer);
        if (link.Generation == generation)
        {
            link.IsConnected = CanConnect(node, peer);
        }
    }

    private void Deliver(int from, int to, Link link, PeerMessage message)
    {
        long latency = _random.Between(Conditions.MinLatencyMicroseconds, Conditions.MaxLatencyMicroseconds);
        if (_random.Chance(Conditions.DelayMillionths))
        {
            latency += _random.Between(0, Conditions.MaxDelayMicroseconds);
            Counts.Delayed++;
        }

        long arrival = _swarm.NowMicroseconds + latency;
        if (Conditions.KeepsOrder)
        {
            arrival = Math.Max(arrival, link.LastArrival);
            link.LastArrival = arrival;
        }

        _swarm.Schedule(arrival, new SimulatedEvent(EventKind.Arrive, to, _swarm.NodeList[to].Life, from, message));
    }

    private bool CanConnect(int one, int other) =>
        _swarm.NodeList[one].IsRunning && _swarm.NodeList[other].IsRunning && !LinkOf(one, other).IsCut && !LinkOf(other, one).IsCut;

    /// <summary>Arranges for a node to notice, in a while, that it can or cannot reach another.</summary>
    private void Reconsider(int node, int peer)
    {
        if (!_swarm.NodeList[node].IsRunning)
        {
            return;
        }

        Link link = LinkOf(node, peer);
        bool possible = CanConnect(node, peer);
        if (possible == link.IsConnected && possible)
        {
            // It may be the connection to an earlier life, which breaks first.
            possible = link.PeerLife == _swarm.NodeList[peer].Life;
            if (possible)
            {
                return;
            }
        }

        uint generation = ++link.Generation;
        if (link.IsConnected)
        {
            bool processEnded = !_swarm.NodeList[peer].IsRunning || link.PeerLife != _swarm.NodeList[peer].Life;
            long notice = processEnded
                ? _random.Between(MinNoticeMicroseconds, MaxNoticeMicroseconds)
                : _random.Between(MinSilenceMicroseconds, MaxSilenceMicroseconds);
            _swarm.Schedule(_swarm.NowMicroseconds + notice, new SimulatedEvent(EventKind.PeerLost, node, _swarm.NodeList[node].Life, peer, generation));
        }
        else if (possible)
        {
            link.PeerLife = _swarm.NodeList[peer].Life;
            long delay = _random.Between(0, MaxReconnectMicroseconds);
            _swarm.Schedule(_swarm.NowMicroseconds + delay, new SimulatedEvent(EventKind.PeerFound, node, _swarm.NodeList[node].Life, peer, generation));
        }
    }

    private static PeerMessage ThroughTheWire(PeerMessage message)
    {
        (FrameKind kind, IMessage body) = PeerMessageCodec.ToWire(message);
        return PeerMessageCodec.FromWire(kind, new ReadOnlySequence<byte>(body.ToByteArray()));
    }

    private Link LinkOf(int from, int to)
    {
        if (!_links.TryGetValue((from, to), out Link? link))
        {
            link = new Link();
            _links.Add((from, to), link);
        }

        return link;
    }

    private sealed class Link
    {
        public bool IsCut { get; set; }

        /// <summary>Whether the sender has a connection, as far as it knows.</summary>
        public bool IsConnected { get; set; }

        /// <summary>The life of the peer that the connection is to, or is being made to.</summary>
        public uint PeerLife { get; set; }

        /// <summary>What was arranged for before this was counted up is void.</summary>
        public uint Generation { get; set; }

        public long LastArrival { get; set; }
    }
}

/// <summary>What a network did with messages.</summary>
public sealed class NetworkCounts
{
    /// <summary>Not sent, for want of a connection.</summary>
    public long Unconnected { get; internal set; }

    /// <summary>Lost on the way, by chance or by a cut.</summary>
    public long Lost { get; internal set; }

    /// <summary>Held up.</summary>
    public long Delayed { get; internal set; }

    /// <summary>Delivered twice.</summary>
    public long Repeated { get; internal set; }

    /// <summary>Encoded and decoded.</summary>
    public long Encoded { get; internal set; }
}
