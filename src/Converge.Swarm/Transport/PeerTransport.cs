using System.Buffers;
using System.Collections.Concurrent;
using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;
using Converge.Core;
using Converge.Swarm.Actors;
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
}

/// <summary>
/// Framed TCP between members. Each node dials every other and sends on that connection only; what arrives comes on connections the
/// others dialled. One connection carries everything, control before bulk (docs/formats/wire.md).
/// </summary>
internal sealed partial class PeerTransport : IAsyncDisposable
{
    /// <summary>More inbound connections than this at once are closed unheard.</summary>
    private const int MaxInbound = 64;

    private static readonly TimeSpan HelloTimeout = TimeSpan.FromSeconds(5);

    private readonly string _cluster;
    private readonly NodeId _self;
    private readonly IPEndPoint _listenOn;
    private readonly Dictionary<NodeId, PeerLink> _links;
    private readonly IPeerTransportEvents _events;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentDictionary<long, Inbound> _inbound = new();
    private readonly List<Task> _tasks = [];
    private Socket? _listener;
    private long _nextInbound;

    public PeerTransport(SwarmOptions options, IPeerTransportEvents events, ILogger logger)
    {
        _cluster = options.Cluster;
        _self = options.Node;
        _listenOn = options.Members.Single(m => m.Id == options.Node).Peer;
        _events = events;
        _logger = logger;
        _links = options.Members.Where(m => m.Id != options.Node).ToDictionary(m => m.Id, m => new PeerLink(this, m.Id, m.Peer));
    }

    /// <summary>Listens and dials.</summary>
    /// <exception cref="SocketException">The address cannot be listened on.</exception>
    public void Start()
    {
        _listener = new Socket(_listenOn.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        _listener.Bind(_listenOn);
        _listener.Listen(MaxInbound);
        LogListening(_logger, _listenOn.ToString());
        _tasks.Add(Task.Run(AcceptAsync));
        foreach (PeerLink link in _links.Values)
        {
            _tasks.Add(Task.Run(() => link.RunAsync(_stop.Token)));
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
        await _stop.CancelAsync();
        _listener?.Dispose();
        foreach (Inbound inbound in _inbound.Values)
        {
            inbound.Socket.Dispose();
        }

        await Task.WhenAll(_tasks);
        await Task.WhenAll(_inbound.Values.Select(i => i.Done));
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            Socket socket;
            try
            {
                socket = await _listener!.AcceptAsync(_stop.Token);
            }
            catch (OperationCanceledException)
            {
                return;
            }
            catch (ObjectDisposedException)
            {
                return;
            }
            catch (SocketException)
            {
                // The caller was gone before it was heard, or the process is out of handles for the moment.
                continue;
            }

            if (_inbound.Count >= MaxInbound)
            {
                socket.Dispose();
                continue;
            }

            long number = ++_nextInbound;
            var inbound = new Inbound(socket);
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
    }

    private async Task ServeAsync(Inbound inbound)
    {
        Socket socket = inbound.Socket;
        socket.NoDelay = true;
        string address = socket.RemoteEndPoint?.ToString() ?? "unknown";
        PipeReader reader = PipeReader.Create(new NetworkStream(socket, ownsSocket: false), new StreamPipeReaderOptions(bufferSize: 64 * 1024));
        try
        {
            Hello? hello = await ReadHelloAsync(reader, address);
            if (hello is null)
            {
                await AnswerHelloAsync(socket, "protocol_error", "The first frame must be a Hello.");
                return;
            }

            (string Code, string Message)? fault = Judge(hello);
            await AnswerHelloAsync(socket, fault?.Code ?? "", fault?.Message ?? "");
            if (fault is not null)
            {
                LogRefused(_logger, address, fault.Value.Code, fault.Value.Message);
                return;
            }

            inbound.Peer = new NodeId(hello.From);
            CloseOlderConnections(inbound);
            LogAccepted(_logger, inbound.Peer, address);
            await ReceiveAsync(reader, inbound.Peer);
        }
        catch (FrameException e) when (!inbound.Peer.IsNone)
        {
            LogInboundFailed(_logger, inbound.Peer, e.Message);
        }
        catch (FrameException e)
        {
            LogRefused(_logger, address, "protocol_error", e.Message);
            await AnswerHelloAsync(socket, "protocol_error", e.Message);
        }
        catch (Exception e) when (e is IOException or SocketException or OperationCanceledException or ObjectDisposedException)
        {
            // The other side went away; it will dial again.
        }
        finally
        {
            await reader.CompleteAsync();
        }
    }

    private async Task<Hello?> ReadHelloAsync(PipeReader reader, string address)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
        timeout.CancelAfter(HelloTimeout);
        try
        {
            Frame frame = default;
            Hello? hello = null;
            bool any = await ReadFramesAsync(reader, Frame.MaxHelloBytes, once: true, f =>
            {
                frame = f;
                hello = f.Kind == FrameKind.Hello ? ParseHello(f) : null;
            }, timeout.Token);
            if (any && hello is null)
            {
                LogRefused(_logger, address, "protocol_error", $"The first frame was {frame.Kind}, not Hello.");
            }

            return hello;
        }
        catch (OperationCanceledException) when (!_stop.IsCancellationRequested)
        {
            throw new FrameException($"No Hello within {HelloTimeout.TotalSeconds} seconds.");
        }
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

        if (!_links.ContainsKey(new NodeId(hello.From)))
        {
            return ("unknown_member", $"Node {hello.From} is not a member of this swarm.");
        }

        return null;
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

    private static async Task AnswerHelloAsync(Socket socket, string code, string message)
    {
        var answer = new HelloAnswer { Code = code, Message = message };
        byte[] bytes = new byte[Frame.HeaderBytes + answer.CalculateSize()];
        Frame.WriteHeader(bytes, FrameKind.HelloAnswer, bytes.Length - Frame.HeaderBytes);
        answer.WriteTo(bytes.AsSpan(Frame.HeaderBytes));
        try
        {
            await socket.SendAsync(bytes);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // Whoever asked is gone.
        }
    }

    private async Task ReceiveAsync(PipeReader reader, NodeId peer)
    {
        await ReadFramesAsync(reader, Frame.MaxBodyBytes, once: false, frame =>
        {
            PeerMessage message = PeerMessageCodec.FromWire(frame.Kind, frame.Body);
            if (message is ProtocolMessage protocol && (protocol.Message.From != peer || protocol.Message.To != _self))
            {
                throw new FrameException($"A message from {protocol.Message.From} to {protocol.Message.To} on the connection from {peer} to {_self}.");
            }

            _events.Arrived(peer, message);
        }, _stop.Token);
    }

    /// <summary>Reads frames until the end, or one. False when the end came before any.</summary>
    private static async Task<bool> ReadFramesAsync(PipeReader reader, int maxBodyBytes, bool once, Action<Frame> receive, CancellationToken cancellationToken)
    {
        while (true)
        {
            ReadResult result = await reader.ReadAsync(cancellationToken);
            ReadOnlySequence<byte> buffer = result.Buffer;
            while (Frame.TryRead(ref buffer, maxBodyBytes, out Frame frame))
            {
                receive(frame);
                if (once)
                {
                    reader.AdvanceTo(buffer.Start);
                    return true;
                }
            }

            reader.AdvanceTo(buffer.Start, buffer.End);
            if (result.IsCompleted)
            {
                return false;
            }
        }
    }

    private sealed class Inbound(Socket socket)
    {
        public Socket Socket { get; } = socket;

        public NodeId Peer { get; set; }

        public Task Done { get; set; } = Task.CompletedTask;
    }
}
