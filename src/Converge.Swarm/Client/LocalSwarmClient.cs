using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using Converge.Core;
using Converge.Swarm.Actors;
using Converge.Swarm.Governance;
using Converge.Swarm.Hosting;
using Converge.Swarm.Ledger;

namespace Converge.Swarm;

/// <summary>The client of a node in the same process. Whatever the node's role, it answers for the swarm.</summary>
/// <param name="post">Puts a message into the node actor's mailbox; false when there is no room.</param>
/// <param name="ledger">The node's ledger, for reading what never changes.</param>
/// <param name="news">Wakes subscribers; the host tells it every event.</param>
/// <param name="metrics">Adds the node's numbers to its status; null where nobody counts.</param>
internal sealed class LocalSwarmClient(Func<NodeMessage, bool> post, GovernanceLedger ledger, NodeNews news, NodeMetrics? metrics = null) : ISwarmClient
{
    /// <summary>More records than this are not read at once.</summary>
    public const int MaxReadRecords = 10_000;

    /// <summary>So many records are held for a subscriber at most; the rest waits in the ledger.</summary>
    private const int SubscriptionPageRecords = 256;

    private const string Stopped = "The node does not answer any more.";

    private static readonly FactNotCommitted Busy = new(NotCommittedReason.Busy, "Too much is waiting on this node.");

    private static readonly FactNotCommitted Stopping = new(NotCommittedReason.Stopping, Stopped);

    public async Task<CommitAnswer> CommitAsync(FactSubmission submission, CancellationToken cancellationToken = default) =>
        (await CommitAsync([submission], cancellationToken))[0];

    public async Task<IReadOnlyList<CommitAnswer>> CommitAsync(IReadOnlyList<FactSubmission> submissions, CancellationToken cancellationToken = default)
    {
        if (submissions.Count == 0)
        {
            return [];
        }

        var commands = new UnstampedCommand[submissions.Count];
        for (int i = 0; i < commands.Length; i++)
        {
            commands[i] = new UnstampedCommand(CommandCodec.EncodeFact(submissions[i], CommandStamp.None), submissions[i].Lamport?.Counter ?? 0);
        }

        var reply = new TaskReply<IReadOnlyList<CommitAnswer>>();
        if (!post(new NodeMessage.Submit(commands, reply)))
        {
            var answers = new CommitAnswer[commands.Length];
            Array.Fill(answers, Refusal);
            return answers;
        }

        return await reply.Task.WaitAsync(cancellationToken);
    }

    public Task<IReadOnlyList<LedgerRecord>> ReadAsync(ulong fromSequence, int limit, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        IReadOnlyList<LedgerRecord> records = limit <= 0
            ? []
            : [.. ReadPage(Math.Max(1, fromSequence), Math.Min(limit, MaxReadRecords)).Select(LedgerRecordCodec.Decode)];
        return Task.FromResult(records);
    }

    public async IAsyncEnumerable<LedgerRecord> SubscribeAsync(
        ulong fromSequence, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ulong next = Math.Max(1, fromSequence);
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            Task<bool> later = news.Next;
            IReadOnlyList<EncodedRecord> page = ReadPage(next, SubscriptionPageRecords);
            foreach (EncodedRecord record in page)
            {
                yield return LedgerRecordCodec.Decode(record);
                next = record.Sequence + 1;
            }

            if (page.Count == 0 && !await later.WaitAsync(cancellationToken))
            {
                throw new SwarmUnavailableException(NotCommittedReason.Stopping, Stopped);
            }
        }
    }

    public Task<ProposalView?> GetProposalAsync(string proposalId, ReadConsistency consistency = ReadConsistency.Linearizable, CancellationToken cancellationToken = default)
    {
        var reply = new TaskReply<QueryAnswer<ProposalView?>>();
        return AskAsync(new StateMachineMessage.GetProposal(proposalId, reply), consistency, reply, cancellationToken);
    }

    public async Task<LedgerHead> GetHeadAsync(ReadConsistency consistency = ReadConsistency.Stale, CancellationToken cancellationToken = default)
    {
        var reply = new TaskReply<QueryAnswer<LedgerHead>>();
        return (await AskAsync(new StateMachineMessage.GetHead(reply), consistency, reply, cancellationToken))!;
    }

    public async Task<SwarmStatus> GetStatusAsync(CancellationToken cancellationToken = default)
    {
        var reply = new TaskReply<SwarmStatus>();
        SwarmStatus status = post(new NodeMessage.GetStatus(reply))
            ? await reply.Task.WaitAsync(cancellationToken)
            : throw new SwarmUnavailableException(Refusal.Reason, Refusal.Message);
        return metrics is null ? status : metrics.AddTo(status);
    }

    public async Task<LeadershipTransfer> TransferLeadershipAsync(NodeId? to = null, CancellationToken cancellationToken = default)
    {
        var reply = new TaskReply<LeadershipTransfer>();
        return post(new NodeMessage.TransferLeadership(to ?? NodeId.None, reply))
            ? await reply.Task.WaitAsync(cancellationToken)
            : new LeadershipTransferRefused(news.IsClosed ? TransferRefusal.Stopping : TransferRefusal.Busy, Refusal.Message);
    }

    /// <summary>Why a message was not taken.</summary>
    private FactNotCommitted Refusal => news.IsClosed ? Stopping : Busy;

    public Task<SwarmMembers> GetMembersAsync(CancellationToken cancellationToken = default)
    {
        var reply = new TaskReply<SwarmMembers>();
        return post(new NodeMessage.GetMembers(reply))
            ? reply.Task.WaitAsync(cancellationToken)
            : throw new SwarmUnavailableException(Refusal.Reason, Refusal.Message);
    }

    public async Task<MembershipOutcome> ChangeMembersAsync(ImmutableArray<MembershipStep> steps, CancellationToken cancellationToken = default)
    {
        var reply = new TaskReply<MembershipOutcome>();
        return post(new NodeMessage.ChangeMembers(steps, reply))
            ? await reply.Task.WaitAsync(cancellationToken)
            : new MembershipNotChanged(news.IsClosed ? MembershipRefusal.Stopping : MembershipRefusal.Busy, Refusal.Message);
    }

    private IReadOnlyList<EncodedRecord> ReadPage(ulong fromSequence, int limit) => UnlessEnded(() => ledger.Read(fromSequence, limit));

    private static T UnlessEnded<T>(Func<T> read)
    {
        try
        {
            return read();
        }
        catch (ObjectDisposedException)
        {
            throw new SwarmUnavailableException(NotCommittedReason.Stopping, Stopped);
        }
    }

    public Task<LedgerReceipt> GetReceiptAsync(ulong sequence, ulong? size = null, CancellationToken cancellationToken = default) =>
        ProveAsync(Math.Max(sequence, size ?? 0), () => ledger.Receipt(sequence, size), cancellationToken);

    public Task<InclusionProof> GetInclusionProofAsync(ulong sequence, ulong? size = null, CancellationToken cancellationToken = default) =>
        ProveAsync(Math.Max(sequence, size ?? 0), () => ledger.ProveInclusion(sequence, size), cancellationToken);

    public Task<ConsistencyProof> GetConsistencyProofAsync(ulong from, ulong? to = null, CancellationToken cancellationToken = default) =>
        ProveAsync(Math.Max(from, to ?? 0), () => ledger.ProveConsistency(from, to), cancellationToken);

    /// <summary>
    /// What another node has acknowledged may not be applied here yet: whoever asks about a record that is not here waits until this
    /// node has everything that was committed when they asked.
    /// </summary>
    private async Task<T> ProveAsync<T>(ulong lastWanted, Func<T> prove, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (lastWanted > ledger.LastSequence)
        {
            await GetHeadAsync(ReadConsistency.Linearizable, cancellationToken);
        }

        return UnlessEnded(prove);
    }

    private async Task<T?> AskAsync<T>(StateMachineMessage.Query query, ReadConsistency consistency, TaskReply<QueryAnswer<T>> reply, CancellationToken cancellationToken)
    {
        if (!post(new NodeMessage.Read(query, consistency)))
        {
            throw new SwarmUnavailableException(Refusal.Reason, Refusal.Message);
        }

        QueryAnswer<T> answer = await reply.Task.WaitAsync(cancellationToken);
        return answer.Reason is { } reason
            ? throw new SwarmUnavailableException(reason, answer.Message ?? reason.Name())
            : answer.Value;
    }
}
