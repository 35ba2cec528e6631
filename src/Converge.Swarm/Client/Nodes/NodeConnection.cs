using System.Buffers;
using System.Collections.Concurrent;
using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
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

    /// <summary>However little patience callers have, a network may lose something and send it again.</summary>
    private static readonly TimeSpan ShortestTimeout = TimeSpan.FromSeconds(2);

    private readonly IPEndPoint _address;
    private readonly NetworkStream _stream;
    private readonly PipeReader _reader;
    private readonly FrameReader _frames;
    private readonly Action<LeaderHint> _learn;
    private readonly Channel<object> _unsent = Channel.CreateUnbounded<object>(new UnboundedChannelOptions { SingleReader = true });
    private readonly Lock _gate = new();

    // A request, or the commits that travel in one.
    private readonly Dictionary<ulong, object> _pending = [];
    private readonly ConcurrentQueue<PendingCommit> _commits = new();
    private readonly Lock _lettingGo = new();

    // Taken from the queue and not only looked at: a queue that was looked into keeps what is taken from it until its place is needed again.
    private PendingCommit? _oldest;
    private readonly List<PendingCommit> _together = [];
    private readonly List<ReadOnlyMemory<byte>> _commands = [];
    private readonly TimeSpan _patience;
    private readonly TimeProvider _time;
    private readonly ITimer _impatience;
    private LeaderHint _lastHint = LeaderHint.None;
    private readonly SemaphoreSlim _places;
    private readonly CancellationTokenSource _ended = new();
    private readonly Task _running;
    private ulong _lastRequest;
    private string? _endedBecause;

    private NodeConnection(
        IPEndPoint address,
        NetworkStream stream,
        PipeReader reader,
        FrameReader frames,
        ClientWelcome welcome,
        Action<LeaderHint> learn,
        TimeSpan patience,
        TimeProvider time)
    {
        (_patience, _time) = (patience, time);
        _impatience = time.CreateTimer(_ => GiveUpOverdue(), null, patience / 8, patience / 8);
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

    /// <summary>How many commits are held in memory; those behind one that is not answered are among them.</summary>
    internal int HeldCommits => _commits.Count + (_oldest is null ? 0 : 1);

    /// <summary>Connects and greets.</summary>
    /// <param name="address">Where the node listens.</param>
    /// <param name="cluster">The swarm that is meant.</param>
    /// <param name="welcomed">Told what the node said in return.</param>
    /// <param name="learn">Told who leads, as often as the node says so.</param>
    /// <param name="patience">How long a commit (<see cref="TryCommit"/>) waits for its answer, give or take an eighth. A connection on which
    /// nothing was acknowledged for so long, or for two seconds if that is longer, is given up.</param>
    /// <param name="time">The client's clock.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="AttemptFailedException">There is nobody, or the client is not welcome.</exception>
    public static async Task<NodeConnection> OpenAsync(
        IPEndPoint address,
        string cluster,
        Action<ClientWelcome> welcomed,
        Action<LeaderHint> learn,
        TimeSpan patience,
        TimeProvider time,
        CancellationToken cancellationToken)
    {
        var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(address, cancellationToken);
            UserTimeout.Set(socket, patience > ShortestTimeout ? patience : ShortestTimeout);
            var stream = new NetworkStream(socket, ownsSocket: true);
            await stream.WriteAsync(Frame.ToBytes(FrameKind.ClientHello, new ClientHello { Cluster = cluster }), cancellationToken);
            PipeReader reader = PipeReader.Create(stream, new StreamPipeReaderOptions(bufferSize: 64 * 1024, leaveOpen: true));
            var frames = new FrameReader(reader);
            Frame answer = await frames.ReadAsync(Frame.MaxBodyBytes, cancellationToken)
                ?? throw new AttemptFailedException($"{address} hung up without an answer.", mayHaveArrived: false);
            ClientWelcome welcome = ReadWelcome(address, answer);
            welcomed(welcome);
            return new NodeConnection(address, stream, reader, frames, welcome, learn, patience, time);
        }
        catch (AttemptFailedException)
        {
            socket.Dispose();
            throw;
        }
        catch (Exception e) when (BrokenConnection.IsMeantBy(e) || e is FrameException)
        {
            socket.Dispose();
            throw new AttemptFailedException(
                $"{address} cannot be reached: {(e is OperationCanceledException ? "it did not answer in time." : e.Message)}", mayHaveArrived: false)
            {
                WasCutShort = e is OperationCanceledException,
            };
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
            // A place that is free is taken without a look at the time: only who waited for one may say that there was none.
            if (!_places.Wait(0, CancellationToken.None))
            {
                await _places.WaitAsync(cancellationToken);
            }

            pending = Enlist(request);
        }
        catch (OperationCanceledException)
        {
            throw new AttemptFailedException($"{_address} has too many requests of this client to answer.", mayHaveArrived: false)
            {
                Reason = NotCommittedReason.Busy,
                WasCutShort = true,
            };
        }

        try
        {
            return await pending.Answer.WaitAsync(cancellationToken);
        }
        catch (OperationCanceledException)
        {
            if (pending.Answer.IsCompleted)
            {
                // Both came at once: what is known wins.
                return await pending.Answer;
            }

            throw new AttemptFailedException($"{_address} did not answer in time.", mayHaveArrived: !pending.TryWithdraw()) { WasCutShort = true };
        }
    }

    /// <summary>
    /// Sends a command, together with those of other callers that wait at the same moment: one request, one answer, and on the node one
    /// stretch of the log. False when the connection has ended.
    /// </summary>
    public bool TryCommit(PendingCommit commit)
    {
        if (!_unsent.Writer.TryWrite(commit))
        {
            return false;
        }

        _commits.Enqueue(commit);
        return true;
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

    private object? Delist(ulong request)
    {
        lock (_gate)
        {
            return _pending.Remove(request, out object? pending) ? pending : null;
        }
    }

    private async Task RunAsync()
    {
        Task<string> reading = ReadAllAsync();
        Task<string> writing = WriteAllAsync();
        End(await await Task.WhenAny(reading, writing));
        await _stream.DisposeAsync();
        await Task.WhenAll(reading, writing);
        while (_unsent.Reader.TryRead(out object? unsent))
        {
            (unsent as PendingCommit)?.Fail($"{_address}: {_endedBecause}");
        }

        await _impatience.DisposeAsync();
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

                if (frame.Kind != FrameKind.ClientAnswer)
                {
                    throw new FrameException($"the node sent a {frame.Kind} frame.");
                }

                Receive(frame);
            }

            return "the node hung up.";
        }
        catch (Exception e)
        {
            // Whatever it is, whoever waits for an answer must learn of it; with the next request another connection is tried.
            return $"the connection broke: {e.Message}";
        }
    }

    private void Receive(in Frame frame)
    {
        ClientAnswer? answer = CommitBody.TryReadAnswer(frame.Body, out ulong id, out LeaderHint leader, out CommitAnswer[] answers)
            ? null
            : ClientMessageCodec.ReadAnswer(frame);
        object pending = Settle(answer?.Id ?? id);
        try
        {
            if (answer is null)
            {
                Learn(leader);
            }
            else if (answer.Leader is not null)
            {
                Learn(ClientMessageCodec.FromWire(answer.Leader));
            }

            if (answer is null && pending is PendingCommit[] commits && commits.Length == answers.Length)
            {
                Complete(commits, answers);
            }
            else
            {
                Complete(pending, answer ?? ClientMessageCodec.ReadAnswer(frame));
            }

            LetGo(static commit => commit.Task.IsCompleted);
        }
        catch (Exception e)
        {
            // Nobody else knows of it any more.
            Fail(pending, $"{_address}: the connection broke: {e.Message}");
            throw;
        }
    }

    private object Settle(ulong request)
    {
        object pending = Delist(request) ?? throw new FrameException($"the node answered request {request}, which is not under way.");
        _places.Release();
        return pending;
    }

    private void Learn(LeaderHint leader)
    {
        if (leader != _lastHint)
        {
            _lastHint = leader;
            _learn(leader);
        }
    }

    private static void Complete(PendingCommit[] commits, CommitAnswer[] answers)
    {
        for (int i = 0; i < commits.Length; i++)
        {
            commits[i].TrySetResult(answers[i]);
        }
    }

    private static void Complete(object pending, ClientAnswer answer)
    {
        if (pending is not PendingCommit[] commits)
        {
            ((Pending)pending).Complete(answer);
        }
        else if (answer.Commit is { } outcomes && outcomes.Answers.Count == commits.Length)
        {
            Complete(commits, ClientMessageCodec.FromWire(outcomes));
        }
        else if (answer.Fault is { } fault)
        {
            // A node of another version, or it is one command of them that it does not understand: each is tried by itself.
            FailAll(commits, new AttemptFailedException($"The node did not understand the request ({fault.Code}): {fault.Message}", mayHaveArrived: false));
        }
        else
        {
            FailAll(commits, new AttemptFailedException("The node answered something else than it was asked.", mayHaveArrived: true));
        }
    }

    private static void FailAll(PendingCommit[] commits, AttemptFailedException failed)
    {
        foreach (PendingCommit commit in commits)
        {
            commit.Fail(failed);
        }
    }

    private void GiveUpOverdue()
    {
        long now = _time.GetTimestamp();
        LetGo(oldest => oldest.Task.IsCompleted || _time.GetElapsedTime(oldest.BegunAt, now) >= _patience);
    }

    /// <summary>
    /// They lie in the order of their beginnings. What is answered is let go with its answer: a quarter of a second of them was most of what a garbage
    /// collection found alive.
    /// </summary>
    private void LetGo(Func<PendingCommit, bool> isOver)
    {
        lock (_lettingGo)
        {
            while ((_oldest is not null || _commits.TryDequeue(out _oldest)) && isOver(_oldest))
            {
                if (!_oldest.Task.IsCompleted)
                {
                    _oldest.Fail($"{_address} did not answer in time.");
                }

                _oldest = null;
            }
        }
    }

    private async Task<string> WriteAllAsync()
    {
        var buffer = new ArrayBufferWriter<byte>(FirstBufferBytes);
        bool wasBusy = false;
        try
        {
            while (await _unsent.Reader.WaitToReadAsync(_ended.Token))
            {
                if (wasBusy)
                {
                    // Those who were answered together ask again together: they get the time to queue up, and travel in one request.
                    await Task.Yield();
                }

                int written = 0;
                while (_unsent.Reader.TryPeek(out object? next))
                {
                    written += next is PendingCommit ? await WriteCommitsAsync(buffer) : WriteRequest(buffer);
                    if (buffer.WrittenCount >= FlushBytes)
                    {
                        await FlushAsync(buffer);
                    }
                }

                wasBusy = written > 1;
                await FlushAsync(buffer);
            }

            return "the client was closed.";
        }
        catch (Exception e)
        {
            // Whatever it is, whoever waits for an answer must learn of it; with the next request another connection is tried.
            return $"the connection broke: {e.Message}";
        }
    }

    private int WriteRequest(ArrayBufferWriter<byte> buffer)
    {
        _unsent.Reader.TryRead(out object? next);
        var pending = (Pending)next!;
        if (pending.TrySend())
        {
            Frame.Write(buffer, FrameKind.ClientRequest, pending.Request);
            return 1;
        }

        Delist(pending.Request.Id);
        _places.Release();
        return 0;
    }

    /// <summary>Writes as many of the next commits as fit into one request.</summary>
    private async ValueTask<int> WriteCommitsAsync(ArrayBufferWriter<byte> buffer)
    {
        await _places.WaitAsync(_ended.Token);
        int bytes = 0;
        while (_together.Count < ClientLimits.MaxCommands && _unsent.Reader.TryPeek(out object? next) && next is PendingCommit commit)
        {
            bytes += commit.Command.Length;
            if (_together.Count > 0 && bytes > ClientLimits.MaxCommandBytes)
            {
                break;
            }

            _unsent.Reader.TryRead(out _);
            if (commit.TrySend())
            {
                _together.Add(commit);
                _commands.Add(commit.Command);
            }
        }

        if (_together.Count == 0)
        {
            _places.Release();
            return 0;
        }

        ulong id;
        lock (_gate)
        {
            id = ++_lastRequest;
            _pending.Add(id, _together.ToArray());
        }

        CommitBody.WriteRequest(buffer, id, CollectionsMarshal.AsSpan(_commands));
        int written = _together.Count;
        _together.Clear();
        _commands.Clear();
        return written;
    }

    private async Task FlushAsync(ArrayBufferWriter<byte> buffer)
    {
        await _stream.WriteAsync(buffer.WrittenMemory, _ended.Token);
        buffer.ResetWrittenCount();
    }

    private void End(string because)
    {
        object[] left;
        lock (_gate)
        {
            if (_endedBecause is not null)
            {
                return;
            }

            _endedBecause = because;
            left = [.. _pending.Values];
            _pending.Clear();
            _unsent.Writer.Complete();
        }

        _ended.Cancel();

        // Whoever waits for a place finds out that there is no connection to have one on.
        _places.Release(WokenAtTheEnd);
        foreach (object pending in left)
        {
            Fail(pending, $"{_address}: {because}");
        }
    }

    private static void Fail(object pending, string message)
    {
        if (pending is PendingCommit[] commits)
        {
            FailAll(commits, new AttemptFailedException(message, mayHaveArrived: true));
        }
        else
        {
            ((Pending)pending).Fail(message);
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
