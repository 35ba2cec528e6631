using Converge.Core;

namespace Converge.Raft;

/// <summary>How a leader feeds a follower.</summary>
public enum ProgressState : byte
{
    /// <summary>Looking for where the logs agree: one append at a time, at most one a heartbeat.</summary>
    Probe = 0,

    /// <summary>The logs agree: appends are sent ahead of their answers, within the window.</summary>
    Replicate = 1,

    /// <summary>A snapshot is under way: no appends until it has arrived or failed.</summary>
    Snapshot = 2,
}

/// <summary>
/// What a leader knows of one member, itself included. Every node keeps one for each member, but only a leader's mean anything.
/// </summary>
/// <remarks>Always: <c>Match &lt; Next</c>.</remarks>
internal sealed class MemberProgress
{
    private InflightWindow _inflights;
    private CatchUp _catchUp;

    public MemberProgress(NodeId id, LogIndex next, bool isLearner, int maxInflightMessages, long maxInflightBytes)
    {
        Id = id;
        Next = next;
        IsLearner = isLearner;
        _inflights = new InflightWindow(maxInflightMessages, maxInflightBytes);

        // A member that was just added has had no time to be heard: the next check of the quorum must not hold that against it.
        RecentActive = true;
    }

    private MemberProgress(MemberProgress other)
    {
        Id = other.Id;
        Match = other.Match;
        Next = other.Next;
        SentCommit = other.SentCommit;
        State = other.State;
        PendingSnapshot = other.PendingSnapshot;
        RecentActive = other.RecentActive;
        FlowPaused = other.FlowPaused;
        IsLearner = other.IsLearner;
        Ballot = other.Ballot;
        AcknowledgedRound = other.AcknowledgedRound;
        _inflights = other._inflights.Clone();
        _catchUp = other._catchUp;
    }

    public NodeId Id { get; }

    /// <summary>The greatest index up to which its log is known to equal the leader's.</summary>
    public LogIndex Match { get; private set; }

    /// <summary>The next entry to send; what lies between is under way.</summary>
    public LogIndex Next { get; private set; }

    /// <summary>The greatest commit index that is under way to it.</summary>
    public LogIndex SentCommit { get; set; }

    public ProgressState State { get; private set; }

    /// <summary>In <see cref="ProgressState.Snapshot"/>: the index of the snapshot that was sent.</summary>
    public LogIndex PendingSnapshot { get; private set; }

    /// <summary>Heard of since the last check of the quorum.</summary>
    public bool RecentActive { get; set; }

    /// <summary>No more appends until it is heard of again.</summary>
    public bool FlowPaused { get; set; }

    public bool IsLearner { get; set; }

    /// <summary>What it said in the election that is under way.</summary>
    public Ballot Ballot { get; set; }

    /// <summary>The last heartbeat round of this term that it answered.</summary>
    public ulong AcknowledgedRound { get; set; }

    /// <summary>Of a learner: whether it keeps up, and whether it is to be promoted when it does.</summary>
    public ref CatchUp CatchUp => ref _catchUp;

    public int InflightCount => _inflights.Count;

    public bool IsInflightFull => _inflights.IsFull;

    public bool IsPaused => State == ProgressState.Snapshot || FlowPaused;

    public MemberProgress Clone() => new(this);

    /// <summary>Nothing is known: a term begins.</summary>
    public void Reset(LogIndex next)
    {
        Match = LogIndex.Zero;
        Next = next;
        SentCommit = LogIndex.Zero;
        Enter(ProgressState.Probe);
        RecentActive = false;
        Ballot = Ballot.None;
        AcknowledgedRound = 0;
        _catchUp = default;
    }

    /// <summary>The leader's own log is what the others are measured by.</summary>
    public void ResetSelf(LogIndex last)
    {
        Reset(last.Next);
        Match = last;
    }

    public void BecomeProbe()
    {
        // After a snapshot that is thought to have arrived, the entries behind it are the ones to try.
        LogIndex from = State == ProgressState.Snapshot ? LogIndex.Max(Match, PendingSnapshot) : Match;
        Enter(ProgressState.Probe);
        Next = from.Next;
        SentCommit = LogIndex.Min(SentCommit, from);
    }

    public void BecomeReplicate()
    {
        Enter(ProgressState.Replicate);
        Next = Match.Next;
    }

    public void BecomeSnapshot(LogIndex snapshot)
    {
        Enter(ProgressState.Snapshot);
        PendingSnapshot = snapshot;
        Next = snapshot.Next;
        SentCommit = snapshot;
    }

    /// <summary>A snapshot did not arrive: probe from where the follower is known to be.</summary>
    public void AbandonSnapshot() => PendingSnapshot = LogIndex.Zero;

    /// <summary>An append with this many entries was sent.</summary>
    public void SentEntries(int count, long bytes)
    {
        if (State == ProgressState.Replicate)
        {
            if (count > 0)
            {
                Next += (ulong)count;
                _inflights.Add(Next.Previous, bytes);
            }

            // A message that fills the window is also a probe: the next one waits for a sign of life.
            FlowPaused = _inflights.IsFull;
        }
        else
        {
            Invariant.Check(State == ProgressState.Probe, $"An append was sent to {Id} in state {State}.");
            FlowPaused |= count > 0;
        }
    }

    /// <summary>Whether telling the follower this commit index now moves it on, as far as can be told.</summary>
    public bool CanBumpCommit(LogIndex commit) => commit > SentCommit && SentCommit < Next.Previous;

    /// <summary>An acknowledgement arrived; false when it says nothing new.</summary>
    public bool TryAdvance(LogIndex acknowledged)
    {
        if (acknowledged <= Match)
        {
            return false;
        }

        Match = acknowledged;
        Next = LogIndex.Max(Next, acknowledged.Next);
        FlowPaused = false;
        return true;
    }

    /// <summary>Frees the window of what an acknowledgement covers.</summary>
    public void FreeInflights(LogIndex acknowledged) => _inflights.FreeThrough(acknowledged);

    /// <summary>A rejection of the append after <paramref name="rejected"/> arrived; false when it is out of date.</summary>
    public bool TryRetreat(LogIndex rejected, LogIndex hint)
    {
        if (State == ProgressState.Replicate)
        {
            if (rejected <= Match)
            {
                return false;
            }

            Next = Match.Next;
        }
        else
        {
            // Probes go out one at a time: an answer to anything but the last one is a late one.
            if (Next.Previous != rejected)
            {
                return false;
            }

            Next = LogIndex.Max(LogIndex.Min(rejected, hint.Next), Match.Next);
            FlowPaused = false;
        }

        SentCommit = LogIndex.Min(SentCommit, Next.Previous);
        return true;
    }

    public void Fingerprint(ref StateFingerprint fingerprint, bool isLeader)
    {
        fingerprint.Add(Id);
        fingerprint.Add(IsLearner);
        fingerprint.Add((ulong)Ballot);
        if (!isLeader)
        {
            return;
        }

        fingerprint.Add(Match.Value);
        fingerprint.Add(Next.Value);
        fingerprint.Add(SentCommit.Value);
        fingerprint.Add((ulong)State);
        fingerprint.Add(PendingSnapshot.Value);
        fingerprint.Add(RecentActive);
        fingerprint.Add(FlowPaused);
        fingerprint.Add(AcknowledgedRound);
        _inflights.Fingerprint(ref fingerprint);
        _catchUp.Fingerprint(ref fingerprint);
    }

    private void Enter(ProgressState state)
    {
        State = state;
        FlowPaused = false;
        PendingSnapshot = LogIndex.Zero;
        _inflights.Clear();
    }
}
