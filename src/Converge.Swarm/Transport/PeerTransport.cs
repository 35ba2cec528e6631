using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;
using Converge.Core;
using Converge.Swarm.Actors;
using Converge.Swarm.Hosting;
using Converge.Swarm.Members;
using Converge.Swarm.Storage;
using Converge.Swarm.Transport.Wire;
using Google.Protobuf;
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
    /// <summary>
    /// So many connections may be open that have not said who they are. One more closes the oldest of them: a member says it at once, and
    /// must not find the door blocked by those who say nothing.
    /// </summary>
    private const int MaxStrangers = 64;

    private const string UnknownCode = "unknown_member";
    private const string RemovedCode = "removed_member";

    private static readonly TimeSpan KeepAliveTime = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan KeepAliveInterval = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan HelloTimeout = TimeSpan.FromSeconds(5);

    private readonly string _cluster;
    private readonly NodeId _self;
    private readonly IPEndPoint _listenOn;
    private readonly TimeSpan _linkTimeout;
    private readonly IReadOnlyList<MemberAddress> _configured;
    private readonly IPeerTransportEvents _events;
    private readonly ClientService _clients;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentDictionary<long, Inbound> _inbound = new();
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
    private long _nextInbound;

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

    private void Serve(Socket socket)
    {
        CloseOldestStrangerOfTooMany();
        long number = ++_nextInbound;
        var inbound = new Inbound(number, socket);
        _inbound[number] = inbound;
        inbound.Done = Task.Run(async () =>
        {
            try
            {
                await ServeAsync(inbound);
            }
            finally
            {
                socket.Dispose();
                _inbound.TryRemove(number, out _);
            }
        });
    }

    private void CloseOldestStrangerOfTooMany()
    {
        List<Inbound> strangers = [.. _inbound.Values.Where(inbound => inbound.IsStranger)];
        if (strangers.Count >= MaxStrangers)
        {
            strangers.MinBy(inbound => inbound.Number)!.Socket.Dispose();
        }
    }

    private async Task ServeAsync(Inbound inbound)
    {
        Socket socket = inbound.Socket;
        string address = "unknown";
        try
        {
            socket.NoDelay = true;
            address = socket.RemoteEndPoint?.ToString() ?? address;
            await using var stream = new NetworkStream(socket, ownsSocket: false);
            PipeReader reader = PipeReader.Create(stream, new StreamPipeReaderOptions(bufferSize: 64 * 1024, leaveOpen: true));
            try
            {
                await ServeAsync(inbound, stream, new FrameReader(reader), address);
            }
            finally
            {
                await reader.CompleteAsync();
            }
        }
        catch (FrameException e) when (inbound.IsStranger)
        {
            LogRefused(_logger, address, "protocol_error", e.Message);
            await AnswerHelloAsync(socket, "protocol_error", e.Message);
        }
        catch (FrameException e) when (inbound.Peer.IsNone)
        {
            _clients.Misbehaved(address, e.Message);
            await AnswerHelloAsync(socket, "protocol_error", e.Message);
        }
        catch (FrameException e)
        {
            LogInboundFailed(_logger, inbound.Peer, e.Message);
        }
        catch (Exception e) when (BrokenConnection.IsMeantBy(e) || e is ObjectDisposedException)
        {
            // The other side went away; if it has reason to, it will dial again.
        }
        catch (Exception e)
        {
            // Nothing but this connection depends on it, and who is out there must not be able to stop a node.
            LogCallerFailed(_logger, address, e);
        }
    }

    private async Task ServeAsync(Inbound inbound, NetworkStream stream, FrameReader frames, string address)
    {
        Frame first = await ReadFirstAsync(frames);
        switch (first.Kind)
        {
            case FrameKind.Hello:
                await ServePeerAsync(inbound, frames, ParseHello(first), address);
                break;
            case FrameKind.ClientHello:
                await ServeClientAsync(inbound, stream, frames, ClientMessageCodec.ReadHello(first), address);
                break;
            default:
                throw new FrameException($"The first frame was {first.Kind}; it must be a Hello.");
        }
    }

    private async Task<Frame> ReadFirstAsync(FrameReader frames)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
        timeout.CancelAfter(HelloTimeout);
        try
        {
            return await frames.ReadAsync(Frame.MaxHelloBytes, timeout.Token) ?? throw new IOException("It hung up without a word.");
        }
        catch (OperationCanceledException) when (!_stop.IsCancellationRequested)
        {
            throw new FrameException($"No Hello within {HelloTimeout.TotalSeconds} seconds.");
        }
    }

    private async Task ServePeerAsync(Inbound inbound, FrameReader frames, Hello hello, string address)
    {
        MeetBeforeJoining(hello);
        (string Code, string Message)? fault = Judge(hello);
        await AnswerHelloAsync(inbound.Socket, fault?.Code ?? "", fault?.Message ?? "", fault is { Code: RemovedCode } ? _removal : null);
        if (fault is not null)
        {
            LogRefused(_logger, address, fault.Value.Code, fault.Value.Message);
            return;
        }

        inbound.Peer = new NodeId(hello.From);
        inbound.IsStranger = false;
        CloseOlderConnections(inbound);
        CallBack(inbound.Peer);
        LogAccepted(_logger, inbound.Peer, address);
        await ReceiveAsync(frames, inbound.Peer);
    }

    private async Task ServeClientAsync(Inbound inbound, NetworkStream stream, FrameReader frames, ClientHello hello, string address)
    {
        if (_clients.Admit(hello) is { } fault)
        {
            LogRefused(_logger, address, fault.Code, fault.Message);
            await AnswerHelloAsync(inbound.Socket, fault.Code, fault.Message);
            return;
        }

        try
        {
            inbound.IsStranger = false;
            DetectDeadClients(inbound.Socket);
            _clients.Connected(address);
            await stream.WriteAsync(Frame.ToBytes(FrameKind.ClientWelcome, _clients.Welcome()), _stop.Token);
            using var session = new ClientSession(_clients, stream, frames);
            await session.RunAsync(_stop.Token);
        }
        finally
        {
            _clients.Leave();
        }
    }

    /// <summary>A client whose machine is gone says nothing; without asking, its place would be held for ever.</summary>
    private void DetectDeadClients(Socket socket)
    {
        socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, true);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveTime, (int)KeepAliveTime.TotalSeconds);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveInterval, (int)KeepAliveInterval.TotalSeconds);

        // Nobody is asked while an answer is on its way.
        UserTimeout.Set(socket, _clients.Limits.WriteTimeout);
    }

    private static Hello ParseHello(Frame frame)
    {
        try
        {
            return Hello.Parser.ParseFrom(frame.Body);
        }
        catch (InvalidProtocolBufferException e)
        {
            throw new FrameException($"The Hello cannot be read: {e.Message}");
        }
    }

    private (string Code, string Message)? Judge(Hello hello)
    {
        if (!string.Equals(hello.Cluster, _cluster, StringComparison.Ordinal))
        {
            return ("wrong_cluster", $"This is cluster '{_cluster}', not '{hello.Cluster}'.");
        }

        if (hello.To != _self.Value)
        {
            return ("wrong_node", $"This is node {_self}, not {hello.To}.");
        }

        if (hello.From == _self.Value)
        {
            return ("wrong_node", $"Node {_self} is this node itself; two nodes may not have one identity.");
        }

        if (_members.IsGone(new NodeId(hello.From)))
        {
            return (RemovedCode, $"Node {hello.From} was removed from this swarm.");
        }

        if (!_links.ContainsKey(new NodeId(hello.From)))
        {
            return (UnknownCode, $"Node {hello.From} is not a member of this swarm.");
        }

        return null;
    }

    /// <summary>
    /// A node that is yet to join knows only the members of its configuration, and another may lead by now: it believes who calls it, until
    /// it has the members from the leader.
    /// </summary>
    private void MeetBeforeJoining(Hello hello)
    {
        if (!_members.Members.IsEmpty || Judge(hello) is not { Code: UnknownCode }
            || hello.From is 0 or > FactLimits.MaxNumber
            || SwarmOptionsRules.AddressObjection(hello.Address, http: null) is not null)
        {
            return;
        }

        lock (_gate)
        {
            if (!_ended && _members.Members.IsEmpty && _links.Count < SwarmOptionsRules.MaxMembers)
            {
                Link(new NodeId(hello.From), ConfigurationReader.ParseAddress(hello.Address)!);
            }
        }
    }

    /// <summary>
    /// A member that refused this node as removed and calls it all the same knows of that no more, and may hear it from this node alone: it is
    /// dialled again.
    /// </summary>
    private void CallBack(NodeId peer)
    {
        lock (_gate)
        {
            if (!_ended && _links.TryGetValue(peer, out PeerLink? link) && link.IsRetired)
            {
                _links = _links.Remove(peer);
                Link(peer, link.Address);
            }
        }
    }

    /// <summary>A member has one connection; a new one means that the old one is dead or not its own.</summary>
    private void CloseOlderConnections(Inbound newest)
    {
        foreach (Inbound other in _inbound.Values)
        {
            if (other != newest && other.Peer == newest.Peer)
            {
                other.Socket.Dispose();
            }
        }
    }

    private static async Task AnswerHelloAsync(Socket socket, string code, string message, RemovalNotice? removal = null)
    {
        var answer = new HelloAnswer { Code = code, Message = message, RemovedAt = removal?.Index.Value ?? 0, RemovedTerm = removal?.Term.Value ?? 0 };
        try
        {
            await socket.SendAsync(Frame.ToBytes(FrameKind.HelloAnswer, answer));
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // Whoever asked is gone.
        }
    }

    private async Task ReceiveAsync(FrameReader frames, NodeId peer)
    {
        do
        {
            ReceiveWhatCame(frames, peer);
        }
        while (await frames.ReceiveAsync(_stop.Token));
    }

    /// <summary>All that came together is delivered together, and this thread may then have the node look at it.</summary>
    private void ReceiveWhatCame(FrameReader frames, NodeId peer)
    {
        WorkHere.Enter();
        try
        {
            while (frames.TryRead(Frame.MaxBodyBytes, out Frame frame))
            {
                PeerMessage message = PeerMessageCodec.FromWire(frame.Kind, frame.Body);
                if (message is ProtocolMessage protocol && !protocol.CanCome(peer, _self))
                {
                    throw new FrameException($"A message from {protocol.Message.From} to {protocol.Message.To} on the connection from {peer} to {_self}.");
                }

                _events.Arrived(peer, message);
            }
        }
        finally
        {
            WorkHere.Leave();
        }
    }

    private sealed class Inbound(long number, Socket socket)
    {
        public long Number { get; } = number;

        public Socket Socket { get; } = socket;

        /// <summary>Has not said who it is, or was not believed.</summary>
        public bool IsStranger { get; set; } = true;

        /// <summary>The member that it is; none for a client.</summary>
        public NodeId Peer { get; set; }

        public Task Done { get; set; } = Task.CompletedTask;
    }
}
