using System.Net;
using Converge.Core;
using Converge.Swarm.Transport;
using Converge.Swarm.Transport.Wire;

namespace Converge.Swarm.Nodes;

/// <summary>Which nodes there are, how to reach them, and who is believed to lead. Decides whom to ask next.</summary>
internal sealed class NodeDirectory : IAsyncDisposable
{
    /// <summary>More addresses than a swarm may have members are not kept, whatever nodes say.</summary>
    private const int MaxLearned = SwarmOptionsRules.MaxMembers;

    private readonly SwarmClientOptions _options;
    private readonly Lock _gate = new();
    private readonly List<NodeLink> _links = [];
    private readonly Dictionary<NodeId, NodeLink> _members = [];
    private readonly int _configured;
    private LeaderHint _leader = LeaderHint.None;
    private int _turn;

    public NodeDirectory(SwarmClientOptions options)
    {
        _options = options;
        _links.AddRange(options.Endpoints.Distinct().Select(NewLink));
        _configured = _links.Count;
    }

    /// <summary>
    /// The leader when one is believed in and can be tried; else a node that is connected; else any in turn. Those that failed a moment
    /// ago come last.
    /// </summary>
    public NodeLink Choose()
    {
        lock (_gate)
        {
            if (!_leader.Leader.IsNone && FindNode(_leader.Leader) is { IsResting: false } leader)
            {
                return leader;
            }

            NodeLink chosen = InTurn(link => link.IsConnected && !link.IsResting)
                ?? InTurn(link => !link.IsResting)
                ?? InTurn(_ => true)!;
            _turn = (_turn + 1) % _links.Count;
            return chosen;
        }
    }

    /// <summary>The way to the leader that is believed in, if it can be tried. Unlike <see cref="Choose"/> it is nobody's turn.</summary>
    public NodeLink? Leader
    {
        get
        {
            lock (_gate)
            {
                return !_leader.Leader.IsNone && FindNode(_leader.Leader) is { IsResting: false } leader ? leader : null;
            }
        }
    }

    /// <summary>A node said who leads. What is said of an earlier term is older, whoever says it.</summary>
    public void Learn(LeaderHint hint)
    {
        lock (_gate)
        {
            if (hint.Term > _leader.Term || (hint.Term == _leader.Term && !hint.Leader.IsNone))
            {
                _leader = hint;
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        NodeLink[] links;
        lock (_gate)
        {
            links = [.. _links];
        }

        foreach (NodeLink link in links)
        {
            await link.DisposeAsync();
        }
    }

    private NodeLink NewLink(IPEndPoint address) => new(address, _options, Meet, Learn);

    private void Meet(ClientWelcome welcome)
    {
        Dictionary<NodeId, IPEndPoint> named = [];
        foreach (MemberEndpoint member in welcome.Members.Take(MaxLearned))
        {
            if (IPEndPoint.TryParse(member.Address, out IPEndPoint? address) && address.Port != 0)
            {
                named[new NodeId(member.Id)] = address;
            }
        }

        lock (_gate)
        {
            ForgetAllBut(named.Values);
            _members.Clear();
            foreach ((NodeId member, IPEndPoint address) in named)
            {
                if (LinkTo(address) is { } link)
                {
                    _members[member] = link;
                }
            }
        }

        Learn(ClientMessageCodec.FromWire(welcome.Leader));
    }

    /// <summary>Where the node answered itself comes before the address that others gave for it.</summary>
    private NodeLink? FindNode(NodeId node)
    {
        // For each commit, so that it makes no object.
        foreach (NodeLink link in _links)
        {
            if (link.Node == node)
            {
                return link;
            }
        }

        return _members.GetValueOrDefault(node);
    }

    /// <summary>
    /// Who was only heard of, is named no more and has no connection makes room: a client may live for longer than all members that it began
    /// with.
    /// </summary>
    private void ForgetAllBut(IReadOnlyCollection<IPEndPoint> named)
    {
        for (int i = _links.Count - 1; i >= _configured; i--)
        {
            NodeLink link = _links[i];
            if (!link.IsConnected && !named.Contains(link.Address))
            {
                _links.RemoveAt(i);
                _ = link.DisposeAsync().AsTask();
            }
        }

        _turn %= _links.Count;
    }

    private NodeLink? LinkTo(IPEndPoint address)
    {
        NodeLink? link = _links.Find(known => known.Address.Equals(address));
        if (link is null && _links.Count < _configured + MaxLearned)
        {
            link = NewLink(address);
            _links.Add(link);
        }

        return link;
    }

    private NodeLink? InTurn(Func<NodeLink, bool> fits)
    {
        for (int i = 0; i < _links.Count; i++)
        {
            NodeLink link = _links[(_turn + i) % _links.Count];
            if (fits(link))
            {
                return link;
            }
        }

        return null;
    }
}
