using System.Buffers;
using System.Collections.Concurrent;
using System.Collections.Immutable;
using Converge.Core;
using Converge.Core.Json;
using Converge.Swarm.Actors;
using Converge.Swarm.Hosting;
using Converge.Swarm.Ledger;
using Converge.Swarm.Transport.Wire;
using Google.Protobuf;

namespace Converge.Swarm.Transport;

/// <summary>
/// One connection of a client, seen from the node: requests in, answers out, in whatever order they become ready. A request holds a place
/// from when it is read until its answer is written; without a free place nothing more is read.
/// </summary>
internal sealed class ClientSession : IDisposable
{
    /// <summary>A buffer is handed to the socket when it has grown to this.</summary>
    private const int FlushBytes = 256 * 1024;

    private const int FirstBufferBytes = 4 * 1024;

    private static readonly FactNotCommitted Busy = new(NotCommittedReason.Busy, "Too much is waiting on this node.");

    // The content is what answers a commit, or what makes the answer when it is written (a FromLedger where that reads the ledger).
    private readonly ConcurrentQueue<(ulong Request, object Content)> _answers = new();

    private readonly ClientService _service;
    private readonly Stream _stream;
    private readonly FrameReader _frames;
    private readonly SemaphoreSlim _places;
    private readonly Sender _writer;
    private ArrayBufferWriter<byte> _buffer = new(FirstBufferBytes);
    private CancellationToken _ended;

    public ClientSession(ClientService service, Stream stream, FrameReader frames)
    {
        _service = service;
        _stream = stream;
        _frames = frames;
        _places = new SemaphoreSlim(service.Limits.MaxRequests);
        _writer = new Sender(WriteQueuedAsync);
    }

    /// <summary>Serves the client until it goes, misbehaves or the node stops.</summary>
    /// <exception cref="FrameException">It sent what this protocol does not allow.</exception>
    /// <exception cref="IOException">The connection broke.</exception>
    /// <exception cref="OperationCanceledException">The node stops, or the client took nothing for too long.</exception>
    public async Task RunAsync(CancellationToken stop)
    {
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(stop);
        _ended = ended.Token;
        Task reading = ReadAllAsync(ended.Token);
        Task writing = WriteAsync(ended.Token);
        Task first = await Task.WhenAny(reading, writing);
        await ended.CancelAsync();
        await ((Task)Task.WhenAll(reading, writing)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await first;
    }

    public void Dispose() => _places.Dispose();

    private async Task ReadAllAsync(CancellationToken ended)
    {
        while (true)
        {
            if (!ServeWhatCame(ended))
            {
                // No place is free; this is the only one who takes them.
                await _places.WaitAsync(ended);
                _places.Release();
            }
            else if (!await _frames.ReceiveAsync(ended))
            {
                return;
            }
        }
    }

    /// <summary>Serves the requests that came together, as far as there are places; this thread may then have the node look at them.</summary>
    /// <returns>False when the places ran out first.</returns>
    private bool ServeWhatCame(CancellationToken ended)
    {
        WorkHere.Enter();
        try
        {
            while (_places.Wait(0, CancellationToken.None))
            {
                if (!_frames.TryRead(ClientLimits.MaxRequestBytes, out Frame frame))
                {
                    _places.Release();
                    return true;
                }

                Serve(frame, ended);
            }

            return false;
        }
        finally
        {
            WorkHere.Leave();
        }
    }

    private void Serve(Frame frame, CancellationToken ended)
    {
        if (frame.Kind != FrameKind.ClientRequest)
        {
            throw new FrameException($"A frame of kind {frame.Kind} is out of place here.");
        }

        if (CommitBody.TryReadRequest(frame.Body, out ulong id, out ReadOnlyMemory<byte>[] commands))
        {
            Commit(id, commands);
        }
        else
        {
            Serve(ClientMessageCodec.ReadRequest(frame), ended);
        }
    }

    private void Serve(ClientRequest request, CancellationToken ended)
    {
        ulong id = request.Id;
        switch (request.RequestCase)
        {
            case ClientRequest.RequestOneofCase.Commit:
                Commit(id, [.. request.Commit.Commands.Select(command => command.Memory)]);
                break;
            case ClientRequest.RequestOneofCase.Records:
                ServeRecords(id, request.Records, ended);
                break;
            case ClientRequest.RequestOneofCase.Proposal:
                GetProposal(id, request.Proposal);
                break;
            case ClientRequest.RequestOneofCase.Head:
                Ask(
                    id,
                    new StateMachineMessage.GetHead(Reply<QueryAnswer<LedgerHead>>(id, answer => OfQuery(answer, head => new ClientAnswer { Head = ClientMessageCodec.ToWire(head!) }))),
                    request.Head.Consistency);
                break;
            case ClientRequest.RequestOneofCase.Status:
                Post(
                    id,
                    new NodeMessage.GetStatus(Reply<SwarmStatus>(id, status => new ClientAnswer { Status = ClientMessageCodec.ToWire(_service.Metrics.AddTo(status)) })));
                break;
            case ClientRequest.RequestOneofCase.Proof:
                Queue(id, new FromLedger(() => Prove(request.Proof)));
                break;
            case ClientRequest.RequestOneofCase.Transfer:
                Post(
                    id,
                    new NodeMessage.TransferLeadership(
                        new NodeId(request.Transfer.To),
                        Reply<LeadershipTransfer>(id, outcome => new ClientAnswer { Transfer = ClientMessageCodec.ToWire(outcome) })));
                break;
            case ClientRequest.RequestOneofCase.Members:
                Post(id, new NodeMessage.GetMembers(Reply<SwarmMembers>(id, members => new ClientAnswer { Members = MembershipWire.ToWire(members) })));
                break;
            case ClientRequest.RequestOneofCase.Membership:
                ChangeMembers(id, request.Membership);
                break;
            default:
                // A newer client's, perhaps; it can be told, and the connection is good.
                Answer(id, () => Fault("unknown_request", "This node does not know this kind of request."));
                break;
        }
    }

    private void Commit(ulong id, ReadOnlyMemory<byte>[] request)
    {
        if (ClientService.Check(request, out UnstampedCommand[] commands, out int bytes) is { } fault)
        {
            Answer(id, () => Fault("invalid_request", fault));
        }
        else if (!_service.TryReserve(bytes))
        {
            AnswerBusy(id, request.Length);
        }
        else if (!_service.Post(new NodeMessage.Submit(commands, new CommitReply(this, id, bytes))))
        {
            _service.Release(bytes);
            AnswerBusy(id, request.Length);
        }
    }

    private void ChangeMembers(ulong id, MembershipRequest request)
    {
        ImmutableArray<MembershipStep> steps;
        try
        {
            steps = MembershipWire.StepsFromWire(request.Steps);
        }
        catch (FrameException fault)
        {
            Answer(id, () => Fault("invalid_request", fault.Message));
            return;
        }

        Post(
            id,
            new NodeMessage.ChangeMembers(
                steps, Reply<MembershipOutcome>(id, outcome => new ClientAnswer { Membership = MembershipWire.ToWire(outcome) })));
    }

    private void Release(int bytes) => _service.Release(bytes);

    private void AnswerBusy(ulong id, int count)
    {
        var answers = new CommitAnswer[count];
        Array.Fill(answers, Busy);
        Answer(id, answers);
    }

    private void GetProposal(ulong id, ProposalRequest request)
    {
        if (SubmissionRules.CheckProposalId(request.ProposalId) is { } fault)
        {
            Answer(id, () => Fault("invalid_request", fault.Message));
        }
        else
        {
            Ask(
                id,
                new StateMachineMessage.GetProposal(
                    request.ProposalId,
                    Reply<QueryAnswer<ProposalView?>>(id, answer => OfQuery(answer, view => new ClientAnswer { Proposal = ClientMessageCodec.ToWire(view) }))),
                request.Consistency);
        }
    }

    private void Ask(ulong id, StateMachineMessage.Query query, uint consistency) =>
        Post(id, new NodeMessage.Read(query, ClientMessageCodec.ConsistencyFromWire(consistency)));

    private void Post(ulong id, NodeMessage message)
    {
        if (!_service.Post(message))
        {
            Answer(id, () => Unavailable(NotCommittedReason.Busy, Busy.Message));
        }
    }

    private void ServeRecords(ulong id, RecordsRequest request, CancellationToken ended)
    {
        ulong from = Math.Max(1, request.From);
        int limit = (int)Math.Clamp(request.Limit, 1, ClientLimits.MaxPageRecords);
        if (request.WaitMilliseconds == 0 || _service.Ledger.LastSequence >= from)
        {
            Queue(id, new FromLedger(() => ReadPage(from, limit)));
        }
        else
        {
            var patience = TimeSpan.FromMilliseconds(Math.Min(request.WaitMilliseconds, _service.Limits.MaxRecordsWait.TotalMilliseconds));
            _ = AnswerWithRecordsAsync(id, from, limit, patience, ended);
        }
    }

    /// <summary>Answers when there is a record, when another leads (somebody else may have more), or when patience is at its end.</summary>
    private async Task AnswerWithRecordsAsync(ulong id, ulong from, int limit, TimeSpan patience, CancellationToken ended)
    {
        using var waiting = CancellationTokenSource.CreateLinkedTokenSource(ended);
        waiting.CancelAfter(patience);
        LeaderHint leader = _service.News.Leader;
        try
        {
            while (true)
            {
                Task<bool> later = _service.News.Next;
                if (_service.Ledger.LastSequence >= from || _service.News.Leader != leader || !await later.WaitAsync(waiting.Token))
                {
                    break;
                }
            }
        }
        catch (OperationCanceledException) when (ended.IsCancellationRequested)
        {
            return;
        }
        catch (OperationCanceledException)
        {
            // There is none yet, and the answer says so.
        }

        Queue(id, new FromLedger(() => ReadPage(from, limit)));
    }

    private ClientAnswer Prove(ProofRequest request)
    {
        ulong? size = request.HasSize ? request.Size : null;
        try
        {
            byte[]? document = (ProofKind)request.Kind switch
            {
                ProofKind.Receipt => LedgerReceiptJson.ToUtf8(_service.Ledger.Receipt(request.Place, size)),
                ProofKind.Inclusion => InclusionProofJson.ToUtf8(_service.Ledger.ProveInclusion(request.Place, size)),
                ProofKind.Consistency => ConsistencyProofJson.ToUtf8(_service.Ledger.ProveConsistency(request.Place, size)),
                _ => null,
            };
            return document is null
                ? Fault("unknown_request", "This node does not know this kind of proof.")
                : new ClientAnswer { Proof = new ProofAnswer { Document = UnsafeByteOperations.UnsafeWrap(document) } };
        }
        catch (LedgerRangeException range)
        {
            return new ClientAnswer { Proof = new ProofAnswer { Parameter = range.Parameter, BeyondLedger = range.IsBeyondLedger, Message = range.Message } };
        }
    }

    /// <summary>Reads when the answer is written, not before: a connection holds one page, however many are asked for.</summary>
    private ClientAnswer ReadPage(ulong from, int limit)
    {
        var page = new RecordsAnswer();
        long bytes = 0;
        foreach (EncodedRecord record in _service.Ledger.Read(from, limit))
        {
            if (bytes >= ClientLimits.MaxPageBytes)
            {
                break;
            }

            page.Records.Add(UnsafeByteOperations.UnsafeWrap(record.Bytes));
            bytes += record.Bytes.Length;
        }

        return new ClientAnswer { Records = page };
    }

    private static ClientAnswer OfQuery<T>(QueryAnswer<T> answer, Func<T?, ClientAnswer> good) => answer.Reason is { } reason
        ? Unavailable(reason, answer.Message ?? reason.Name())
        : good(answer.Value);

    private static ClientAnswer Unavailable(NotCommittedReason reason, string message) =>
        new() { Unavailable = ClientMessageCodec.ToWire(reason, message) };

    private static ClientAnswer Fault(string code, string message) => new() { Fault = new Fault { Code = code, Message = message } };

    private SessionReply<T> Reply<T>(ulong id, Func<T, ClientAnswer> build) => new(answer => Answer(id, () => build(answer)));

    private void Answer(ulong id, Func<ClientAnswer> build) => Queue(id, build);

    private void Answer(ulong id, IReadOnlyList<CommitAnswer> answers) => Queue(id, answers);

    private void Queue(ulong id, object content)
    {
        _answers.Enqueue((id, content));
        _writer.Wake();
    }

    /// <summary>Writes answers until the connection or the node ends.</summary>
    private async Task WriteAsync(CancellationToken ended)
    {
        using CancellationTokenRegistration registration = ended.Register(_writer.Close);
        await _writer.Ended;
        ended.ThrowIfCancellationRequested();
    }

    /// <summary>Writes what is queued, but not more than about a buffer full.</summary>
    private async ValueTask WriteQueuedAsync()
    {
        while (_answers.TryDequeue(out (ulong Request, object Content) next))
        {
            if (next.Content is FromLedger && WorkHere.IsInSection)
            {
                // It reads the disk, and whoever lent this thread, the log or a peer's connection perhaps, has others waiting.
                await Task.Yield();
            }

            Write(_buffer, next.Request, next.Content);
            _places.Release();
            if (_buffer.WrittenCount >= FlushBytes)
            {
                _writer.Wake();
                break;
            }
        }

        if (_buffer.WrittenCount > 0)
        {
            await FlushAsync(_buffer, _ended);
        }

        if (_buffer.Capacity > 4 * FlushBytes)
        {
            // What a large page needed is not held for the life of the connection.
            _buffer = new ArrayBufferWriter<byte>(FirstBufferBytes);
        }
    }

    private void Write(ArrayBufferWriter<byte> buffer, ulong request, object content)
    {
        LeaderHint leader = _service.News.Leader;
        if (content is not IReadOnlyList<CommitAnswer> answers || !CommitBody.TryWriteAnswer(buffer, request, leader, answers))
        {
            ClientAnswer answer = content is IReadOnlyList<CommitAnswer> mixed
                ? new ClientAnswer { Commit = ClientMessageCodec.ToWire(mixed) }
                : Build(content is FromLedger ledger ? ledger.Build : (Func<ClientAnswer>)content);
            answer.Id = request;
            answer.Leader = ClientMessageCodec.ToWire(leader);
            Frame.Write(buffer, FrameKind.ClientAnswer, answer);
        }
    }

    private ClientAnswer Build(Func<ClientAnswer> build)
    {
        try
        {
            return build();
        }
        catch (ObjectDisposedException)
        {
            return Unavailable(NotCommittedReason.Stopping, "The node is shutting down.");
        }
        catch (IOException e)
        {
            _service.CouldNotAnswer(e);
            return Unavailable(NotCommittedReason.Stopping, "The node could not read its ledger; its log says why.");
        }
    }

    private async Task FlushAsync(ArrayBufferWriter<byte> buffer, CancellationToken ended)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(ended);
        patience.CancelAfter(_service.Limits.WriteTimeout);
        await _stream.WriteAsync(buffer.WrittenMemory, patience.Token);
        buffer.ResetWrittenCount();
    }

    /// <summary>What makes an answer by reading the ledger, which may take as long as a disk.</summary>
    private sealed record FromLedger(Func<ClientAnswer> Build);

    /// <summary>The reply to a commit: gives back the room that its commands took.</summary>
    private sealed class CommitReply(ClientSession session, ulong id, int bytes) : Reply<IReadOnlyList<CommitAnswer>>
    {
        public override void Send(IReadOnlyList<CommitAnswer> answer)
        {
            session.Release(bytes);
            session.Answer(id, answer);
        }
    }

    /// <summary>A reply that becomes an answer on this connection; on one that has ended it goes nowhere.</summary>
    private sealed class SessionReply<T>(Action<T> send) : Reply<T>
    {
        public override void Send(T answer) => send(answer);
    }
}
