using System.Buffers;
using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;
using System.Threading.Channels;
using Converge.Core;
using Converge.Swarm.Transport;
using Converge.Swarm.Transport.Wire;

namespace Converge.Swarm.Nodes;

/// <summary>
/// One connection to one node, seen from the client. Requests of any number of callers are written one behind the other without waiting
/// for answers; answers find their requests by number.
/// </summary>
internal sealed class NodeConnection : IAsyncDisposable
{
    /// <summary>A buffer is handed to the socket when it has grown to this.</summary>
    private const int FlushBytes = 256 * 1024;

    private const int FirstBufferBytes = 4 * 1024;

    private const int WokenAtTheEnd = 1_000_000;

    private readonly IPEndPoint _address;
    private readonly NetworkStream _stream;
    private readonly PipeReader _reader;
    private readonly FrameReader _frames;
    private readonly Action<LeaderHint> _learn;
    private readonly Channel<Pending> _unsent = Channel.CreateUnbounded<Pending>(new UnboundedChannelOptions { SingleReader = true });
    private readonly Lock _gate = new();
    private readonly Dictionary<ulong, Pending> _pending = [];
    private readonly SemaphoreSlim _places;
    private readonly CancellationTokenSource _ended = new();
    private readonly Task _running;
    private ulong _lastRequest;
    private string? _endedBecause;

    private NodeConnection(IPEndPoint address, NetworkStream stream, PipeReader reader, FrameReader frames, ClientWelcome welcome, Action<LeaderHint> learn)
    {
        (_address, _stream, _reader, _frames, _learn) = (address, stream, reader, frames, learn);
        _places = new SemaphoreSlim((int)Math.Clamp(welcome.MaxRequests, 1, WokenAtTheEnd));
        _running = RunAsync();
    }

    /// <summary>False once it has ended; it never comes back.</summary>
    public bool IsOpen
    {
        get
        {
            lock (_gate)
            {
                return _endedBecause is null;
            }
        }
    }

    /// <summary>Connects and greets.</summary>
    /// <param name="address">Where the node listens.</param>
    /// <param name="cluster">The swarm that is meant.</param>
    /// <param name="welcomed">Told what the node said in return.</param>
    /// <param name="learn">Told who leads, as often as the node says so.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="AttemptFailedException">There is nobody, or the client is not welcome.</exception>
    public static async Task<NodeConnection> OpenAsync(
        IPEndPoint address, string cluster, Action<ClientWelcome> welcomed, Action<LeaderHint> learn, CancellationToken cancellationToken)
    {
        var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(address, cancellationToken);
            var stream = new NetworkStream(socket, ownsSocket: true);
            await stream.WriteAsync(Frame.ToBytes(FrameKind.ClientHello, new ClientHello { Cluster = cluster }), cancellationToken);
            PipeReader reader = PipeReader.Create(stream, new StreamPipeReaderOptions(bufferSize: 64 * 1024, leaveOpen: true));
            var frames = new FrameReader(reader);
            Frame answer = await frames.ReadAsync(Frame.MaxBodyBytes, cancellationToken)
                ?? throw new AttemptFailedException($"{address} hung up without an answer.", mayHaveArrived: false);
            ClientWelcome welcome = ReadWelcome(address, answer);
            welcomed(welcome);
            return new NodeConnection(address, stream, reader, frames, welcome, learn);
        }
        catch (AttemptFailedException)
        {
            socket.Dispose();
            throw;
        }
        catch (Exception e) when (e is SocketException or IOException or OperationCanceledException or FrameException)
        {
            socket.Dispose();
            throw new AttemptFailedException(
                $"{address} cannot be reached: {(e is OperationCanceledException ? "it did not answer in time." : e.Message)}", mayHaveArrived: false);
        }
    }

    /// <summary>Sends a request and waits for its answer.</summary>
    /// <param name="request">The request; its number is set here, and it belongs to this connection from now on.</param>
    /// <param name="cancellationToken">Gives up waiting. A request that has not been sent by then never is.</param>
    /// <exception cref="AttemptFailedException">The connection ended, or it was given up; says whether the request may have arrived.</exception>
    public async Task<ClientAnswer> AskAsync(ClientRequest request, CancellationToken cancellationToken)
    {
        Pending pending;
        try
        {
            await _places.WaitAsync(cancellationToken);
            pending = Enlist(request);
        }
        catch (OperationCanceledException)
        {
            throw new AttemptFailedException($"{_address} has too many requests of this client to answer.", mayHaveArrived: false) { Reason = NotCommittedReason.Busy };
        }

        try
        {
            return await pending.Answer.WaitAsync(cancellationToken);
        }
        catch (OperationCanceledException)
        {
            throw new AttemptFailedException($"{_address} did not answer in time.", mayHaveArrived: !pending.TryWithdraw());
        }
    }

    /// <summary>Ends the connection. What waits for an answer learns that there will be none.</summary>
    public async ValueTask DisposeAsync()
    {
        End("the client was closed.");
        await _running;
    }

    private static ClientWelcome ReadWelcome(IPEndPoint address, in Frame answer)
    {
        if (answer.Kind == FrameKind.ClientWelcome)
        {
            return ClientMessageCodec.ReadWelcome(answer);
        }

        if (answer.Kind != FrameKind.HelloAnswer)
        {
            throw new FrameException($"it answered with a {answer.Kind} frame.");
        }

        HelloAnswer refusal = ClientMessageCodec.ReadRefusal(answer);
        throw new AttemptFailedException($"{address} refused this client ({refusal.Code}): {refusal.Message}", mayHaveArrived: false)
        {
            Reason = string.Equals(refusal.Code, ClientService.BusyCode, StringComparison.Ordinal) ? NotCommittedReason.Busy : NotCommittedReason.NoLeader,
        };
    }

    private Pending Enlist(ClientRequest request)
    {
        lock (_gate)
        {
            if (_endedBecause is not null)
            {
                throw new AttemptFailedException($"{_address}: {_endedBecause}", mayHaveArrived: false);
            }

            request.Id = ++_lastRequest;
            var pending = new Pending(request);
            _pending.Add(request.Id, pending);
            _unsent.Writer.TryWrite(pending);
            return pending;
        }
    }

    private Pending? Delist(ulong request)
    {
        lock (_gate)
        {
            return _pending.Remove(request, out Pending? pending) ? pending : null;
        }
    }

    private async Task RunAsync()
    {
        Task<string> reading = ReadAllAsync();
        Task<string> writing = WriteAllAsync();
        End(await await Task.WhenAny(reading, writing));
        await _stream.DisposeAsync();
        await Task.WhenAll(reading, writing);
        await _reader.CompleteAsync();
    }

    private async Task<string> ReadAllAsync()
    {
        try
        {
            while (await _frames.ReadAsync(Frame.MaxBodyBytes, _ended.Token) is { } frame)
            {
                if (frame.Kind == FrameKind.HelloAnswer)
                {
                    return $"the node closed it: {ClientMessageCodec.ReadRefusal(frame).Message}";
                }

                Receive(frame.Kind == FrameKind.ClientAnswer
                    ? ClientMessageCodec.ReadAnswer(frame)
                    : throw new FrameException($"the node sent a {frame.Kind} frame."));
            }

            return "the node hung up.";
        }
        catch (Exception e) when (e is FrameException or IOException or SocketException or OperationCanceledException or ObjectDisposedException)
        {
            return $"the connection broke: {e.Message}";
        }
    }

    private void Receive(ClientAnswer answer)
    {
        Pending pending = Delist(answer.Id) ?? throw new FrameException($"the node answered request {answer.Id}, which is not under way.");
        _places.Release();
        if (answer.Leader is { } leader)
        {
            _learn(ClientMessageCodec.FromWire(leader));
        }

        pending.Complete(answer);
    }

    private async Task<string> WriteAllAsync()
    {
        var buffer = new ArrayBufferWriter<byte>(FirstBufferBytes);
        try
        {
            while (await _unsent.Reader.WaitToReadAsync(_ended.Token))
            {
                while (_unsent.Reader.TryRead(out Pending? pending))
                {
                    if (!pending.TrySend())
                    {
                        Delist(pending.Request.Id);
                        _places.Release();
                        continue;
                    }

                    Frame.Write(buffer, FrameKind.ClientRequest, pending.Request);
                    if (buffer.WrittenCount >= FlushBytes)
                    {
                        await FlushAsync(buffer);
                    }
                }

                await FlushAsync(buffer);
            }

            return "the client was closed.";
        }
        catch (Exception e) when (e is FrameException or IOException or SocketException or OperationCanceledException or ObjectDisposedException)
        {
            return $"the connection broke: {e.Message}";
        }
    }

    private async Task FlushAsync(ArrayBufferWriter<byte> buffer)
    {
        await _stream.WriteAsync(buffer.WrittenMemory, _ended.Token);
        buffer.ResetWrittenCount();
    }

    private void End(string because)
    {
        Pending[] left;
        lock (_gate)
        {
            if (_endedBecause is not null)
            {
                return;
            }

            _endedBecause = because;
            left = [.. _pending.Values];
            _pending.Clear();
        }

        _ended.Cancel();

        // Whoever waits for a place finds out that there is no connection to have one on.
        _places.Release(WokenAtTheEnd);
        foreach (Pending pending in left)
        {
            pending.Fail($"{_address}: {because}");
        }
    }

    /// <summary>A request that waits for its answer.</summary>
    private sealed class Pending(ClientRequest request)
    {
        private const int Queued = 0;
        private const int Sent = 1;
        private const int Withdrawn = 2;

        private readonly TaskCompletionSource<ClientAnswer> _answer = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private int _state = Queued;

        public ClientRequest Request { get; } = request;

        public Task<ClientAnswer> Answer => _answer.Task;

        /// <summary>Before its first byte leaves. False when nobody waits for it any more: then it must not.</summary>
        public bool TrySend() => Interlocked.CompareExchange(ref _state, Sent, Queued) == Queued;

        /// <summary>Nobody waits for it any more. True when it certainly never leaves.</summary>
        public bool TryWithdraw() => Interlocked.CompareExchange(ref _state, Withdrawn, Queued) != Sent;

        public void Complete(ClientAnswer answer) => _answer.TrySetResult(answer);

        public void Fail(string message)
        {
            _answer.TrySetException(new AttemptFailedException(message, mayHaveArrived: !TryWithdraw()));

            // Whoever gave up waiting does not look any more.
            _ = _answer.Task.Exception;
        }
    }
}
