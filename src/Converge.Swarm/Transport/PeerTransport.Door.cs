using System.Collections.Concurrent;
using System.IO.Pipelines;
using System.Net.Sockets;
using Converge.Core;
using Converge.Swarm.Actors;
using Converge.Swarm.Hosting;
using Converge.Swarm.Storage;
using Converge.Swarm.Transport.Wire;
using Google.Protobuf;

namespace Converge.Swarm.Transport;

/// <summary>
/// The door: who calls says who it is, is judged, and is served as the member or the client that it is. Nothing is sent to members here; that
/// takes a <see cref="PeerLink"/>.
/// </summary>
internal sealed partial class PeerTransport
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

    private readonly ConcurrentDictionary<long, Inbound> _inbound = new();
    private long _nextInbound;

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
            // Who comes in while the others are shown out is not among those, and a thread that waits for him would wait for ever.
            _stop.Token.ThrowIfCancellationRequested();
            socket.NoDelay = true;
            address = socket.RemoteEndPoint?.ToString() ?? address;
            await using var stream = new NetworkStream(socket, ownsSocket: false);

            // On a thread of its own: what a member says is waited for by that thread alone, and a socket that was waited for in another way
            // once cannot be any more. There are few members, and few who have not said yet what they are.
            ClientHello? client = await OwnThread.Run(() => Greet(inbound, stream, address));
            if (client is not null)
            {
                await ServeClientAsync(inbound, stream, client, address);
            }
        }
        catch (FrameException e) when (inbound.IsStranger)
        {
            LogRefused(_logger, address, "protocol_error", e.Message);
            AnswerStranger(socket, "protocol_error", e.Message);
        }
        catch (FrameException e) when (inbound.Peer.IsNone)
        {
            _clients.Misbehaved(address, e.Message);
            await AnswerAsync(socket, "protocol_error", e.Message);
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

    /// <summary>Hears who calls, and serves a member until it goes.</summary>
    /// <returns>What a client said, that is to be served as one; null when the connection has ended.</returns>
    private ClientHello? Greet(Inbound inbound, NetworkStream stream, string address)
    {
        var frames = new BlockingFrameReader(stream);
        Frame first = frames.ReadFirst(Frame.MaxHelloBytes, HelloTimeout);
        switch (first.Kind)
        {
            case FrameKind.Hello:
                ServePeer(inbound, frames, ParseHello(first), address);
                return null;
            case FrameKind.ClientHello:
                return ClientMessageCodec.ReadHello(first);
            default:
                throw new FrameException($"The first frame was {first.Kind}; it must be a Hello.");
        }
    }

    private void ServePeer(Inbound inbound, BlockingFrameReader frames, Hello hello, string address)
    {
        MeetBeforeJoining(hello);
        (string Code, string Message)? fault = Judge(hello);
        AnswerStranger(inbound.Socket, fault?.Code ?? "", fault?.Message ?? "", fault is { Code: RemovedCode } ? _removal : null);
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
        Receive(frames, inbound.Peer);
    }

    private async Task ServeClientAsync(Inbound inbound, NetworkStream stream, ClientHello hello, string address)
    {
        if (_clients.Admit(hello) is { } fault)
        {
            LogRefused(_logger, address, fault.Code, fault.Message);
            AnswerStranger(inbound.Socket, fault.Code, fault.Message);
            return;
        }

        try
        {
            inbound.IsStranger = false;
            DetectDeadClients(inbound.Socket);
            _clients.Connected(address);
            await stream.WriteAsync(Frame.ToBytes(FrameKind.ClientWelcome, _clients.Welcome()), _stop.Token);
            PipeReader reader = PipeReader.Create(stream, new StreamPipeReaderOptions(bufferSize: 64 * 1024, leaveOpen: true));
            try
            {
                using var session = new ClientSession(_clients, stream, new FrameReader(reader));
                await session.RunAsync(_stop.Token);
            }
            finally
            {
                await reader.CompleteAsync();
            }
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

    /// <summary>Answers who has been sent nothing yet: there is room for it, so that this waits for nobody.</summary>
    private static void AnswerStranger(Socket socket, string code, string message, RemovalNotice? removal = null)
    {
        try
        {
            socket.Send(AnswerOf(code, message, removal));
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // Whoever asked is gone.
        }
    }

    private static async Task AnswerAsync(Socket socket, string code, string message)
    {
        try
        {
            await socket.SendAsync(AnswerOf(code, message, removal: null));
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // Whoever misbehaved is gone.
        }
    }

    private static byte[] AnswerOf(string code, string message, RemovalNotice? removal) => Frame.ToBytes(
        FrameKind.HelloAnswer,
        new HelloAnswer { Code = code, Message = message, RemovedAt = removal?.Index.Value ?? 0, RemovedTerm = removal?.Term.Value ?? 0 });

    private void Receive(BlockingFrameReader frames, NodeId peer)
    {
        var entryMemory = new EntryMemory();
        while (frames.Receive())
        {
            ReceiveWhatCame(frames, peer, entryMemory);
        }
    }

    /// <summary>All that came together is delivered together, and this thread may then have the node look at it.</summary>
    private void ReceiveWhatCame(BlockingFrameReader frames, NodeId peer, EntryMemory entryMemory)
    {
        WorkHere.Enter();
        try
        {
            while (frames.TryRead(Frame.MaxBodyBytes, out Frame frame))
            {
                PeerMessage message = PeerMessageCodec.FromWire(frame.Kind, frame.Body, entryMemory);
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
