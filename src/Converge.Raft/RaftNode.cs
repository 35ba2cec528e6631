using Converge.Core;

namespace Converge.Raft;

/// <summary>
/// One node's part in the Raft protocol, as a state machine: messages, ticks and requests go in, <see cref="Ready"/> comes out. It does no
/// I/O, reads no clock, starts no thread and draws random numbers only from <see cref="RaftOptions.Random"/>.
/// </summary>
/// <remarks>
/// <para>A host calls it from one thread at a time and repeats: hand in what has happened, and while <see cref="HasReady"/>, take
/// <see cref="Ready()"/> and do what it says.</para>
/// <para><b>Asynchronous storage</b> (<see cref="RaftOptions.AsyncStorageWrites"/>): send each message to whom it is addressed, local targets
/// included, and go on at once. The append target makes hard state (<see cref="Message.Term"/>, <see cref="Message.Vote"/>,
/// <see cref="Message.Commit"/>, when the term is not zero), entries and snapshot durable in the order of the messages, and then sends the
/// responses, in their order, to whom they are addressed, this node included (<see cref="Step"/>). The apply target applies the entries in
/// order, has changes of members put in force with <see cref="ApplyConfigurationChange(in Entry, out ConfigurationFault)"/>, and sends the responses in
/// the same way. No response may be lost while the node lives. A snapshot may be handed out while entries that it stands for are still
/// being applied: the host installs it between two entries, and from then on skips entries up to it, answering all the same.</para>
/// <para><b>Synchronous storage</b>: write hard state, entries and snapshot, then send the messages and apply the committed entries, then
/// call <see cref="Advance"/>. The next <see cref="Ready()"/> may only be taken after that.</para>
/// <para>When a method throws <see cref="InvariantViolationException"/>, or what the storage threw, the node must not be used any more.</para>
/// </remarks>
public sealed class RaftNode
{
    private readonly RaftOptions _options;
    private readonly RaftCore _core;
    private readonly List<Message> _stepsOnAdvance;
    private SoftState _lastSoftState;
    private HardState _lastHardState;
    private bool _mustAdvance;

    /// <summary>A node as its storage remembers it; a follower of nobody.</summary>
    /// <param name="options">The settings.</param>
    /// <param name="storage">The durable log.</param>
    /// <exception cref="ArgumentException">Some settings are wrong; <see cref="RaftOptions.Validate"/> names them all.</exception>
    /// <exception cref="InvariantViolationException">What the storage holds contradicts itself or <see cref="RaftOptions.Applied"/>.</exception>
    public RaftNode(RaftOptions options, IRaftStorage storage)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(storage);
        if (options.Validate() is { Count: > 0 } faults)
        {
            throw new ArgumentException(string.Join(' ', faults.Select(fault => $"{fault.Option}: {fault.Message}")), nameof(options));
        }

        _options = options;
        _core = new RaftCore(options, storage);
        _stepsOnAdvance = [];
        _lastSoftState = _core.SoftState;
        _lastHardState = _core.HardState;
    }

    private RaftNode(RaftNode other, IRaftStorage storage)
    {
        _options = other._options;
        _core = other._core.Clone(storage);
        _stepsOnAdvance = [.. other._stepsOnAdvance];
        _lastSoftState = other._lastSoftState;
        _lastHardState = other._lastHardState;
        _mustAdvance = other._mustAdvance;
    }

    /// <summary>The node's identity.</summary>
    public NodeId Id => _core.Id;

    /// <summary>The node's role.</summary>
    public RaftRole Role => _core.Role;

    /// <summary>The greatest term seen.</summary>
    public Term Term => _core.Term;

    /// <summary>The leader of <see cref="Term"/> as far as known; <see cref="NodeId.None"/> otherwise.</summary>
    public NodeId Leader => _core.Leader;

    /// <summary>The greatest index known to be committed.</summary>
    public LogIndex CommitIndex => _core.Log.Committed;

    /// <summary>The greatest index that is applied.</summary>
    public LogIndex AppliedIndex => _core.Log.Applied;

    /// <summary>The end of the log, durable or not.</summary>
    public LogIndex LastIndex => _core.Log.LastIndex;

    /// <summary>The configuration in force.</summary>
    public ConfigurationState Configuration => _core.Membership.Configuration;

    /// <summary>True when <see cref="Ready()"/> would not be empty.</summary>
    public bool HasReady =>
        _core.Messages.Count > 0
        || _core.MessagesAfterAppend.Count > 0
        || _core.Log.HasNextUnstableEntries
        || _core.Log.HasNextCommittedEntries(AppliesUnstable)
        || _core.HardState != _lastHardState
        || _core.SoftState != _lastSoftState
        || _core.ReadStates.Count > 0
        || _core.Log.NextSnapshot is not null;

    private bool AppliesUnstable => !_options.AsyncStorageWrites;

    internal RaftCore Machine => _core;

    /// <summary>A tick of the host's clock has passed. All timeouts are counted in these.</summary>
    public void Tick() => _core.Tick();

    /// <summary>Proposes one entry. It is decided once it appears among the committed entries, and may be lost until then.</summary>
    /// <param name="data">The entry's data; must not be written to any more.</param>
    public ProposeResult Propose(ReadOnlyMemory<byte> data) => _core.Propose(new ReadOnlySpan<ReadOnlyMemory<byte>>(in data));

    /// <summary>Proposes several entries in this order, all or none: cheaper than one by one, since they travel together.</summary>
    /// <param name="batch">The data of each entry; must not be written to any more.</param>
    public ProposeResult Propose(ReadOnlySpan<ReadOnlyMemory<byte>> batch) => _core.Propose(batch);

    /// <summary>Proposes a change of members. One at a time may be pending.</summary>
    /// <param name="change">The change.</param>
    public ProposeResult ProposeConfigurationChange(ConfigurationChange change)
    {
        ArgumentNullException.ThrowIfNull(change);
        return _core.ProposeConfigurationChange(change);
    }

    /// <summary>Puts a change in force. To be called for every committed entry that changes the configuration, in its place among the others.</summary>
    /// <param name="change">What <see cref="ConfigurationChange.Decode"/> made of the entry.</param>
    /// <returns>The configuration in force from this entry on; the one before it when the change does not fit, on every node alike.</returns>
    public ConfigurationState ApplyConfigurationChange(ConfigurationChange change) => ApplyConfigurationChange(change, out _);

    /// <summary>Puts a change in force, and says why not when it does not fit.</summary>
    /// <param name="change">What <see cref="ConfigurationChange.Decode"/> made of the entry.</param>
    /// <param name="fault">Why nothing changed, or <see cref="ConfigurationFault.None"/>.</param>
    /// <returns>The configuration in force from this entry on.</returns>
    public ConfigurationState ApplyConfigurationChange(ConfigurationChange change, out ConfigurationFault fault)
    {
        ArgumentNullException.ThrowIfNull(change);
        return _core.ApplyConfigurationChange(change, out fault);
    }

    /// <summary>
    /// Puts the change in force that a committed entry carries; bytes that are no change are <see cref="ConfigurationFault.NotUnderstood"/>.
    /// An entry that an installed snapshot stands for changes nothing.
    /// </summary>
    /// <param name="entry">The entry.</param>
    /// <param name="fault">Why nothing changed, or <see cref="ConfigurationFault.None"/>.</param>
    /// <returns>The configuration in force from this entry on.</returns>
    public ConfigurationState ApplyConfigurationChange(in Entry entry, out ConfigurationFault fault)
    {
        if (entry.Index <= AppliedIndex)
        {
            fault = ConfigurationFault.None;
            return Configuration;
        }

        if (ConfigurationChange.Decode(entry.Kind, entry.Data) is { } change)
        {
            return _core.ApplyConfigurationChange(change, out fault);
        }

        fault = ConfigurationFault.NotUnderstood;
        return Configuration;
    }

    /// <summary>A message has arrived, from another node or from a local target. What cannot be taken changes nothing.</summary>
    /// <param name="message">The message. Who delivers it answers for <see cref="Message.From"/>: nobody may claim to be a local target.</param>
    public StepResult Step(in Message message)
    {
        bool isFromLocalTarget = LocalTargets.Contains(message.From);
        if (message.Kind.IsLocal() && !isFromLocalTarget)
        {
            return StepResult.LocalKind;
        }

        if (message.To != Id)
        {
            return StepResult.WrongRecipient;
        }

        if (message.Kind.IsResponse() && !isFromLocalTarget && !_core.Membership.Contains(message.From))
        {
            return StepResult.UnknownPeer;
        }

        return MessageRules.IsWellFormed(message) ? _core.Step(message) : StepResult.Malformed;
    }

    /// <summary>Campaigns now, without waiting for the election timeout; nothing happens on a leader or on a node that may not campaign, which with <see cref="ReadMode.LeaseBased"/> is one that has heard of a leader within an election timeout.</summary>
    public void Campaign() => _core.Campaign();

    /// <summary>A follower forgets its leader, as if it had not heard of it: it may vote at once, but campaigns no sooner. Nothing happens on others, or with <see cref="ReadMode.LeaseBased"/>.</summary>
    public void ForgetLeader() => _core.ForgetLeader();

    /// <summary>
    /// Asks for an index at which a read is linearizable; the answer appears in <see cref="Ready.ReadStates"/>. On a follower the leader is
    /// asked. An answer may be lost with a message or a leader: ask again, under the same context or another, as often as wanted.
    /// </summary>
    /// <param name="context">The caller's name for the read; need not be unique.</param>
    public ReadIndexResult ReadIndex(ulong context) => _core.OnReadIndex(Id, context, isLeaseRefused: false);

    /// <summary>Asks for an index at which a read is linearizable, and says for this one whether a lease may answer it.</summary>
    /// <param name="context">The caller's name for the read; need not be unique.</param>
    /// <param name="mode">
    /// <see cref="ReadMode.Safe"/> for a read that a quorum must confirm even where there is a lease. <see cref="ReadMode.LeaseBased"/> is
    /// as good as that where <see cref="RaftOptions.ReadMode"/> gives no leases.
    /// </param>
    public ReadIndexResult ReadIndex(ulong context, ReadMode mode) => _core.OnReadIndex(Id, context, isLeaseRefused: mode == ReadMode.Safe);

    /// <summary>
    /// So many whole ticks have passed on the host's monotonic clock since the last call. To be called before a read is handed in, and
    /// never ahead of the clock: a lease lasts until this says that it is over. Only with <see cref="RaftOptions.LeaseClockIsExternal"/>.
    /// </summary>
    /// <param name="ticks">Not negative.</param>
    public void AdvanceLeaseClock(long ticks)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(ticks);
        _core.AdvanceLeaseClock(ticks);
    }

    /// <summary>Hands over the leadership. Proposals are refused meanwhile; given up after an election timeout.</summary>
    /// <param name="to">A voter; the leader itself to give up an earlier wish. Anybody else: nothing happens.</param>
    public void TransferLeadership(NodeId to) => _core.OnTransferLeader(to);

    /// <summary>
    /// The leader is to make this learner a voter as soon as it would hold up nobody: once a round of entries that it lacked took less than
    /// an election timeout (Ongaro's thesis, section 4.2.1). The change is proposed with a tick, one at a time, and again when it is
    /// refused because of a transfer or a change that is pending. Nothing is proposed while the learner does not answer. The wish is
    /// forgotten when the leadership ends, when the learner is removed, and, as <see cref="PromotionState.TooSlow"/>, after
    /// <see cref="RaftOptions.MaxCatchUpRounds"/> rounds.
    /// </summary>
    /// <param name="learner">A learner of the configuration in force.</param>
    public PromotionResult PromoteWhenCaughtUp(NodeId learner) => _core.PromoteWhenCaughtUp(learner);

    /// <summary>Takes back <see cref="PromoteWhenCaughtUp"/>. A change that is in the log already goes its way.</summary>
    /// <param name="learner">The learner; nothing happens for others.</param>
    public void CancelPromotion(NodeId learner) => _core.CancelPromotion(learner);

    /// <summary>Messages to this member cannot be delivered: nothing more is sent ahead until it answers.</summary>
    public void ReportUnreachable(NodeId node) => _core.ReportUnreachable(node);

    /// <summary>The sending of a snapshot has ended, well or not. Must be reported for every snapshot, or its follower may get nothing more.</summary>
    public void ReportSnapshot(NodeId node, SnapshotStatus status) => _core.ReportSnapshot(node, status);

    /// <summary>
    /// Another node knows this entry to be committed, and it may be right however little is left of those who told it. Where the log has that
    /// very entry, it and all before it count as committed, and a candidacy that rests on an older configuration ends; otherwise nothing
    /// happens. Nor on a leader, which commits by counting.
    /// </summary>
    /// <remarks>
    /// For a host whose nodes take no part once they are removed. Changes are in force when applied, so a node that has the change that
    /// removes another, and does not know it to be committed, would need the other's vote for ever.
    /// </remarks>
    /// <param name="index">The entry's place.</param>
    /// <param name="term">Its term.</param>
    public void NoteCommitted(LogIndex index, Term term) => _core.NoteCommitted(index, term);

    /// <summary>Entries that the storage said were unavailable may be at hand now. Each tick means the same.</summary>
    public void ResumeReading() => _core.Log.ResumeReading();

    /// <summary>All that is to be done, which counts as under way from now on.</summary>
    /// <exception cref="InvalidOperationException">With synchronous storage: the last one was not finished by <see cref="Advance"/>.</exception>
    public Ready Ready()
    {
        if (_mustAdvance)
        {
            throw new InvalidOperationException("The last Ready was not finished: Advance comes first.");
        }

        RaftLog log = _core.Log;
        HardState hardState = _core.HardState;
        SoftState softState = _core.SoftState;
        bool isHardStateNew = hardState != _lastHardState;
        ReadOnlyMemory<Entry> entries = log.NextUnstableEntries();
        ReadOnlyMemory<Entry> committed = log.NextCommittedEntries(AppliesUnstable);
        Snapshot? snapshot = log.NextSnapshot;

        if (_options.AsyncStorageWrites)
        {
            AddStorageMessages(isHardStateNew ? hardState : default, entries, snapshot, committed);
        }
        else
        {
            PrepareAdvance(entries, snapshot, committed);
        }

        var ready = new Ready
        {
            SoftState = softState == _lastSoftState ? null : softState,
            HardState = isHardStateNew ? hardState : null,
            ReadStates = _core.ReadStates.Take(),
            Entries = entries,
            Snapshot = snapshot,
            CommittedEntries = committed,
            Messages = _core.Messages.Take(),
            MustSync = !entries.IsEmpty || hardState.Term != _lastHardState.Term || hardState.Vote != _lastHardState.Vote,
        };

        _lastSoftState = softState;
        _lastHardState = hardState;
        _core.OutputTaken();
        log.HandOutUnstable();
        if (!committed.IsEmpty)
        {
            log.HandOutCommitted(committed.Span, AppliesUnstable);
        }

        return ready;
    }

    /// <summary>With synchronous storage: what the last <see cref="Ready()"/> said is done.</summary>
    /// <exception cref="InvalidOperationException">Storage is asynchronous.</exception>
    public void Advance()
    {
        if (_options.AsyncStorageWrites)
        {
            throw new InvalidOperationException("With asynchronous storage the responses of the local targets are stepped instead.");
        }

        // Stepping may call for further steps, but only in the next Ready.
        _mustAdvance = false;
        foreach (Message message in _stepsOnAdvance)
        {
            _core.Step(message);
        }

        _stepsOnAdvance.Clear();
    }

    /// <summary>How the node stands. Allocates; for people and metrics.</summary>
    public RaftStatus Status() => _core.Status();

    /// <summary>An independent copy in the same state, for searching through states. The source of randomness is shared.</summary>
    /// <param name="storage">An independent copy of this node's storage.</param>
    public RaftNode Clone(IRaftStorage storage)
    {
        ArgumentNullException.ThrowIfNull(storage);
        return new RaftNode(this, storage);
    }

    /// <summary>Adds everything that decides what this node does next, its storage excepted: nodes with the same fingerprint behave the same.</summary>
    public void Fingerprint(ref StateFingerprint fingerprint)
    {
        _core.Fingerprint(ref fingerprint);
        fingerprint.Add(_lastSoftState.Lead);
        fingerprint.Add((ulong)_lastSoftState.Role);
        fingerprint.Add(_lastHardState.Term.Value);
        fingerprint.Add(_lastHardState.Vote);
        fingerprint.Add(_lastHardState.Commit.Value);
        fingerprint.Add(_mustAdvance);
        fingerprint.Add(_stepsOnAdvance.Count);
        foreach (Message message in _stepsOnAdvance)
        {
            fingerprint.Add(message);
        }
    }

    private void AddStorageMessages(HardState hardState, ReadOnlyMemory<Entry> entries, Snapshot? snapshot, ReadOnlyMemory<Entry> committed)
    {
        OutputList<Message> waiting = _core.MessagesAfterAppend;
        if (!entries.IsEmpty || !hardState.IsEmpty || snapshot is not null || waiting.Count > 0)
        {
            // The node's own acknowledgement comes before the confirmation that takes the entries out of memory, where it finds their terms.
            bool hasConfirmation = TryStorageAppendResponse(snapshot, out Message confirmation);
            var responses = new Message[waiting.Count + (hasConfirmation ? 1 : 0)];
            waiting.Items.CopyTo(responses);
            waiting.Clear();
            if (hasConfirmation)
            {
                responses[^1] = confirmation;
            }

            _core.Messages.Add(new Message
            {
                Kind = MessageKind.StorageAppend,
                From = Id,
                To = LocalTargets.AppendThread,
                Term = hardState.Term,
                Vote = hardState.Vote,
                Commit = hardState.Commit,
                Entries = entries,
                Snapshot = snapshot,
                Responses = responses,
            });
        }

        if (!committed.IsEmpty)
        {
            _core.Messages.Add(new Message
            {
                Kind = MessageKind.StorageApply,
                From = Id,
                To = LocalTargets.ApplyThread,
                Entries = committed,
                Responses = new[] { StorageApplyResponse(committed) },
            });
        }
    }

    private void PrepareAdvance(ReadOnlyMemory<Entry> entries, Snapshot? snapshot, ReadOnlyMemory<Entry> committed)
    {
        _mustAdvance = true;
        OutputList<Message> waiting = _core.MessagesAfterAppend;
        foreach (ref readonly Message message in waiting.Items)
        {
            if (message.To == Id)
            {
                _stepsOnAdvance.Add(message);
            }
            else
            {
                _core.Messages.Add(message);
            }
        }

        waiting.Clear();
        if (TryStorageAppendResponse(snapshot, out Message appended))
        {
            _stepsOnAdvance.Add(appended);
        }

        if (!committed.IsEmpty)
        {
            _stepsOnAdvance.Add(StorageApplyResponse(committed));
        }
    }

    /// <summary>
    /// The message by which this node learns what is durable. It names the end of the log in the current term, also when nothing but the
    /// hard state is written: confirmations of an earlier term confirm nothing, because an entry that was written may have been replaced
    /// by one that is still being written, and replaced again by an equal one (ABA). The first write of a new term then confirms all that
    /// stands before it in the queue.
    /// </summary>
    private bool TryStorageAppendResponse(Snapshot? snapshot, out Message response)
    {
        RaftLog log = _core.Log;
        bool hasEntries = log.HasUnstableEntries;
        if (!hasEntries && snapshot is null)
        {
            response = default;
            return false;
        }

        response = new Message
        {
            Kind = MessageKind.StorageAppendResp,
            From = LocalTargets.AppendThread,
            To = Id,
            Term = Term,
            Index = hasEntries ? log.LastIndex : LogIndex.Zero,
            LogTerm = hasEntries ? log.LastTerm() : Term.Zero,
            Snapshot = snapshot,
        };
        return true;
    }

    private Message StorageApplyResponse(ReadOnlyMemory<Entry> committed) => new()
    {
        Kind = MessageKind.StorageApplyResp,
        From = LocalTargets.ApplyThread,
        To = Id,
        Entries = committed,
    };
}
