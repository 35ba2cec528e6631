using Converge.Core;
using Converge.Swarm.Governance;

namespace Converge.Swarm.Actors;

/// <summary>A snapshot that a leader is sending to one follower.</summary>
internal sealed class OutgoingSnapshot(ulong transfer, NodeId to, LogIndex atLeast)
{
    /// <summary>So many parts are under way at most that no receipt has covered.</summary>
    private const int Window = 8;

    private readonly Queue<(ulong Sequence, long Offset)> _unacknowledged = new();

    public ulong Transfer { get; } = transfer;

    public NodeId To { get; } = to;

    public LogIndex AtLeast { get; } = atLeast;

    /// <summary>What is being sent; null while it has yet to be taken.</summary>
    public StateSnapshotFile? Snapshot { get; private set; }

    /// <summary>Grows when everything is sent again from some place on: what was read for the attempt before is not sent.</summary>
    public int Attempt { get; private set; }

    /// <summary>The next record to read.</summary>
    public ulong NextSequence { get; private set; }

    /// <summary>The next byte of the file to read.</summary>
    public long NextOffset { get; private set; }

    public bool IsReading { get; set; }

    /// <summary>The follower has said what it has.</summary>
    public bool IsAnswered { get; private set; }

    /// <summary>The follower has the file, and said which records it lacks.</summary>
    public bool WantsRecords { get; private set; }

    public long HeardTick { get; set; }

    public long OfferedTick { get; set; }

    public bool HasRoom => !IsReading && IsAnswered && _unacknowledged.Count < Window;

    public bool HasRecordsLeft => WantsRecords && NextSequence <= Snapshot!.Header.Ledger.Sequence;

    public bool HasBytesLeft => !WantsRecords && NextOffset < Snapshot!.Length;

    /// <summary>The snapshot is there.</summary>
    public void Begin(StateSnapshotFile snapshot, long tick)
    {
        Snapshot = snapshot;
        Attempt++;
        (IsAnswered, WantsRecords, HeardTick, OfferedTick) = (false, false, tick, tick);
        _unacknowledged.Clear();
    }

    /// <summary>The follower has everything before these places.</summary>
    public void Acknowledge(SnapshotReceipt receipt, long tick)
    {
        HeardTick = tick;
        bool wantsRecords = receipt.Stage == SnapshotStage.Records;
        if (IsAnswered && wantsRecords == WantsRecords && IsWhereNextPartBegins(receipt))
        {
            // Asked for again while it is being read: to read it anew each time would be never to send it, where the disk is slower than
            // the follower is patient.
            return;
        }

        if (!IsAnswered || receipt.Resend || wantsRecords != WantsRecords)
        {
            (IsAnswered, WantsRecords) = (true, wantsRecords);
            Attempt++;
            _unacknowledged.Clear();
            (NextSequence, NextOffset) = (receipt.NextSequence, receipt.NextOffset);
            return;
        }

        while (_unacknowledged.TryPeek(out (ulong Sequence, long Offset) part) && part.Sequence <= receipt.NextSequence && part.Offset <= receipt.NextOffset)
        {
            _unacknowledged.Dequeue();
        }
    }

    /// <summary>A part was sent; these places come next.</summary>
    public void NoteSent(ulong nextSequence, long nextOffset)
    {
        (NextSequence, NextOffset) = (nextSequence, nextOffset);
        _unacknowledged.Enqueue((nextSequence, nextOffset));
    }

    private bool IsWhereNextPartBegins(SnapshotReceipt receipt) =>
        _unacknowledged.Count == 0 && receipt.NextSequence == NextSequence && receipt.NextOffset == NextOffset;
}
