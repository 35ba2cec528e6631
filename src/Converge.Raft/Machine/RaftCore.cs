using System.Collections.Immutable;
using Converge.Core;

namespace Converge.Raft;

/// <summary>
/// The state of the protocol and its rules. Takes messages, ticks and requests one at a time; answers by filling its output lists. The
/// parts: terms and elections (<c>Election</c>), a follower's log (<c>Follower</c>), a leader's followers (<c>Replication</c>), proposals,
/// reads, membership and leadership transfer, each in a file of its own.
/// </summary>
internal sealed partial class RaftCore
{
    private readonly RaftOptions _options;
    private readonly RaftLog _log;
    private readonly OutputList<Message> _messages;
    private readonly OutputList<Message> _messagesAfterAppend;
    private readonly OutputList<ReadState> _readStates;
    private Membership _membership;
    private NodeId _leader;
    private int _heartbeatElapsed;
    private int _electionElapsed;
    private int _electionTimeout;
    private int _leaderlessTicks;

    /// <summary>After a restart with leases in use: for so long the node may have promised, before it stopped, to elect nobody.</summary>
    private int _loyaltyTicksLeft;

    private int _storageStalledTicks;
    private LogIndex _storageProgress;

    public RaftCore(RaftOptions options, IRaftStorage storage)
    {
        _options = options;
        _log = new RaftLog(storage, options.MaxCommittedBytesPerReady);
        _messages = new OutputList<Message>();
        _messagesAfterAppend = new OutputList<Message>();
        _readStates = new OutputList<ReadState>();
        _pendingReads = new PendingReads(options.MaxPendingReads);
        _leaseRounds = new LeaseRounds(options);

        InitialState initial = storage.InitialState();
        _membership = Membership.Restore(initial.Configuration, _log.LastIndex, options);
        if (!initial.HardState.IsEmpty)
        {
            Term = initial.HardState.Term;
            Vote = initial.HardState.Vote;
            _loyaltyTicksLeft = options.ReadMode == ReadMode.LeaseBased ? options.ElectionTicks : 0;
        }

        // The stored commit index may lag behind what was applied, and even behind what was compacted: it is written without haste.
        _log.Load(LogIndex.Max(initial.HardState.Commit, options.Applied), options.Applied);

        BecomeFollower(Term, NodeId.None);
    }

    private RaftCore(RaftCore other, IRaftStorage storage)
    {
        _options = other._options;
        _log = other._log.Clone(storage);
        _messages = other._messages.Clone();
        _messagesAfterAppend = other._messagesAfterAppend.Clone();
        _readStates = other._readStates.Clone();
        _pendingReads = other._pendingReads.Clone();
        _leaseRounds = other._leaseRounds.Clone();
        _membership = other._membership.Clone();
        _leader = other._leader;
        _heartbeatElapsed = other._heartbeatElapsed;
        _electionElapsed = other._electionElapsed;
        _electionTimeout = other._electionTimeout;
        _leaderlessTicks = other._leaderlessTicks;
        _loyaltyTicksLeft = other._loyaltyTicksLeft;
        _storageStalledTicks = other._storageStalledTicks;
        _storageProgress = other._storageProgress;
        _pendingConfigurationIndex = other._pendingConfigurationIndex;
        _uncommittedBytes = other._uncommittedBytes;
        _round = other._round;
        _isRoundOpen = other._isRoundOpen;
        _isLeaseVoid = other._isLeaseVoid;
        _isTermEstablished = other._isTermEstablished;
        _yieldPause = other._yieldPause;
        _failedYields = other._failedYields;
        _isYielding = other._isYielding;
        Term = other.Term;
        Vote = other.Vote;
        Role = other.Role;
        TransferTarget = other.TransferTarget;
    }

    public NodeId Id => _options.Id;

    /// <summary>The greatest term seen.</summary>
    public Term Term { get; private set; }

    /// <summary>For whom this node voted in its term.</summary>
    public NodeId Vote { get; private set; }

    public RaftRole Role { get; private set; }

    public NodeId Leader => _leader;

    /// <summary>On a leader that hands over: to whom.</summary>
    public NodeId TransferTarget { get; private set; }

    public RaftLog Log => _log;

    public Membership Membership => _membership;

    public OutputList<Message> Messages => _messages;

    /// <summary>What may be sent only once all that was handed out for writing so far is durable; messages to this node itself included.</summary>
    public OutputList<Message> MessagesAfterAppend => _messagesAfterAppend;

    public OutputList<ReadState> ReadStates => _readStates;

    public SoftState SoftState => new(_leader, Role);

    public HardState HardState => new(Term, Vote, _log.Committed);

    /// <summary>Ticks until this node campaigns, counted from the last sign of a leader; drawn anew with each term and role.</summary>
    public int ElectionTimeout
    {
        get => _electionTimeout;
        set => _electionTimeout = value;
    }

    /// <summary>Ticks since the last sign of a leader, or since the last vote granted.</summary>
    public int ElectionElapsedTicks => _electionElapsed;

    public RaftCore Clone(IRaftStorage storage) => new(this, storage);

    public RaftStatus Status()
    {
        ImmutableArray<FollowerProgress> progress = [];
        if (Role == RaftRole.Leader)
        {
            ReadOnlySpan<MemberProgress> members = _membership.Members;
            ImmutableArray<FollowerProgress>.Builder builder = ImmutableArray.CreateBuilder<FollowerProgress>(members.Length);
            foreach (MemberProgress member in members)
            {
                builder.Add(FollowerProgress.Of(member));
            }

            progress = builder.MoveToImmutable();
        }

        return new RaftStatus(
            Id, Term, Vote, _log.Committed, _log.Applied, _log.LastIndex, Role, _leader, TransferTarget, _membership.Configuration, progress);
    }

    public void Tick()
    {
        _log.ResumeReading();
        _loyaltyTicksLeft = Math.Max(0, _loyaltyTicksLeft - 1);
        TickStorage();
        if (Role == RaftRole.Leader)
        {
            TickLeader();
        }
        else
        {
            TickElection();
        }
    }

    public StepResult Step(in Message message)
    {
        if (message.Term >= Term && message.Kind is MessageKind.Vote or MessageKind.PreVote && IsIgnoredCandidate(message, out StepResult ignored))
        {
            return ignored;
        }

        if (message.Term > Term)
        {
            ObserveHigherTerm(message);
        }
        else if (message.Term < Term && message.Term != Term.Zero)
        {
            AnswerLowerTerm(message);
            return StepResult.Accepted;
        }

        switch (message.Kind)
        {
            case MessageKind.StorageAppendResp:
                OnStorageAppended(message);
                return StepResult.Accepted;
            case MessageKind.StorageApplyResp:
                OnStorageApplied(message.Entries.Span);
                return StepResult.Accepted;
            case MessageKind.Vote or MessageKind.PreVote:
                return OnVoteRequest(message);
            case MessageKind.Propose:
                return OnProposal(message) == ProposeResult.Accepted ? StepResult.Accepted : StepResult.ProposalDropped;
            case MessageKind.ReadIndex:
                OnReadIndex(message.From, message.Context, message.Reject);
                return StepResult.Accepted;
            case MessageKind.TransferLeader:
                OnTransferLeader(message.From);
                return StepResult.Accepted;
            default:
                return Role switch
                {
                    RaftRole.Leader => StepLeader(message),
                    RaftRole.Follower => StepFollower(message),
                    RaftRole.Candidate or RaftRole.PreCandidate => StepCandidate(message),
                    _ => throw new InvariantViolationException($"There is no role {Role}."),
                };
        }
    }

    /// <summary>The output so far was handed over: a heartbeat round that was in it is on its way.</summary>
    public void OutputTaken() => _isRoundOpen = false;

    public void Fingerprint(ref StateFingerprint fingerprint)
    {
        fingerprint.Add(Id);
        fingerprint.Add(Term.Value);
        fingerprint.Add(Vote);
        fingerprint.Add((ulong)Role);
        fingerprint.Add(_leader);
        fingerprint.Add(TransferTarget);
        fingerprint.Add(_heartbeatElapsed);
        fingerprint.Add(_electionElapsed);
        fingerprint.Add(_electionTimeout);
        fingerprint.Add(_leaderlessTicks);
        fingerprint.Add(_loyaltyTicksLeft);
        fingerprint.Add(_storageStalledTicks);
        fingerprint.Add(_storageProgress.Value);
        fingerprint.Add(_pendingConfigurationIndex.Value);
        fingerprint.Add((ulong)_uncommittedBytes);
        fingerprint.Add(_round);
        fingerprint.Add(_isRoundOpen);
        fingerprint.Add(_isLeaseVoid);
        fingerprint.Add(_isTermEstablished);
        fingerprint.Add(_yieldPause);
        fingerprint.Add(_failedYields);
        fingerprint.Add(_isYielding);
        _log.Fingerprint(ref fingerprint);
        _membership.Fingerprint(ref fingerprint, Role == RaftRole.Leader);
        _pendingReads.Fingerprint(ref fingerprint);
        _leaseRounds.Fingerprint(ref fingerprint);
        Add(ref fingerprint, _messages.Items);
        Add(ref fingerprint, _messagesAfterAppend.Items);
        foreach (ReadState read in _readStates.Items)
        {
            fingerprint.Add(read.Index.Value);
            fingerprint.Add(read.Context);
        }

        static void Add(ref StateFingerprint fingerprint, ReadOnlySpan<Message> messages)
        {
            fingerprint.Add(messages.Length);
            foreach (ref readonly Message message in messages)
            {
                fingerprint.Add(message);
            }
        }
    }

    private MemberProgress? Self() => _membership.Find(Id);

    /// <summary>For another node, at once: it promises nothing that must be durable here first.</summary>
    private void Send(in Message message)
    {
        Invariant.Check(message.To != Id, $"{Id} would send {message.Kind} to itself.");
        _messages.Add(message);
    }

    /// <summary>
    /// For another node or this one, after everything that was handed out for writing is durable: votes and acknowledgements, rejections
    /// included, since what they are based on may not be durable yet (Raft paper, figure 2; Ongaro's thesis, section 3.8).
    /// </summary>
    private void SendAfterAppend(in Message message) => _messagesAfterAppend.Add(message);

    private void OnStorageAppended(in Message message)
    {
        if (message.Index > LogIndex.Zero)
        {
            _log.Stable(message.Index, message.LogTerm);
        }

        if (message.Snapshot is { } snapshot)
        {
            SnapshotInstalled(snapshot);
        }
    }

    private void SnapshotInstalled(Snapshot snapshot)
    {
        _log.StableSnapshot(snapshot.Index);
        if (snapshot.Index > _log.Applied)
        {
            // Not earlier: entries before the snapshot may have been under way to the state machine, and with them changes of members that
            // belong on top of the configuration of their time.
            AppliedTo(snapshot.Index, 0);
            SwitchTo(Membership.Restore(snapshot.Configuration, _log.LastIndex, _options));
        }
    }

    private void OnStorageApplied(ReadOnlySpan<Entry> entries)
    {
        if (entries.IsEmpty)
        {
            return;
        }

        AppliedTo(entries[^1].Index, Entry.TotalSizeBytes(entries));

        // Counted from proposal to application; the count is an estimate after a change of leaders and must not go below nothing.
        _uncommittedBytes = Math.Max(0, _uncommittedBytes - Entry.TotalDataBytes(entries));
    }

    private void AppliedTo(LogIndex index, long bytes)
    {
        _log.AppliedTo(LogIndex.Max(index, _log.Applied), bytes);
        if (Role == RaftRole.Leader && _membership.Configuration.AutoLeave && _log.Applied >= _pendingConfigurationIndex)
        {
            // May be refused, by a transfer for instance: tried again with every entry that is applied, by whoever leads then.
            ProposeLeavingJoint();
        }
    }

    private void TickStorage()
    {
        if (_options.StalledStorageTicks == 0)
        {
            return;
        }

        if (!_log.HasUnstableEntries || _log.FirstUnstable != _storageProgress)
        {
            _storageProgress = _log.FirstUnstable;
            _storageStalledTicks = 0;
            return;
        }

        _storageStalledTicks++;
        if (IsStorageStalled && Role == RaftRole.Leader)
        {
            BecomeFollower(Term, NodeId.None);
        }
    }

    private bool IsStorageStalled => _options.StalledStorageTicks > 0 && _storageStalledTicks >= _options.StalledStorageTicks;
}
