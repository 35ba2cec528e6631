using System.Runtime.InteropServices;
using Converge.Core;
using Converge.Raft;
using Converge.Swarm.Members;
using Converge.Swarm.Storage;

namespace Converge.Swarm.Actors;

/// <summary>
/// The parent of a node: holds the protocol's state machine, stamps and orders what clients submit, and turns what the protocol wants
/// into messages. Decides everything, does nothing: it owns no thread, reads no clock, touches no socket and no disk.
/// </summary>
/// <remarks>
/// Messages only change the protocol's state and ask for a turn; in the turn, everything that gathered meanwhile is proposed together
/// and the protocol's output is sent. That is where batches come from: the busier the node, the larger they are.
/// </remarks>
public sealed partial class NodeActor
{
    private const int DigestHistoryLength = 8192;

    /// <summary>
    /// A log that confirms nothing for so many election timeouts counts as stalled: the node does not lead and does not stand for
    /// election, so that one whose disk works is elected (hashicorp/raft 503).
    /// </summary>
    private const int StallElectionTimeouts = 2;

    /// <summary>A leader without room on its disk hands over at most once in so many election timeouts.</summary>
    private const int HandOverElectionTimeouts = 10;

    /// <summary>A longer array, as catching up needs it, is not kept.</summary>
    private const int MaxSpareOutcomes = 4096;

    private readonly NodeActorOptions _options;
    private readonly INodePort _port;
    private readonly InMemoryRaftStorage _storage;
    private readonly RaftNode _raft;
    private readonly DigestHistory _digests = new(DigestHistoryLength);
    private readonly SortedSet<NodeId> _diverged = [];
    private readonly Queue<(LogMessage.Append Append, long SentTick)> _unconfirmed = new();

    private Moment _now;
    private long _tick;
    private long _steadyTicks;
    private NodeId _leader;
    private ulong _appendNumber;
    private ulong _logIncarnation;
    private bool _logHasSpace = true;
    private bool _ledgerHasSpace = true;
    private long _nextHandOverTick;
    private bool _owesCommit;
    private bool _logStalled;
    private LogIndex _durable;
    private Term? _durableTerm;
    private HardState _durableState;
    private LogIndex _handedToApply;

    // What became of entries that were applied, used again: on most nodes nobody wants to know it.
    private AppliedEntry[]? _spareOutcomes;
    private LogIndex _applied;
    private LogIndex _commitAtTick;
    private Reply<bool>? _draining;
    private bool _drained;
    private long _drainDeadlineTick;

    /// <summary>A node that takes up where its log ends.</summary>
    /// <param name="options">What it must know.</param>
    /// <param name="start">From where: the log and hard state as recovered, and what the state machine has applied.</param>
    /// <param name="random">For election timeouts.</param>
    /// <param name="port">Where its messages go.</param>
    public NodeActor(NodeActorOptions options, NodeStart start, IRandomSource random, INodePort port)
    {
        InMemoryRaftStorage storage = start.Storage;
        _options = options;
        _members = start.Snapshot is { } snapshot ? snapshot.Header.ReadMembers(snapshot.Path)
            : options.Table ?? MemberTable.Founded(options.Members, Founding.Mark.Index);
        _port = port;
        _storage = storage;
        _durable = storage.LastIndex;
        BeginFrom(start);
        _durableTerm = TermAt(_durable);
        _durableState = storage.HardState;
        _raft = new RaftNode(
            new RaftOptions
            {
                Id = options.Self,
                ElectionTicks = options.ElectionTicks,
                HeartbeatTicks = options.HeartbeatTicks,
                MaxMessageBytes = options.MaxMessageBytes,
                MaxInflightMessages = 256,
                MaxInflightBytes = 16 * 1024 * 1024,
                MaxCommittedBytesPerReady = 1024 * 1024,
                MaxUncommittedBytes = options.MaxUncommittedBytes,
                CheckQuorum = true,
                PreVote = true,
                AsyncStorageWrites = true,
                DisableProposalForwarding = true,
                StepDownOnRemoval = true,
                ReadMode = options.LeaseDriftTicks is null ? ReadMode.Safe : ReadMode.LeaseBased,
                LeaseDriftTicks = options.LeaseDriftTicks ?? 1,
                LeaseClockIsExternal = options.LeaseDriftTicks is not null,
                StalledStorageTicks = StallElectionTimeouts * options.ElectionTicks,
                Applied = _applied,
                Random = random,
            },
            storage);
    }

    /// <summary>Receives one message.</summary>
    public void Receive(NodeMessage message, Moment now)
    {
        _now = now;
        AdvanceLeaseClock();
        switch (message)
        {
            case NodeMessage.FromPeer { Message: ProtocolMessage protocol }:
                ReceiveProtocol(protocol);
                break;
            case NodeMessage.FromPeer { Message: ForwardedCommands commands } from:
                Gather(from.Peer, commands);
                break;
            case NodeMessage.FromPeer { Message: ForwardedAnswers answers }:
                CompleteForward(answers);
                break;
            case NodeMessage.FromPeer { Message: SnapshotTransferMessage transfer } from:
                _port.ToSnapshots(new SnapshotMessage.FromPeer(from.Peer, transfer));
                break;
            case NodeMessage.FromPeer { Message: ForwardedChange change } from:
                ReceiveForwardedChange(from.Peer, change);
                break;
            case NodeMessage.FromPeer { Message: ForwardedOutcome outcome }:
                CompleteForwardedChange(outcome);
                break;
            case NodeMessage.FromPeer { Message: RemovalNotice notice } from:
                ReceiveRemovalNotice(from.Peer, notice);
                break;
            case NodeMessage.Submit submit:
                Gather(submit);
                break;
            case NodeMessage.Read read:
                Read(read);
                break;
            case NodeMessage.LogAppended appended:
                Confirm(appended);
                break;
            case NodeMessage.Applied applied:
                NoteApplied(applied);
                break;
            case NodeMessage.Tick:
                NoteTick();
                break;
            case NodeMessage.Turn:
                TakeTurn();
                return;
            case NodeMessage.PeerLost lost:
                _raft.ReportUnreachable(lost.Peer);
                AbandonForwardsTo(lost.Peer);
                AbandonForwardedChanges(forwarded => forwarded.Leader == lost.Peer);
                break;
            case NodeMessage.LogStarted started:
                RestartLog(started);
                break;
            case NodeMessage.LogSpace space:
                NoteSpace(space.Available);
                break;
            case NodeMessage.LedgerSpace space:
                _ledgerHasSpace = space.Available;
                _port.Publish(new SwarmEvent.LedgerSpaceChanged(space.Available));
                break;
            case NodeMessage.FreezeState:
                _port.ToStateMachine(StateMachineMessage.Freeze.Instance);
                break;
            case NodeMessage.Frozen frozen:
                NoteFrozen(frozen.State);
                break;
            case NodeMessage.SnapshotTaken taken:
                NoteSnapshotTaken(taken.Snapshot);
                break;
            case NodeMessage.SnapshotOffered offered:
                NoteSnapshotOffered(offered);
                break;
            case NodeMessage.SnapshotSent sent:
                NoteSnapshotSent(sent);
                break;
            case NodeMessage.SnapshotArrived arrived:
                NoteSnapshotArrived(arrived.Snapshot);
                break;
            case NodeMessage.SnapshotInstalled installed:
                NoteSnapshotInstalled(installed);
                break;
            case NodeMessage.GetStatus status:
                _port.ToStateMachine(new StateMachineMessage.CompleteStatus(DescribeStatus(), status.Reply));
                break;
            case NodeMessage.TransferLeadership transfer:
                BeginTransfer(transfer);
                break;
            case NodeMessage.ChangeMembers change:
                ChangeMembers(change);
                break;
            case NodeMessage.GetMembers members:
                members.Reply.Send(DescribeMembers());
                break;
            case NodeMessage.Drain drain:
                BeginDrain(drain.Reply);
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(message), message, "Not a message for a node actor.");
        }

        _port.WantTurn();
    }

    /// <summary>
    /// The host ends: whatever waits here is answered, as unknown or as certainly not done. Nothing is received afterwards.
    /// </summary>
    public void Close()
    {
        _pending.Abandon();
        AbandonAllForwards();
        AbandonTransfer();
        AbandonChanges();
        foreach (NodeMessage.Submit submit in _submitted)
        {
            submit.Reply.Send(Same(submit.Commands.Count, NotCommittedReason.Stopping, "The node is shutting down."));
        }

        _submitted.Clear();
        RefuseAllReads("The node is shutting down.", NotCommittedReason.Stopping);
    }

    /// <summary>For whoever checks invariants from outside, in the same step; only read.</summary>
    internal RaftNode Protocol => _raft;

    private bool IsLeader => _raft.Role == RaftRole.Leader;

    private void ReceiveProtocol(ProtocolMessage protocol)
    {
        if (_removal is { } removal)
        {
            AnswerAsRemoved(removal, protocol.Message);
            return;
        }

        if (_members.IsGone(protocol.Message.From))
        {
            TellOfItsRemoval(protocol.Message.From);
            return;
        }

        if (_digests.Contradicts(protocol.Mark))
        {
            NoteDivergence(protocol.Message.From, protocol.Mark);
        }

        if (_raft.Step(protocol.Message) == StepResult.LogLost)
        {
            // Answering nothing would not do: a node that hears its leader and cannot follow it stays behind for good, and looks alive.
            _port.Fail(new LogLostException(_options.Self, protocol.Message.From, protocol.Message.Commit, _raft.LastIndex));
        }
    }

    /// <summary>
    /// Two nodes applied the same entries and differ: one of them computes wrongly or was damaged. A follower that differs from its
    /// leader stops before it serves anything more; a leader says so and goes on with those who agree with it.
    /// </summary>
    private void NoteDivergence(NodeId peer, DigestMark theirs)
    {
        if (_diverged.Add(peer))
        {
            _port.Publish(new SwarmEvent.StateDiverged(peer, theirs.Index));
        }

        if (peer == _raft.Leader)
        {
            _port.Fail(new StateDivergedException(_options.Self, peer, theirs.Index));
        }
    }

    private void NoteTick()
    {
        _tick++;
        _commitAtTick = _raft.CommitIndex;
        bool stalled = _unconfirmed.TryPeek(out (LogMessage.Append Append, long SentTick) oldest)
            && _tick - oldest.SentTick > StallElectionTimeouts * _options.ElectionTicks;
        if (stalled != _logStalled)
        {
            _logStalled = stalled;
            _port.Publish(new SwarmEvent.DiskStalled(stalled));
        }

        if (_removal is null)
        {
            _raft.Tick();
        }

        if (_owesCommit && _unconfirmed.Count == 0)
        {
            // No entries came to take it along; the disk has nothing else to do.
            _owesCommit = false;
            SendAppend(new LogMessage.Append(++_appendNumber, _storage.HardState, [], []));
        }

        if (!_logHasSpace && _tick % _options.ElectionTicks == 0)
        {
            _port.ToLog(LogMessage.Retry.Instance);
        }

        HandOverWithoutRoom();
        _pending.Expire(_tick);
        ExpireForwards();
        ExpireReads();
        ExpireTransfer();
        ExpireChanges();
        PromoteCaughtUp();
        TickSnapshots();
        ContinueDrain();
    }

    private bool HasRoom => _logHasSpace && _ledgerHasSpace;

    /// <summary>
    /// A leader without room answers nobody, and another may have room: it hands over. Not again for a while, since the others may lack it
    /// too, and then nothing is won by going round.
    /// </summary>
    private void HandOverWithoutRoom()
    {
        if (HasRoom || !IsLeader || _tick < _nextHandOverTick || _transfer is not null || _draining is not null)
        {
            return;
        }

        NodeId successor = MostCurrentFollower();
        if (!successor.IsNone)
        {
            _nextHandOverTick = _tick + (HandOverElectionTimeouts * _options.ElectionTicks);
            _raft.TransferLeadership(successor);
        }
    }

    private void TakeTurn()
    {
        if (IsLeader && _authorityTerm != _raft.Term)
        {
            // The first stamp of a term follows the last in the log; what the term began with must be in it.
            SendReady();
        }

        // Proposed first: the appends that carry the entries then also tell what was committed before.
        ProposeGathered();
        ContinueEarlyChange();
        BeginGatheredReads();
        SendReady();
    }

    /// <summary>Sends what the protocol wants sent, until it wants nothing more.</summary>
    private void SendReady()
    {
        while (_raft.HasReady)
        {
            Ready ready = _raft.Ready();
            NoteLeader();
            TellSnapshotsWhoLeads();
            foreach (ReadState read in ready.ReadStates.Span)
            {
                ConfirmRead(read);
            }

            ReadOnlySpan<Message> messages = ready.Messages.Span;
            for (int i = 0; i < messages.Length; i++)
            {
                ref readonly Message message = ref messages[i];
                switch (message.Kind)
                {
                    case MessageKind.StorageAppend:
                        SendAppend(in message);
                        break;
                    case MessageKind.StorageApply:
                        SendApply(in message);
                        break;
                    case MessageKind.Snapshot:
                        SendSnapshot(in message);
                        break;
                    case MessageKind.Append when message.Entries.IsEmpty && IsSuperseded(message, messages[(i + 1)..]):
                        break;
                    default:
                        SendToPeer(in message);
                        break;
                }
            }
        }

        ReleaseReads();
    }

    /// <summary>An append that only tells the commit index says nothing when another one to the same member goes with it.</summary>
    private static bool IsSuperseded(in Message append, ReadOnlySpan<Message> later)
    {
        foreach (ref readonly Message message in later)
        {
            if (message.Kind == MessageKind.Append && message.To == append.To && message.Term == append.Term && message.Commit >= append.Commit
                && message.Index >= append.Index)
            {
                return true;
            }
        }

        return false;
    }

    private void SendToPeer(in Message message)
    {
        DigestMark mark = ProtocolMessage.CarriesMark(message.Kind) ? _digests.Latest : default;
        _port.ToPeer(message.To, new ProtocolMessage(message, mark));
    }

    private void SendAppend(in Message message)
    {
        IReadOnlyList<Entry> entries = ListOf(message.Entries);
        HardState? hardState = message.Term != Term.Zero ? new HardState(message.Term, message.Vote, message.Commit) : null;

        // The protocol may read from its storage what it handed out; what is durable is counted apart.
        SnapshotMark? mark = message.Snapshot is { } snapshot ? Install(snapshot) : null;
        _storage.Append(message.Entries.Span);
        bool isTermOrVoteNew = false;
        if (hardState is { } changed)
        {
            isTermOrVoteNew = changed.Term != _storage.HardState.Term || changed.Vote != _storage.HardState.Vote;
            _storage.SetHardState(changed);
            _owesCommit = true;
        }

        if (entries.Count > 0 || isTermOrVoteNew || mark is not null)
        {
            hardState = _owesCommit || mark is not null ? _storage.HardState : null;
            _owesCommit = false;
        }
        else
        {
            // The commit index alone is worth no flush: nothing is promised by it, and the next entries take it along.
            hardState = null;
            if (_unconfirmed.Count == 0 && AreForOthers(message.Responses.Span))
            {
                // All is stored that they vouch for: they need not pass the log.
                foreach (ref readonly Message response in message.Responses.Span)
                {
                    SendToPeer(in response);
                }

                return;
            }

            if (message.Responses.IsEmpty)
            {
                return;
            }
        }

        SendAppend(new LogMessage.Append(++_appendNumber, hardState, entries, message.Responses.ToArray()) { Mark = mark });
    }

    private bool AreForOthers(ReadOnlySpan<Message> responses)
    {
        foreach (ref readonly Message response in responses)
        {
            if (response.To == _options.Self)
            {
                return false;
            }
        }

        return true;
    }

    private void SendAppend(LogMessage.Append append)
    {
        _unconfirmed.Enqueue((append, _tick));
        _port.ToLog(append);
    }

    private void SendApply(in Message message)
    {
        _handedToApply = message.Entries.Span[^1].Index;
        _port.ToStateMachine(new StateMachineMessage.Apply(ListOf(message.Entries), message.Responses.ToArray(), _spareOutcomes));
        _spareOutcomes = null;
    }

    /// <summary>Without a copy: what the protocol's log hands out is never written again.</summary>
    private static IReadOnlyList<Entry> ListOf(ReadOnlyMemory<Entry> entries) =>
        MemoryMarshal.TryGetArray(entries, out ArraySegment<Entry> segment) ? segment : entries.ToArray();

    private void Confirm(NodeMessage.LogAppended appended)
    {
        if (appended.Incarnation != _logIncarnation)
        {
            // A late word of a log actor that is gone; what it had not confirmed was sent to its successor.
            return;
        }

        while (_unconfirmed.TryPeek(out (LogMessage.Append Append, long SentTick) oldest) && oldest.Append.Number <= appended.Through)
        {
            _unconfirmed.Dequeue();
            _durableState = oldest.Append.HardState ?? _durableState;
            if (oldest.Append.Number == _installing.Append)
            {
                (_durable, _durableTerm) = (_installing.Mark.Index, _installing.Mark.Term);
            }

            if (oldest.Append.Entries.Count > 0)
            {
                (_durable, _durableTerm) = (oldest.Append.Entries[^1].Index, oldest.Append.Entries[^1].Term);
            }
        }

        foreach (Message response in appended.Responses)
        {
            _raft.Step(response);
        }
    }

    /// <summary>
    /// Sends a new log actor what its log lacks. How much of what was not confirmed got there before the end of its predecessor is not
    /// known, so the logs are compared; one append then stands for all that were under way.
    /// </summary>
    private void RestartLog(NodeMessage.LogStarted started)
    {
        _logIncarnation = started.Incarnation;

        // Its predecessor may have found no room; this one has yet to see, and says so only when it finds none.
        NoteSpace(available: true);
        LogOutline stored = started.Stored;
        bool kept = stored.LastIndex >= _durableState.Commit && stored.State.Term >= _durableState.Term && stored.State.Commit >= _durableState.Commit
            && (TermAt(_durable) != _durableTerm || stored.TermAt(_durable) == _durableTerm);
        if (!kept)
        {
            _port.Fail(new LogLostException(_options.Self, _durable, _durableState.Term, stored.LastIndex, stored.State.Term));
        }
        else if (_unconfirmed.Count > 0)
        {
            // A mark that was under way brings what the log lacks up to it; only what is behind it is to be sent.
            LogIndex beforeFirst = _storage.FirstIndex.Previous;
            bool marks = _unconfirmed.Any(waiting => waiting.Append.Mark is not null);
            LogIndex common = LogIndex.Max(LogIndex.Min(stored.LastIndex, _storage.LastIndex), beforeFirst);
            while (common > beforeFirst && stored.TermAt(common) != TermAt(common))
            {
                common = common.Previous;
            }

            _ = _storage.Entries(common.Next, _storage.LastIndex.Next, long.MaxValue, out ReadOnlyMemory<Entry> lacking);
            _owesCommit = false;

            // A number of its own: the new actor may have been sent the last one already, before it was known to be new.
            var append = new LogMessage.Append(
                ++_appendNumber, _storage.HardState, lacking.ToArray(), [.. _unconfirmed.SelectMany(waiting => waiting.Append.Responses)])
            {
                Mark = marks ? new SnapshotMark(beforeFirst, TermAt(beforeFirst)!.Value) : null,
            };
            if (_unconfirmed.Any(waiting => waiting.Append.Number == _installing.Append))
            {
                _installing = (append.Number, _installing.Mark);
            }

            _unconfirmed.Clear();
            _unconfirmed.Enqueue((append, _tick));
            _port.ToLog(append);
        }
    }

    private void NoteSpace(bool available)
    {
        if (_logHasSpace != available)
        {
            _logHasSpace = available;
            _port.Publish(new SwarmEvent.SpaceChanged(available));
        }
    }

    private Term? TermAt(LogIndex index) => _storage.Term(index, out Term term) == LogReadStatus.Ok ? term : null;

    private void NoteApplied(NodeMessage.Applied applied)
    {
        foreach (ref readonly AppliedEntry entry in applied.Entries.AsSpan())
        {
            Invariant.Check(
                entry.Index <= _handedToApply && _handedToApply <= _raft.CommitIndex,
                $"Node {_options.Self} applied entry {entry.Index}; it was given entries up to {_handedToApply}, and {_raft.CommitIndex} is committed.");
            _pending.Settle(entry);
            SupersedeChange(entry);
            if (entry.Outcome.Membership is { } membership)
            {
                NoteMembership(entry, membership);
            }

            _digests.Add(new DigestMark(entry.Index, entry.Digest));
            _applied = entry.Index;
        }

        foreach (Message response in applied.Responses)
        {
            _appliedBytes += Entry.TotalSizeBytes(response.Entries.Span);
            _raft.Step(response);
        }

        if (applied.Entries.Array!.Length <= MaxSpareOutcomes)
        {
            _spareOutcomes = applied.Entries.Array;
        }
    }

    private void NoteLeader()
    {
        if (_leader == _raft.Leader)
        {
            return;
        }

        NodeId before = _leader;
        _leader = _raft.Leader;
        _port.Publish(new SwarmEvent.LeaderChanged(_leader, _raft.Term));
        if (!before.IsNone)
        {
            AbandonForwardsTo(before);
        }

        ContinueHandOver();
        SettleTransfer();
    }

    private void BeginDrain(Reply<bool> reply)
    {
        _draining = reply;
        _drainDeadlineTick = _tick + (2 * _options.ElectionTicks);
        if (IsLeader)
        {
            NodeId successor = MostCurrentFollower();
            if (!successor.IsNone)
            {
                _raft.TransferLeadership(successor);
            }
        }

        ContinueDrain();
    }

    private void ContinueDrain()
    {
        if (_draining is null || _drained)
        {
            return;
        }

        bool settled = !IsLeader && _pending.Count == 0 && _forwards.Count == 0;
        if (settled || _raft.Configuration is { IsJoint: false, Voters.Length: 1 } || _tick >= _drainDeadlineTick)
        {
            _drained = true;
            _pending.Abandon();
            AbandonAllForwards();
            _draining.Send(settled);
        }
    }

    private NodeId MostCurrentFollower() => MostCurrent(progress => !progress.IsLearner);

    private NodeId MostCurrent(Func<FollowerProgress, bool> fits)
    {
        NodeId best = NodeId.None;
        LogIndex bestMatch = LogIndex.Zero;
        foreach (FollowerProgress progress in _raft.Status().Progress)
        {
            bool isFit = progress.Id != _options.Self && fits(progress) && IsPresent(progress);
            if (isFit && (best.IsNone || progress.Match > bestMatch))
            {
                (best, bestMatch) = (progress.Id, progress.Match);
            }
        }

        return best;
    }
}

/// <summary>The log came back without something that it had confirmed. What this node promised to others may be broken: it must not take part.</summary>
public sealed class LogLostException : Exception
{
    /// <summary>The store that a log actor's successor found holds less than its predecessor had confirmed.</summary>
    public LogLostException(NodeId self, LogIndex confirmed, Term confirmedTerm, LogIndex found, Term foundTerm)
        : base($"The log of node {self} had confirmed entry {confirmed} and term {confirmedTerm}; it came back with {found} as its last entry and term {foundTerm}. {Consequence}")
    {
    }

    /// <summary>A leader knows that this node had confirmed more than its log holds.</summary>
    public LogLostException(NodeId self, NodeId leader, LogIndex confirmed, LogIndex found)
        : base($"The log of node {self} had confirmed entry {confirmed} to node {leader}, which leads; it came back with {found} as its last entry. {Consequence}")
    {
    }

    private const string Consequence = "This node stops; its data must be replaced from the others.";
}

/// <summary>This node's state differs from its leader's at the same applied index. It must not serve; its data needs repair.</summary>
public sealed class StateDivergedException(NodeId self, NodeId leader, LogIndex index) : Exception(
    $"The state of node {self} differs from that of its leader {leader} at applied index {index}. This node stops; its data must be replaced from the others.");
