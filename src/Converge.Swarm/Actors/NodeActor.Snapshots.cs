using Converge.Core;
using Converge.Raft;
using Converge.Swarm.Governance;
using Converge.Swarm.Members;
using Converge.Swarm.Storage;

namespace Converge.Swarm.Actors;

/// <content>
/// Snapshots as the protocol sees them: when one is durable the log is compacted behind it, one that is to be sent goes to the snapshot
/// actor, one that arrived takes the place of the log.
/// </content>
public sealed partial class NodeActor
{
    /// <summary>
    /// For a follower that is being sent a snapshot the log keeps the entries behind it, but no more than so many times what makes a snapshot
    /// due: it then gets a newer one (openraft 1706: nobody who is slow or down keeps the log from being compacted).
    /// </summary>
    private const int MaxHeldTimesPolicy = 4;

    /// <summary>A follower may take so many election timeouts to install what it got before the log lets go of what it needs next.</summary>
    private const int InstallElectionTimeouts = 60;

    // The followers that are being sent a snapshot, or are installing it: the last entry that it covers, and until when that counts.
    private readonly SortedDictionary<NodeId, (LogIndex Index, long DeadlineTick)> _held = [];
    private StateSnapshotFile? _snapshot;
    private StateSnapshotFile? _arrived;
    private (ulong Append, SnapshotMark Mark) _installing;
    private (Term Term, NodeId Leader) _toldSnapshots;
    private CommandStamp _stampBeforeLog;
    private long _appliedBytes;
    private bool _compactionDue;

    /// <summary>Takes up from a snapshot.</summary>
    private void BeginFrom(NodeStart start)
    {
        _snapshot = start.Snapshot;
        _stampBeforeLog = start.LastStamp;
        _applied = _handedToApply = start.Applied.Index;
        _digests.Add(start.Applied);
        _membersAt = start.Snapshot?.Mark ?? Founding.Mark;
        if (_members.IsGone(_options.Self))
        {
            _removal = new RemovalNotice(_membersAt.Index, _membersAt.Term, OfSender: true);
        }
    }

    private void TickSnapshots()
    {
        if (_held.Count > 0 && _tick % _options.ElectionTicks == 0)
        {
            ReviewHeld();
        }

        if (_compactionDue)
        {
            CompactLog();
        }

        InstallArrived();
        _port.ToSnapshots(new SnapshotMessage.Tick(_applied, _appliedBytes));
    }

    /// <summary>What is kept for followers moves on with what they have, and ends when they take too long.</summary>
    private void ReviewHeld()
    {
        foreach (FollowerProgress progress in _raft.Status().Progress)
        {
            if (!_held.TryGetValue(progress.Id, out (LogIndex Index, long DeadlineTick) held))
            {
                continue;
            }

            if (_tick >= held.DeadlineTick || (_snapshot is { } snapshot && progress.Match >= snapshot.Mark.Index))
            {
                _held.Remove(progress.Id);
                _compactionDue = true;
            }
            else if (progress.Match > held.Index)
            {
                _held[progress.Id] = held with { Index = progress.Match };
                _compactionDue = true;
            }
        }
    }

    private void TellSnapshotsWhoLeads()
    {
        if (_toldSnapshots != (_raft.Term, _raft.Leader))
        {
            _toldSnapshots = (_raft.Term, _raft.Leader);
            _compactionDue |= _held.Count > 0;
            _held.Clear();
            _port.ToSnapshots(new SnapshotMessage.Led(_raft.Term, _raft.Leader));
        }
    }

    /// <summary>The state is frozen as it was after some entry; it knows who took part there.</summary>
    private void NoteFrozen(FrozenState frozen)
    {
        // While a snapshot is being installed, one of the two that it takes knows already and the other does not.
        _port.ToSnapshots(frozen.Index == _raft.AppliedIndex && frozen.Index == _applied
            ? new SnapshotMessage.Frozen(frozen, frozen.Members.Configuration, MemberTableCodec.Encode(frozen.Members))
            : SnapshotMessage.NotFrozen.Instance);
    }

    private void NoteSnapshotTaken(StateSnapshotFile snapshot)
    {
        if (_snapshot is null || snapshot.Mark.Index > _snapshot.Mark.Index)
        {
            _snapshot = snapshot;
            Invariant.Check(
                snapshot.Mark.Index <= _applied && TermAt(snapshot.Mark.Index) == snapshot.Mark.Term,
                $"A snapshot of entry {snapshot.Mark} was taken; {_applied} is applied, and the log has term {TermAt(snapshot.Mark.Index)} there.");
            _storage.SetSnapshot(Describe(snapshot));
            CompactLog();
        }
    }

    private void SendSnapshot(in Message message)
    {
        _held[message.To] = (message.Snapshot!.Index, long.MaxValue);
        _port.ToSnapshots(new SnapshotMessage.Send(message.To, message.Snapshot.Index));
    }

    private void NoteSnapshotOffered(NodeMessage.SnapshotOffered offered)
    {
        if (_held.ContainsKey(offered.To))
        {
            _held[offered.To] = (offered.Index, long.MaxValue);
        }
    }

    private void NoteSnapshotSent(NodeMessage.SnapshotSent sent)
    {
        if (sent.Term != _raft.Term)
        {
            return;
        }

        _raft.ReportSnapshot(sent.To, sent.Delivered ? SnapshotStatus.Finished : SnapshotStatus.Failed);
        if (sent.Delivered && _held.ContainsKey(sent.To))
        {
            _held[sent.To] = (sent.Index, _tick + (InstallElectionTimeouts * _options.ElectionTicks));
        }
        else
        {
            _compactionDue |= _held.Remove(sent.To);
        }
    }

    private void NoteSnapshotArrived(StateSnapshotFile snapshot)
    {
        _arrived = snapshot;
        InstallArrived();
    }

    /// <summary>
    /// Hands what arrived to the protocol, in the name of whoever leads now: it covers committed entries only, and those every later leader
    /// has (leader completeness; paper, section 5.4.3). Without a leader it waits for one.
    /// </summary>
    private void InstallArrived()
    {
        if (_arrived is not { } arrived || (_raft.Leader.IsNone && arrived.Mark.Index > _raft.CommitIndex))
        {
            return;
        }

        if (!IsLeader && arrived.Mark.Index > _raft.CommitIndex)
        {
            _raft.Step(new Message
            {
                Kind = MessageKind.Snapshot,
                From = _raft.Leader,
                To = _options.Self,
                Term = _raft.Term,
                Snapshot = Describe(arrived),
            });
        }

        SendReady();
        if (_arrived is not null)
        {
            _arrived = null;
            _port.ToSnapshots(new SnapshotMessage.NotNeeded(arrived));
        }
    }

    /// <summary>The protocol puts the snapshot that arrived in the place of the log; it is durable and checked, so that the state may change at once.</summary>
    /// <returns>The mark that the log gets.</returns>
    private SnapshotMark Install(Snapshot snapshot)
    {
        Invariant.Check(_arrived?.Mark.Index == snapshot.Index, $"Snapshot {snapshot} is to be installed, and what arrived is {_arrived?.Mark}.");
        StateSnapshotFile arrived = _arrived!;
        _arrived = null;
        _snapshot = arrived;
        _stampBeforeLog = arrived.Header.LastStamp;
        _handedToApply = snapshot.Index;
        _storage.ApplySnapshot(snapshot);
        _pending.SkipThrough(snapshot.Index);
        SkipChange(snapshot.Index);
        _installing = (_appendNumber + 1, arrived.Mark);
        _port.ToStateMachine(new StateMachineMessage.Install(arrived));
        return arrived.Mark;
    }

    private void NoteSnapshotInstalled(NodeMessage.SnapshotInstalled installed)
    {
        _applied = installed.Snapshot.Mark.Index;
        _digests.Add(new DigestMark(_applied, installed.Snapshot.Header.Digest));
        TakeMembers(installed.Snapshot.Header.ReadMembers(installed.Snapshot.Path), installed.Snapshot.Mark);
        _port.ToSnapshots(new SnapshotMessage.Installed(installed.Snapshot));
    }

    /// <summary>
    /// Drops what the newest snapshot covers from the log, but for a tail that spares followers who are a little behind a snapshot, and for
    /// what those need who are being sent one.
    /// </summary>
    private void CompactLog()
    {
        _compactionDue = _snapshot is { } newest && (newest.Mark.Index > _applied || newest.Mark.Index > _durable);
        if (_snapshot is not { } snapshot || _compactionDue)
        {
            // There is none, or it is being installed.
            return;
        }

        SnapshotOptions policy = _options.Snapshots;
        (long dueEntries, long dueBytes) = policy.DueAfter(snapshot.Length);
        LogIndex through = Reach(snapshot.Mark.Index, LogIndex.Zero, policy.KeepEntries, policy.Bytes / 4);
        foreach ((NodeId member, (LogIndex index, _)) in _held)
        {
            if (index >= through)
            {
                continue;
            }

            if (Reach(through, index, MaxHeldTimesPolicy * dueEntries, MaxHeldTimesPolicy * dueBytes) == index)
            {
                through = index;
            }
            else
            {
                _port.ToSnapshots(new SnapshotMessage.Renew(member));
            }
        }

        if (through < _storage.FirstIndex)
        {
            return;
        }

        Invariant.Check(through <= snapshot.Mark.Index, $"The log would be compacted through {through}, and the snapshot covers {snapshot.Mark.Index}.");
        _stampBeforeLog = LastStampUpTo(through);
        var mark = new SnapshotMark(through, TermAt(through)!.Value);
        _storage.Compact(through);
        SendAppend(new LogMessage.Append(++_appendNumber, _storage.HardState, [], []) { Mark = mark });
    }

    /// <summary>How far one gets from an entry back to another, over so many entries of so many bytes at most.</summary>
    private LogIndex Reach(LogIndex from, LogIndex to, long maxEntries, long maxBytes)
    {
        while (from > to && from >= _storage.FirstIndex && maxEntries > 0)
        {
            _ = _storage.Entries(from, from.Next, long.MaxValue, out ReadOnlyMemory<Entry> entry);
            maxBytes -= entry.Span[0].SizeBytes;
            if (maxBytes < 0)
            {
                break;
            }

            maxEntries--;
            from = from.Previous;
        }

        return from;
    }

    private static Snapshot Describe(StateSnapshotFile snapshot) => new(snapshot.Mark.Index, snapshot.Mark.Term, snapshot.Header.Configuration, default);
}
