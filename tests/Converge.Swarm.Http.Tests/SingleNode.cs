using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using Converge.Core;
using Converge.Swarm.Governance;
using Converge.Swarm.Ledger;

namespace Converge.Swarm.Http.Tests;

/// <summary>
/// A swarm of one in memory, on the real governance state: its answers, records and views are those of a node. What it answers can be
/// replaced, for what only a troubled swarm would say.
/// </summary>
internal sealed class SingleNode : ISwarmClient
{
    private static readonly NodeId Self = new(1);
    private static readonly Term OnlyTerm = new(1);

    private readonly Lock _gate = new();
    private volatile Exception? _streamFault;
    private readonly GovernanceState _state = new();
    private readonly List<LedgerRecord> _records = [];
    private volatile TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _milliseconds = 1_700_000_000_000;

    /// <summary>Answers in the state's place, when set.</summary>
    public Func<FactSubmission, CommitAnswer?>? Answer { get; set; }

    /// <summary>Thrown by everything, when set.</summary>
    public Exception? Fault { get; set; }

    /// <summary>Thrown in place of every proof, when set.</summary>
    public Exception? ProofFault { get; set; }

    /// <summary>Awaited before anything is answered.</summary>
    public Func<CancellationToken, Task> Before { get; set; } = _ => Task.CompletedTask;

    /// <summary>What <see cref="GetStatusAsync"/> makes of the status.</summary>
    public Func<SwarmStatus, SwarmStatus> Status { get; set; } = status => status;

    /// <summary>The consistency of the last read.</summary>
    public ReadConsistency? LastConsistency { get; private set; }

    /// <summary>Told from where each subscription begins.</summary>
    public Action<ulong> Subscribing { get; set; } = _ => { };

    /// <summary>What every change of members comes to.</summary>
    public MembershipOutcome Membership { get; set; } = new MembershipChanged(new LogIndex(7), new Term(2), [Self], [new NodeId(4)]);

    /// <summary>The change that was asked for last.</summary>
    public ImmutableArray<MembershipStep> StepsWanted { get; private set; } = [];

    public SwarmMembers Members { get; } = new()
    {
        Node = Self,
        Leader = Self,
        ChangedAt = new LogIndex(5),
        Changing = false,
        Members =
        [
            new MemberView(Self, MemberRole.Voter, MemberRole.Voter, "127.0.0.1:7201", "http://127.0.0.1:7101", false, true, new LogIndex(9)),
            new MemberView(new NodeId(4), MemberRole.Learner, MemberRole.Voter, "127.0.0.1:7204", null, false, false, null),
        ],
        Removed = [new NodeId(2)],
        Warnings = ["Two are few."],
    };

    /// <summary>What a wish to transfer the leadership comes to.</summary>
    public LeadershipTransfer Transfer { get; set; } = new LeadershipTransferred(Self, OnlyTerm);

    /// <summary>Who was wanted as leader last.</summary>
    public NodeId? TransferWanted { get; private set; }

    /// <summary>How many facts came in together, call by call.</summary>
    public List<int> Batches { get; } = [];

    public async Task<CommitAnswer> CommitAsync(FactSubmission submission, CancellationToken cancellationToken = default) =>
        (await CommitAsync([submission], cancellationToken))[0];

    public async Task<IReadOnlyList<CommitAnswer>> CommitAsync(IReadOnlyList<FactSubmission> submissions, CancellationToken cancellationToken = default)
    {
        await EnterAsync(cancellationToken);
        lock (_gate)
        {
            Batches.Add(submissions.Count);
            return [.. submissions.Select(submission => Answer?.Invoke(submission) ?? Apply(submission))];
        }
    }

    public async Task<IReadOnlyList<LedgerRecord>> ReadAsync(ulong fromSequence, int limit, CancellationToken cancellationToken = default)
    {
        await EnterAsync(cancellationToken);
        lock (_gate)
        {
            return [.. _records.Where(record => record.Sequence >= fromSequence).Take(limit)];
        }
    }

    public async Task<ProposalView?> GetProposalAsync(
        string proposalId, ReadConsistency consistency = ReadConsistency.Linearizable, CancellationToken cancellationToken = default)
    {
        await EnterAsync(cancellationToken);
        lock (_gate)
        {
            LastConsistency = consistency;
            return _state.Get(proposalId);
        }
    }

    public async Task<LedgerHead> GetHeadAsync(ReadConsistency consistency = ReadConsistency.Stale, CancellationToken cancellationToken = default)
    {
        await EnterAsync(cancellationToken);
        lock (_gate)
        {
            LastConsistency = consistency;
            return Head();
        }
    }

    public async IAsyncEnumerable<LedgerRecord> SubscribeAsync(
        ulong fromSequence, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        await EnterAsync(cancellationToken);
        Subscribing(fromSequence);
        for (ulong next = fromSequence; ;)
        {
            Task changed;
            LedgerRecord? record;
            lock (_gate)
            {
                changed = _changed.Task;
                record = _records.Find(candidate => candidate.Sequence == next);
            }

            if (record is null)
            {
                await (_streamFault is null ? changed.WaitAsync(cancellationToken) : throw _streamFault);
            }
            else
            {
                next++;
                yield return record;
            }
        }
    }

    public async Task<SwarmMembers> GetMembersAsync(CancellationToken cancellationToken = default)
    {
        await Task.Yield();
        return Members;
    }

    public async Task<MembershipOutcome> ChangeMembersAsync(ImmutableArray<MembershipStep> steps, CancellationToken cancellationToken = default)
    {
        await Task.Yield();
        StepsWanted = steps;
        return Membership;
    }

    public async Task<LeadershipTransfer> TransferLeadershipAsync(NodeId? to = null, CancellationToken cancellationToken = default)
    {
        await EnterAsync(cancellationToken);
        TransferWanted = to;
        return Transfer;
    }

    /// <summary>From now on subscriptions end with a fault, once they have given what is there.</summary>
    public void EndSubscriptions(Exception fault)
    {
        _streamFault = fault;
        Wake();
    }

    public async Task<SwarmStatus> GetStatusAsync(CancellationToken cancellationToken = default)
    {
        await EnterAsync(cancellationToken);
        lock (_gate)
        {
            return Status(new SwarmStatus
            {
                Cluster = "test",
                Node = Self,
                Role = NodeRole.Leader,
                Term = OnlyTerm,
                Leader = Self,
                CommitIndex = _state.AppliedIndex,
                AppliedIndex = _state.AppliedIndex,
                DurableIndex = _state.AppliedIndex,
                FirstIndex = new LogIndex(2),
                LastIndex = _state.AppliedIndex,
                Digest = _state.Digest.ToString(),
                Ledger = Head(),
                Proposals = _state.ProposalCount,
                Sessions = _state.SessionCount,
                Members = [new MemberAddress(Self, "127.0.0.1:7201", "http://127.0.0.1:7101", true)],
                Progress = [new MemberProgress(Self, "replicate", _state.AppliedIndex, true, false)],
                Ready = true,
                Problems = [],
                Version = "0.0.0-test",
            });
        }
    }

    /// <summary>Records a fact as if its answer had got lost on the way. Only from within <see cref="Answer"/>.</summary>
    public void ApplyUnseen(FactSubmission submission) => Apply(submission);

    public async Task<LedgerReceipt> GetReceiptAsync(ulong sequence, ulong? size = null, CancellationToken cancellationToken = default)
    {
        InclusionProof proof = await GetInclusionProofAsync(sequence, size, cancellationToken);
        lock (_gate)
        {
            LedgerRecord last = _records[(int)proof.Size - 1];
            return new LedgerReceipt(_records[(int)sequence - 1], new LedgerHead(proof.Size, last.Hash, proof.Root, last.Index, last.Term), proof.Path);
        }
    }

    public async Task<InclusionProof> GetInclusionProofAsync(ulong sequence, ulong? size = null, CancellationToken cancellationToken = default)
    {
        await EnterAsync(cancellationToken);
        ThrowProofFault();
        lock (_gate)
        {
            ulong records = size ?? (ulong)_records.Count;
            CheckRange(sequence, records);
            return new InclusionProof(
                sequence, records, LeafAt(sequence - 1).ToString(), Texts(MerkleTree.InclusionProof(LeafAt, sequence - 1, records)), RootOf(records));
        }
    }

    public async Task<ConsistencyProof> GetConsistencyProofAsync(ulong from, ulong? to = null, CancellationToken cancellationToken = default)
    {
        await EnterAsync(cancellationToken);
        ThrowProofFault();
        lock (_gate)
        {
            ulong records = to ?? (ulong)_records.Count;
            CheckRange(from, records);
            return new ConsistencyProof(from, records, RootOf(from), RootOf(records), Texts(MerkleTree.ConsistencyProof(LeafAt, from, records)));
        }
    }

    private static string[] Texts(IEnumerable<Hash256> hashes) => [.. hashes.Select(hash => hash.ToString())];

    private void ThrowProofFault()
    {
        if (ProofFault is not null)
        {
            throw ProofFault;
        }
    }

    private void CheckRange(ulong first, ulong second)
    {
        if (Math.Max(first, second) > (ulong)_records.Count)
        {
            throw new LedgerRangeException("size", isBeyondLedger: true, "The ledger is not that long.");
        }

        if (first > second)
        {
            throw new LedgerRangeException("size", isBeyondLedger: false, "It is not among them.");
        }
    }

    private Hash256 LeafAt(ulong leaf) => Hash256.TryParse(_records[(int)leaf].Hash, out Hash256 hash) ? hash : throw new InvalidOperationException("Not a hash.");

    private string RootOf(ulong size) => MerkleTree.Root(LeafAt, size).ToString();

    private async Task EnterAsync(CancellationToken cancellationToken)
    {
        await Before(cancellationToken);
        if (Fault is not null)
        {
            throw Fault;
        }
    }

    private void Wake()
    {
        lock (_gate)
        {
            TaskCompletionSource waited = _changed;
            _changed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            waited.SetResult();
        }
    }

    private LedgerHead Head() => new(
        _state.LastSequence, _state.LastHash.ToString(), RootOf(_state.LastSequence), _records.Count == 0 ? LogIndex.Zero : _records[^1].Index, OnlyTerm);

    private CommitAnswer Apply(FactSubmission submission)
    {
        CommandStamp stamp = Stamper.Next(_state.LastStamp, _milliseconds++, Self, submission.Lamport?.Counter ?? 0);
        ApplyOutcome outcome = _state.Apply(_state.AppliedIndex.Next, OnlyTerm, CommandCodec.EncodeFact(submission, stamp));
        if (_state.CopyRecord() is { } record)
        {
            _records.Add(LedgerRecordCodec.Decode(record));
            Wake();
        }

        return outcome.ToAnswer() ?? throw new InvalidOperationException("A fact was applied without an answer.");
    }
}
