using Converge.Core;

namespace Converge.Swarm.Actors;

/// <summary>How far a follower is with a snapshot that it is being sent.</summary>
internal enum ArrivalStage
{
    /// <summary>The file is being received.</summary>
    File,

    /// <summary>The file is there; it is being checked.</summary>
    Checking,

    /// <summary>The ledger's records are being received.</summary>
    Records,

    /// <summary>All records are there; they are being made durable.</summary>
    Completing,

    /// <summary>The node has it.</summary>
    Arrived,
}

/// <summary>A snapshot that a follower is being sent. What is known of it outlives the transfer, and the leader.</summary>
internal sealed class IncomingSnapshot(ulong arrival, NodeId from, SnapshotOffer offer)
{
    /// <summary>Which one it is, of all that this node was ever sent: the answer of a work for another one says nothing about this.</summary>
    public ulong Arrival { get; } = arrival;

    /// <summary>Who sends it; nobody while another leader may go on with it.</summary>
    public NodeId From { get; set; } = from;

    public SnapshotOffer Offer { get; set; } = offer;

    public ArrivalStage Stage { get; set; }

    /// <summary>The file has the bytes before this one.</summary>
    public long NextOffset { get; set; }

    /// <summary>The bytes before this one were given away to be written.</summary>
    public long GivenOffset { get; set; }

    /// <summary>The records before this one were taken.</summary>
    public ulong NextSequence { get; set; } = 1;

    /// <summary>The records before this one were given away to be taken.</summary>
    public ulong GivenSequence { get; set; } = 1;

    /// <summary>When something of use came last.</summary>
    public long ProgressTick { get; set; }

    /// <summary>When a receipt was last sent.</summary>
    public long ReceiptTick { get; set; }

    /// <summary>When what found no room is tried again; zero when nothing is to be.</summary>
    public long RetryTick { get; set; }

    /// <summary>Nothing that was given away is still unanswered: what is lacking has to come from the sender.</summary>
    public bool IsWaitingForSender => Stage switch
    {
        ArrivalStage.File => GivenOffset == NextOffset,
        ArrivalStage.Records => GivenSequence == NextSequence,
        _ => false,
    };

    /// <summary>Whether it is the same snapshot, whoever offers it: of one entry every node writes the same bytes.</summary>
    public bool IsSame(SnapshotOffer other) =>
        other.Mark == Offer.Mark && other.FileBytes == Offer.FileBytes && other.LastSequence == Offer.LastSequence && other.LastHash == Offer.LastHash;
}
