using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using Converge.Core;
using Converge.Core.Json;
using Converge.Swarm.Governance;
using Converge.Swarm.Ledger;
using Converge.Swarm.Nodes;
using Converge.Swarm.Transport;
using Converge.Swarm.Transport.Wire;
using Google.Protobuf;

namespace Converge.Swarm;

/// <summary>
/// A swarm as seen from another process: finds the leader, speaks to it directly, and goes on with another node when one fails, until the
/// answer is known or the time is over. Safe for concurrent use; callers share one connection per node.
/// </summary>
/// <remarks>
/// <para>Trying again is safe because every command has an id: the submission's own, or one of this client's sessions. Under one id a fact
/// is recorded at most once, and a repetition gets the first answer.</para>
/// <para>An answer never claims more than is known. <see cref="FactNotCommitted"/> is given only when no attempt can have had an effect;
/// if one may have, and none was answered in time, it is <see cref="FactOutcomeUnknown"/>.</para>
/// <para>A cancelled call throws, and what it had sent may still be recorded.</para>
/// </remarks>
/// <example>
/// <code>
/// await using var swarm = new SwarmClient(new SwarmClientOptions
/// {
///     Cluster = "example",
///     Endpoints = [IPEndPoint.Parse("127.0.0.1:7201")],
/// });
/// CommitAnswer answer = await swarm.CommitAsync(new FactSubmission(new ProposalCreated("p1", "ann")));
/// await foreach (LedgerRecord record in swarm.SubscribeAsync(1)) { … }
/// </code>
/// </example>
public sealed class SwarmClient : ISwarmClient, IAsyncDisposable
{
    /// <summary>A subscription asks anew after so long without a record, so that it notices a node that is cut off from the others.</summary>
    private static readonly TimeSpan RecordsWait = TimeSpan.FromSeconds(5);

    private const int SubscriptionPageRecords = 256;

    private static readonly FactNotCommitted Busy = new(NotCommittedReason.Busy, "Too many requests of this client are under way.");

    private readonly SwarmClientOptions _options;
    private readonly NodeDirectory _nodes;
    private readonly CommandNumbers _numbers;
    private readonly SemaphoreSlim _places;
    private readonly CancellationTokenSource _closed = new();

    /// <summary>A client that connects when it is first asked for something.</summary>
    /// <exception cref="ArgumentException">An option cannot be.</exception>
    public SwarmClient(SwarmClientOptions options)
    {
        SwarmClientOptions.Check(options);
        _options = options;
        _nodes = new NodeDirectory(options);
        _numbers = new CommandNumbers(options.SessionName);
        _places = new SemaphoreSlim(options.MaxInflightRequests);
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The submission has a fault (<see cref="SubmissionRules"/>). Nothing was sent.</exception>
    public async Task<CommitAnswer> CommitAsync(FactSubmission submission, CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(_closed.IsCancellationRequested, this);
        cancellationToken.ThrowIfCancellationRequested();
        ReadOnlyMemory<byte> command = Encode(submission);
        if (!_places.Wait(0, CancellationToken.None))
        {
            return Busy;
        }

        try
        {
            NodeLink? link = _nodes.Leader;
            var commit = new PendingCommit(command, _options.Time.GetTimestamp());
            if (link?.Connection is not { } connection || !connection.TryCommit(commit))
            {
                return await CommitAsync(command, cancellationToken);
            }

            CommitPart part;
            CommitAnswer[] answers;
            try
            {
                CommitAnswer answer = await (cancellationToken.CanBeCanceled ? commit.Task.WaitAsync(cancellationToken) : commit.Task);
                if (CommitPart.IsFinal(answer))
                {
                    link.NoteSuccess();
                    return answer;
                }

                part = Begun(command, out answers);
                part.Note(answer);
            }
            catch (AttemptFailedException failed)
            {
                link.NoteFailure();
                part = Begun(command, out answers);
                part.NoteFailure(failed);
            }
            catch (OperationCanceledException)
            {
                commit.TryWithdraw();
                throw;
            }

            await CommitAsync(part, cancellationToken, _options.Time.GetElapsedTime(commit.BegunAt) + TimeSpan.FromMilliseconds(1));
            return answers[0];
        }
        finally
        {
            _places.Release();
        }
    }

    /// <inheritdoc/>
    /// <remarks>Facts that do not fit one message go in several parts, one after the other, so that their order holds.</remarks>
    /// <exception cref="ArgumentException">A submission has a fault (<see cref="SubmissionRules"/>). Nothing was sent.</exception>
    public async Task<IReadOnlyList<CommitAnswer>> CommitAsync(IReadOnlyList<FactSubmission> submissions, CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(_closed.IsCancellationRequested, this);
        cancellationToken.ThrowIfCancellationRequested();
        ReadOnlyMemory<byte>[] commands = [.. submissions.Select(Encode)];
        var answers = new CommitAnswer[commands.Length];
        if (!_places.Wait(0, CancellationToken.None))
        {
            Array.Fill(answers, Busy);
            return answers;
        }

        try
        {
            for (int first = 0; first < commands.Length;)
            {
                int count = CountInOneRequest(commands, first);
                var part = new CommitPart(commands.AsMemory(first, count), answers.AsMemory(first, count));
                await CommitAsync(part, cancellationToken);
                first += count;
            }

            return answers;
        }
        finally
        {
            _places.Release();
        }
    }

    /// <inheritdoc/>
    /// <remarks>Reads one node's ledger, the leader's if there is one; another's may end earlier for a moment.</remarks>
    public async Task<IReadOnlyList<LedgerRecord>> ReadAsync(ulong fromSequence, int limit, CancellationToken cancellationToken = default)
    {
        if (limit <= 0)
        {
            return [];
        }

        ulong from = Math.Max(1, fromSequence);
        return Understand(
            await AskAsync(() => RecordsRequest(from, limit, TimeSpan.Zero), TimeSpan.Zero, cancellationToken),
            answer => answer.Records is { } records ? ClientMessageCodec.FromWire(records, from) : null);
    }

    /// <inheritdoc/>
    public async Task<ProposalView?> GetProposalAsync(
        string proposalId, ReadConsistency consistency = ReadConsistency.Linearizable, CancellationToken cancellationToken = default)
    {
        if (SubmissionRules.CheckProposalId(proposalId) is { } fault)
        {
            throw new ArgumentException(fault.Message, nameof(proposalId));
        }

        var request = new ProposalRequest { ProposalId = proposalId, Consistency = ClientMessageCodec.ToWire(consistency) };
        ProposalAnswer answer = Understand(
            await AskAsync(() => new ClientRequest { Proposal = request }, TimeSpan.Zero, cancellationToken), answer => answer.Proposal);
        return answer.View is null
            ? null
            : Understand(
                answer,
                found => ClientMessageCodec.FromWire(found) is { } view && string.Equals(view.ProposalId, proposalId, StringComparison.Ordinal) ? view : null);
    }

    /// <inheritdoc/>
    public async Task<LedgerHead> GetHeadAsync(ReadConsistency consistency = ReadConsistency.Stale, CancellationToken cancellationToken = default)
    {
        var request = new HeadRequest { Consistency = ClientMessageCodec.ToWire(consistency) };
        return Understand(
            await AskAsync(() => new ClientRequest { Head = request }, TimeSpan.Zero, cancellationToken),
            answer => answer.Head is { } head ? ClientMessageCodec.FromWire(head) : null);
    }

    /// <inheritdoc/>
    public async Task<LedgerReceipt> GetReceiptAsync(ulong sequence, ulong? size = null, CancellationToken cancellationToken = default) => Understand(
        await ProveAsync(ProofKind.Receipt, sequence, size, cancellationToken),
        document => LedgerReceiptJson.TryParse(document.Span, out LedgerReceipt? receipt, out _) && receipt.Answers(sequence, size) ? receipt : null);

    /// <inheritdoc/>
    public async Task<InclusionProof> GetInclusionProofAsync(ulong sequence, ulong? size = null, CancellationToken cancellationToken = default) => Understand(
        await ProveAsync(ProofKind.Inclusion, sequence, size, cancellationToken),
        document => InclusionProofJson.TryParse(document.Span, out InclusionProof? proof, out _) && proof.Answers(sequence, size) ? proof : null);

    /// <inheritdoc/>
    public async Task<ConsistencyProof> GetConsistencyProofAsync(ulong from, ulong? to = null, CancellationToken cancellationToken = default) => Understand(
        await ProveAsync(ProofKind.Consistency, from, to, cancellationToken),
        document => ConsistencyProofJson.TryParse(document.Span, out ConsistencyProof? proof, out _) && proof.Answers(from, to) ? proof : null);

    private async Task<ByteString> ProveAsync(ProofKind kind, ulong place, ulong? size, CancellationToken cancellationToken)
    {
        var request = new ProofRequest { Kind = (uint)kind, Place = place };
        if (size is { } given)
        {
            request.Size = given;
        }

        ProofAnswer answer = Understand(
            await AskAsync(() => new ClientRequest { Proof = request }, TimeSpan.Zero, cancellationToken), answer => answer.Proof);
        return answer.Document.IsEmpty
            ? throw new LedgerRangeException(answer.Parameter, answer.BeyondLedger, answer.Message)
            : answer.Document;
    }

    /// <inheritdoc/>
    public async Task<SwarmStatus> GetStatusAsync(CancellationToken cancellationToken = default) => Understand(
        await AskAsync(() => new ClientRequest { Status = new StatusRequest() }, TimeSpan.Zero, cancellationToken),
        answer => answer.Status is { } status ? ClientMessageCodec.FromWire(status) : null);

    /// <inheritdoc/>
    /// <remarks>
    /// Goes on by itself with another node when one fails, as long as one answers within <see cref="SwarmClientOptions.Timeout"/>. Each
    /// record's hash is checked against the one before, so that two nodes that disagree cannot be mixed.
    /// </remarks>
    /// <exception cref="SwarmProtocolException">A node sent what does not continue the ledger.</exception>
    public async IAsyncEnumerable<LedgerRecord> SubscribeAsync(
        ulong fromSequence, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(_closed.IsCancellationRequested, this);
        if (!_places.Wait(0, CancellationToken.None))
        {
            throw new SwarmUnavailableException(Busy.Reason, Busy.Message);
        }

        using var given = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        ulong next = Math.Max(1, fromSequence);
        string? before = null;
        Task<IReadOnlyList<LedgerRecord>> ahead = FetchAsync(next, given.Token);
        try
        {
            while (true)
            {
                IReadOnlyList<LedgerRecord> page = await ahead;

                // One page is fetched while the one before is read; a slow reader holds no more than these two.
                next += (ulong)page.Count;
                ahead = FetchAsync(next, given.Token);
                foreach (LedgerRecord record in page)
                {
                    if (before is not null && !string.Equals(record.PreviousHash, before, StringComparison.Ordinal))
                    {
                        throw new SwarmProtocolException($"Record {record.Sequence} does not continue record {record.Sequence - 1}: nodes disagree.");
                    }

                    before = record.Hash;
                    cancellationToken.ThrowIfCancellationRequested();
                    yield return record;
                }
            }
        }
        finally
        {
            await given.CancelAsync();
            await ((Task)ahead).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            _places.Release();
        }
    }

    /// <inheritdoc/>
    public Task<LeadershipTransfer> TransferLeadershipAsync(NodeId? to = null, CancellationToken cancellationToken = default)
    {
        ulong wanted = (to ?? NodeId.None).Value;
        return AskAtMostOnceAsync<LeadershipTransfer>(
            () => new ClientRequest { Transfer = new TransferRequest { To = wanted } },
            answer => answer.Transfer is { } outcome ? ClientMessageCodec.FromWire(outcome) : null,
            (isBusy, message) => new LeadershipTransferRefused(isBusy ? TransferRefusal.Busy : TransferRefusal.NoLeader, message),
            message => new LeadershipTransferUnknown(message),
            cancellationToken);
    }

    /// <inheritdoc/>
    public async Task<SwarmMembers> GetMembersAsync(CancellationToken cancellationToken = default) => Understand(
        await AskAsync(() => new ClientRequest { Members = new MembersRequest() }, TimeSpan.Zero, cancellationToken),
        answer => answer.Members is { } members ? MembershipWire.FromWire(members) : null);

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The steps have a fault (<see cref="MembershipRules"/>). Nothing was sent.</exception>
    public async Task<MembershipOutcome> ChangeMembersAsync(ImmutableArray<MembershipStep> steps, CancellationToken cancellationToken = default)
    {
        if (MembershipRules.Check(steps) is { } fault)
        {
            throw new ArgumentException(fault.Message, nameof(steps));
        }

        var request = new MembershipRequest { Steps = MembershipWire.ToWire(steps) };
        return await AskAtMostOnceAsync<MembershipOutcome>(
            () => new ClientRequest { Membership = request },
            answer => answer.Membership is { } outcome ? MembershipWire.FromWire(outcome) : null,
            (isBusy, message) => new MembershipNotChanged(isBusy ? MembershipRefusal.Busy : MembershipRefusal.NoLeader, message),
            message => new MembershipChangeUnknown(message),
            cancellationToken);
    }

    /// <summary>Closes the connections. Calls under way end with what is known.</summary>
    public async ValueTask DisposeAsync()
    {
        await _closed.CancelAsync();
        await _nodes.DisposeAsync();
    }

    private static int CountInOneRequest(ReadOnlyMemory<byte>[] commands, int first)
    {
        int count = 0;
        long bytes = 0;
        while (first + count < commands.Length && count < ClientLimits.MaxCommands)
        {
            bytes += commands[first + count].Length;
            if (bytes > ClientLimits.MaxCommandBytes)
            {
                break;
            }

            count++;
        }

        return count;
    }

    private static ClientRequest RecordsRequest(ulong from, int limit, TimeSpan wait) => new()
    {
        Records = new RecordsRequest { From = from, Limit = (uint)limit, WaitMilliseconds = (uint)wait.TotalMilliseconds },
    };

    private ReadOnlyMemory<byte> Encode(FactSubmission submission) => CommandCodec.EncodeFact(
        submission, submission.CommandId ?? _numbers.Next(), CommandStamp.None);

    private static CommitPart Begun(ReadOnlyMemory<byte> command, out CommitAnswer[] answers)
    {
        answers = new CommitAnswer[1];
        var part = new CommitPart(new[] { command }, answers);
        part.NextRequest();
        return part;
    }

    /// <summary>Commits what cannot join others at once, because no leader is known or there is no connection to it.</summary>
    private async Task<CommitAnswer> CommitAsync(ReadOnlyMemory<byte> command, CancellationToken cancellationToken)
    {
        var answers = new CommitAnswer[1];
        await CommitAsync(new CommitPart(new[] { command }, answers), cancellationToken);
        return answers[0];
    }

    private async Task CommitAsync(CommitPart part, CancellationToken cancellationToken, TimeSpan tried = default)
    {
        using var deadline = new Deadline(_options, cancellationToken, _closed.Token, tried: tried);
        while (await deadline.NextAttemptAsync())
        {
            try
            {
                ClientAnswer answer = await AskOnceAsync(part.NextRequest(), deadline.Attempt);
                part.Note(answer);
            }
            catch (AttemptFailedException failed)
            {
                part.NoteFailure(failed, deadline.IsOver);
            }

            if (part.IsSettled)
            {
                return;
            }
        }

        part.GiveUp();
    }

    /// <summary>
    /// Has the leader do what must not be asked for twice: another node is tried only as long as the request has certainly reached none.
    /// </summary>
    /// <param name="request">A new request each time.</param>
    /// <param name="read">The outcome in an answer; null when it is an answer to something else.</param>
    /// <param name="refused">The outcome when it was certainly not done: nobody had room for it (true), or nobody could be asked (false); and why.</param>
    /// <param name="unknown">The outcome when it may have been done; and why that is not known.</param>
    /// <param name="cancellationToken">Gives up; it may be done all the same.</param>
    private async Task<TOutcome> AskAtMostOnceAsync<TOutcome>(
        Func<ClientRequest> request,
        Func<ClientAnswer, TOutcome?> read,
        Func<bool, string, TOutcome> refused,
        Func<string, TOutcome> unknown,
        CancellationToken cancellationToken)
        where TOutcome : class
    {
        ObjectDisposedException.ThrowIf(_closed.IsCancellationRequested, this);
        if (!_places.Wait(0, CancellationToken.None))
        {
            return refused(true, Busy.Message);
        }

        try
        {
            using var deadline = new Deadline(_options, cancellationToken, _closed.Token);
            var lastHeard = new LastHeard();
            while (await deadline.NextAttemptAsync())
            {
                try
                {
                    // One attempt has all the time there is: the node itself says when it gives up.
                    ClientAnswer answer = await AskOnceAsync(request(), deadline.End);
                    return answer.AnswerCase == ClientAnswer.AnswerOneofCase.Unavailable
                        ? refused(true, answer.Unavailable.Message)
                        : Understand(answer, read);
                }
                catch (AttemptFailedException failed) when (failed.MayHaveArrived)
                {
                    cancellationToken.ThrowIfCancellationRequested();
                    return unknown(failed.Message);
                }
                catch (AttemptFailedException failed)
                {
                    lastHeard.Note(failed, deadline.IsOver);
                }
            }

            return refused(false, lastHeard.Message);
        }
        finally
        {
            _places.Release();
        }
    }

    /// <summary>Waits for records, as long as nodes answer at all.</summary>
    private async Task<IReadOnlyList<LedgerRecord>> FetchAsync(ulong from, CancellationToken cancellationToken)
    {
        while (true)
        {
            ClientAnswer answer = await AskPlacedAsync(() => RecordsRequest(from, SubscriptionPageRecords, RecordsWait), RecordsWait, cancellationToken);
            IReadOnlyList<LedgerRecord> records = Understand(
                answer, good => good.Records is { } page ? ClientMessageCodec.FromWire(page, from) : null);
            if (records.Count > 0)
            {
                return records;
            }
        }
    }

    private async Task<ClientAnswer> AskAsync(Func<ClientRequest> request, TimeSpan wait, CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(_closed.IsCancellationRequested, this);
        if (!_places.Wait(0, CancellationToken.None))
        {
            throw new SwarmUnavailableException(Busy.Reason, Busy.Message);
        }

        try
        {
            return await AskPlacedAsync(request, wait, cancellationToken);
        }
        finally
        {
            _places.Release();
        }
    }

    /// <summary>Asks one node after the other until one answers the question.</summary>
    private async Task<ClientAnswer> AskPlacedAsync(Func<ClientRequest> request, TimeSpan wait, CancellationToken cancellationToken)
    {
        using var deadline = new Deadline(_options, cancellationToken, _closed.Token, wait);
        var lastHeard = new LastHeard();
        while (await deadline.NextAttemptAsync())
        {
            try
            {
                ClientAnswer answer = await AskOnceAsync(request(), deadline.Attempt);
                if (answer.AnswerCase != ClientAnswer.AnswerOneofCase.Unavailable)
                {
                    return answer;
                }

                lastHeard.Note(Understand(answer.Unavailable, ClientMessageCodec.FromWire).Reason, answer.Unavailable.Message);
                if (lastHeard.Reason == NotCommittedReason.NoLease)
                {
                    // A setting of the whole swarm: no other node and no later moment changes it.
                    break;
                }
            }
            catch (AttemptFailedException failed)
            {
                lastHeard.Note(failed, deadline.IsOver);
            }
        }

        throw new SwarmUnavailableException(_closed.IsCancellationRequested ? NotCommittedReason.Stopping : lastHeard.Reason, lastHeard.Message);
    }

    /// <summary>One attempt with one node.</summary>
    /// <exception cref="AttemptFailedException">There is no answer.</exception>
    private async Task<ClientAnswer> AskOnceAsync(ClientRequest request, CancellationToken attempt)
    {
        NodeLink link = _nodes.Choose();
        try
        {
            NodeConnection connection = await ConnectAsync(link, attempt);
            ClientAnswer answer = await connection.AskAsync(request, attempt);
            if (KnowsNobody(answer))
            {
                link.NoteFailure();
            }
            else
            {
                link.NoteSuccess();
            }

            return answer;
        }
        catch (AttemptFailedException)
        {
            link.NoteFailure();
            throw;
        }
    }

    private static async Task<NodeConnection> ConnectAsync(NodeLink link, CancellationToken attempt)
    {
        Task<NodeConnection> connecting = link.ConnectAsync();
        try
        {
            return await connecting.WaitAsync(attempt);
        }
        catch (OperationCanceledException)
        {
            if (connecting.IsFaulted)
            {
                // Both came at once: what the node said wins.
                return await connecting;
            }

            throw new AttemptFailedException($"{link.Address} could not be reached in time.", mayHaveArrived: false) { WasCutShort = true };
        }
    }

    /// <summary>A node without a leader may be cut off from the others: they are asked first for a while.</summary>
    private static bool KnowsNobody(ClientAnswer answer) => answer.Leader is not { Node: not 0 };

    private static TResult Understand<T, TResult>(T answer, Func<T, TResult?> read)
        where TResult : class
    {
        try
        {
            return read(answer) ?? throw NotUnderstood(answer);
        }
        catch (FrameException e)
        {
            throw new SwarmProtocolException(e.Message);
        }
    }

    private static SwarmProtocolException NotUnderstood<T>(T answer) => answer is ClientAnswer { Fault: { } fault }
        ? new SwarmProtocolException($"The node did not understand the request ({fault.Code}): {fault.Message}")
        : new SwarmProtocolException("The node answered something else than it was asked.");
}
