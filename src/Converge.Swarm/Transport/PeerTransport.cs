using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using Converge.Core;
using Converge.Swarm.Actors;
using Converge.Swarm.Members;
using Converge.Swarm.Storage;
using Converge.Swarm.Transport.Wire;
using Microsoft.Extensions.Logging;

namespace Converge.Swarm.Transport;

/// <summary>What the transport tells its node.</summary>
internal interface IPeerTransportEvents
{
    /// <summary>A message of a member arrived. False when there is no room for it now: it is dropped, as a network may.</summary>
    bool Arrived(NodeId from, PeerMessage message);

    /// <summary>The way to a member was lost; messages under way may be lost with it.</summary>
    void Lost(NodeId peer);

    /// <summary>Something happened that nobody expected: the node cannot go on.</summary>
    void Fail(Exception reason);
}

/// <summary>
/// Framed TCP between members. Each node dials every other and sends on that connection only; what arrives comes on connections the
/// others dialled. One connection carries everything, control before bulk (docs/formats/wire.md). Clients knock at the same port and are
/// shown to their own service. Who the members are it is told (<see cref="SetMembers"/>).
/// </summary>
internal sealed partial class PeerTransport : IAsyncDisposable
{
    private readonly string _cluster;
    private readonly NodeId _self;
    private readonly IPEndPoint _listenOn;
    private readonly TimeSpan _linkTimeout;
    private readonly IReadOnlyList<MemberAddress> _configured;
    private readonly IPeerTransportEvents _events;
    private readonly ClientService _clients;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _gate = new();
    private readonly List<Task> _running = [];
    private Task _accepting = Task.CompletedTask;
    private volatile MemberTable _members = MemberTable.Empty;
    private volatile ImmutableDictionary<NodeId, PeerLink> _links = ImmutableDictionary<NodeId, PeerLink>.Empty;

    // What a node that is gone is told.
    private volatile RemovalNotice _removal = new(LogIndex.Zero, Term.Zero, OfSender: false);
    private bool _started;
    private bool _ended;
    private Socket? _listener;

    /// <summary>A transport that neither listens nor dials yet.</summary>
    /// <param name="options">Where this node listens, and how others are reached as its own configuration has it.</param>
    /// <param name="members">Who the members are; nobody on a node that is yet to join.</param>
    /// <param name="at">A committed entry: the one that made them so, or a later one.</param>
    /// <param name="events">Told what arrives.</param>
    /// <param name="clients">Where clients are shown to.</param>
    /// <param name="logger">Where connections are noted.</param>
    public PeerTransport(SwarmOptions options, MemberTable members, SnapshotMark at, IPeerTransportEvents events, ClientService clients, ILogger logger)
    {
        _cluster = options.Cluster;
        _self = options.Node;
        _listenOn = options.Members.Single(m => m.Id == options.Node).Peer;
        _linkTimeout = PeerLink.TimeoutOf(options);
        _events = events;
        _clients = clients;
        _logger = logger;
        _configured = options.Addresses;
        SetMembers(members, at);
    }

    /// <summary>Listens and dials.</summary>
    /// <exception cref="SocketException">The address cannot be listened on.</exception>
    public void Start()
    {
        // Needed for every greeting, and loaded while there are certainly handles for it: what once could not be loaded never is.
        _ = (PeerReflection.Descriptor, ClientReflection.Descriptor);
        _listener = new Socket(_listenOn.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        _listener.Bind(_listenOn);
        _listener.Listen(MaxStrangers);
        LogListening(_logger, _listenOn.ToString());
        var accepting = new AcceptLoop(_listener.AcceptAsync, Serve, TimeProvider.System, _logger);
        _accepting = Task.Run(() => GuardAsync(accepting.RunAsync));
        lock (_gate)
        {
            _started = true;
            foreach (PeerLink link in _links.Values)
            {
                Run(link);
            }
        }
    }

    /// <summary>
    /// The members are these from now on, besides those of the node's own configuration. Who is new is dialled, and listened to; to who is
    /// gone what is queued is still sent, and then the connection is closed.
    /// </summary>
    /// <param name="members">Who they are.</param>
    /// <param name="at">A committed entry: the one that made them so, or a later one.</param>
    public void SetMembers(MemberTable members, SnapshotMark at)
    {
        lock (_gate)
        {
            if (_ended)
            {
                return;
            }

            // First: who is told of it between the two is told of a later entry, which is committed all the same.
            _removal = new RemovalNotice(at.Index, at.Term, OfSender: false);
            _members = members;
            Dictionary<NodeId, IPEndPoint> wanted = [];
            foreach (MemberAddress member in members.Reach(_configured, strangers: true))
            {
                // Addresses are checked before a member is added; one that cannot be read was never said (a founder's, to a later member).
                if (member.Id != _self && ConfigurationReader.ParseAddress(member.PeerAddress) is { } address)
                {
                    wanted[member.Id] = address;
                }
            }

            foreach (PeerLink link in _links.Values)
            {
                if (!wanted.TryGetValue(link.Peer, out IPEndPoint? address) || !address.Equals(link.Address))
                {
                    link.Retire();
                    _links = _links.Remove(link.Peer);
                }
            }

            foreach ((NodeId peer, IPEndPoint address) in wanted)
            {
                Link(peer, address);
            }
        }

        foreach (Inbound inbound in _inbound.Values)
        {
            if (members.IsGone(inbound.Peer))
            {
                // It dials again, and is told then that it was removed.
                inbound.Socket.Dispose();
            }
        }
    }

    /// <summary>Sends a message, or drops it when there is no connection or its queue is full, as a network may.</summary>
    public void Send(NodeId peer, PeerMessage message)
    {
        if (_links.TryGetValue(peer, out PeerLink? link))
        {
            link.Send(message);
        }
    }

    /// <summary>Whether there is a connection to send on.</summary>
    public bool IsConnected(NodeId peer) => _links.TryGetValue(peer, out PeerLink? link) && link.Connected;

    public async ValueTask DisposeAsync()
    {
        Task[] running;
        lock (_gate)
        {
            _ended = true;
            running = [.. _running];
        }

        await _stop.CancelAsync();
        _listener?.Dispose();
        foreach (Inbound inbound in _inbound.Values)
        {
            inbound.Socket.Dispose();
        }

        await _accepting;
        await Task.WhenAll(running);
        await Task.WhenAll(_inbound.Values.Select(i => i.Done));
        _stop.Dispose();
    }

    /// <summary>A way to a member where there is none yet. Under the lock.</summary>
    private void Link(NodeId peer, IPEndPoint address)
    {
        if (!_links.ContainsKey(peer))
        {
            var link = new PeerLink(this, peer, address);
            _links = _links.Add(peer, link);
            if (_started)
            {
                Run(link);
            }
        }
    }

    private void Run(PeerLink link)
    {
        _running.RemoveAll(task => task.IsCompleted);
        _running.Add(Task.Run(() => GuardAsync(link.RunAsync)));
    }

    /// <summary>Nothing that runs here for as long as the node ends before it without being noticed.</summary>
    private async Task GuardAsync(Func<CancellationToken, Task> run)
    {
        try
        {
            await run(_stop.Token);
        }
        catch (Exception e)
        {
            _events.Fail(e);
        }
    }
}
