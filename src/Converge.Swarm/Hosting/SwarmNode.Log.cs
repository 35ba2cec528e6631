using Converge.Core;
using Microsoft.Extensions.Logging;

namespace Converge.Swarm;

public sealed partial class SwarmNode
{
    [LoggerMessage(1, LogLevel.Information, "Node {Node} of swarm '{Cluster}' starts on {Folder} from a snapshot of entry {Snapshot}: its log ends at entry {LastIndex}, term {Term}, {Records} records in its ledger.")]
    private static partial void LogStarting(ILogger logger, NodeId node, string cluster, string folder, LogIndex snapshot, LogIndex lastIndex, Term term, ulong records);

    [LoggerMessage(2, LogLevel.Warning, "A torn tail was cut off {File} at offset {Offset} ({Bytes} bytes): the last write before a crash, never acknowledged.")]
    private static partial void LogTornTail(ILogger logger, string file, long offset, long bytes);

    [LoggerMessage(3, LogLevel.Information, "Node {Leader} leads in term {Term}.")]
    private static partial void LogLeader(ILogger logger, NodeId leader, Term term);

    [LoggerMessage(4, LogLevel.Warning, "No leader is known in term {Term}.")]
    private static partial void LogNoLeader(ILogger logger, Term term);

    [LoggerMessage(5, LogLevel.Critical, "The state of node {Peer} differs from this node's at applied index {Index}: one of the two is wrong.")]
    private static partial void LogDiverged(ILogger logger, NodeId peer, LogIndex index);

    [LoggerMessage(6, LogLevel.Error, "The disk has no room for another log segment. Nothing is acknowledged here until it has.")]
    private static partial void LogNoSpace(ILogger logger);

    [LoggerMessage(7, LogLevel.Information, "The disk has room again.")]
    private static partial void LogSpaceAgain(ILogger logger);

    [LoggerMessage(8, LogLevel.Error, "The disk has not confirmed a write for a suspiciously long time; this node neither leads nor stands for election until it does.")]
    private static partial void LogStalled(ILogger logger);

    [LoggerMessage(9, LogLevel.Information, "The disk confirms writes again.")]
    private static partial void LogStallOver(ILogger logger);

    [LoggerMessage(10, LogLevel.Critical, "The node stops: {Reason}")]
    private static partial void LogFailed(ILogger logger, string reason, Exception exception);

    [LoggerMessage(11, LogLevel.Information, "The node stopped{How}.")]
    private static partial void LogStopped(ILogger logger, string how);

    [LoggerMessage(12, LogLevel.Error, "The disk has no room for another ledger segment. Nothing is acknowledged here until it has.")]
    private static partial void LogNoLedgerSpace(ILogger logger);

    [LoggerMessage(13, LogLevel.Information, "The disk has room for the ledger again.")]
    private static partial void LogLedgerSpaceAgain(ILogger logger);

    [LoggerMessage(14, LogLevel.Information, "A snapshot of entry {Index} was written ({Bytes} bytes).")]
    private static partial void LogSnapshotTaken(ILogger logger, LogIndex index, long bytes);

    [LoggerMessage(15, LogLevel.Warning, "The disk has no room for a snapshot; it will be tried again.")]
    private static partial void LogSnapshotPostponed(ILogger logger);

    [LoggerMessage(16, LogLevel.Information, "The snapshot of entry {Index} was sent to node {Peer}.")]
    private static partial void LogSnapshotSent(ILogger logger, LogIndex index, NodeId peer);

    [LoggerMessage(17, LogLevel.Warning, "The snapshot of entry {Index} could not be sent to node {Peer}: nothing more was heard of it. It goes on when it is heard of.")]
    private static partial void LogSnapshotNotSent(ILogger logger, LogIndex index, NodeId peer);

    [LoggerMessage(18, LogLevel.Information, "This node goes on from a snapshot of entry {Index} that it was sent ({Bytes} bytes).")]
    private static partial void LogSnapshotInstalled(ILogger logger, LogIndex index, long bytes);

    [LoggerMessage(19, LogLevel.Warning, "What was received of the snapshot of entry {Index} from node {Peer} was refused and is asked for again: {Reason}")]
    private static partial void LogSnapshotRefused(ILogger logger, LogIndex index, NodeId peer, string reason);

    [LoggerMessage(20, LogLevel.Information, "The members changed with entry {Index}: {Configuration}.")]
    private static partial void LogMembers(ILogger logger, LogIndex index, string configuration);

    [LoggerMessage(21, LogLevel.Warning, "This node was removed from the swarm by entry {Index}. It serves what it has and takes no part any more.")]
    private static partial void LogRemoved(ILogger logger, LogIndex index);
}
