using System.Collections.Immutable;
using Converge.Core;
using Converge.Raft;
using Converge.Swarm.Ledger;
using Converge.Swarm.Storage;

namespace Converge.Swarm.Simulation;

/// <summary>
/// One node as a checker sees it: what its actors hold at this moment, and what its disk is known to keep. Of a node that is down, the
/// protocol's values are those of its end.
/// </summary>
public sealed class NodeObservation
{
    private readonly SimulatedNode _node;

    internal NodeObservation(SimulatedNode node)
    {
        _node = node;
    }

    /// <summary>The node.</summary>
    public NodeId Id => _node.Id;

    /// <summary>Its place among all nodes that ever were, from 0.</summary>
    public int Position => _node.Position;

    /// <summary>True from its start to its end; a paused process runs.</summary>
    public bool IsRunning => _node.IsRunning;

    /// <summary>How often it was started.</summary>
    public uint Life => _node.Life;

    /// <summary>Its part in its term.</summary>
    public RaftRole Role => _node.Protocol?.Role ?? RaftRole.Follower;

    /// <summary>Its term, durable or not.</summary>
    public Term Term => _node.Protocol?.Term ?? Term.Zero;

    /// <summary>Whom it takes for the leader.</summary>
    public NodeId Leader => _node.Protocol?.Leader ?? NodeId.None;

    /// <summary>Its vote as handed to its log, durable or not.</summary>
    public NodeId Vote => _node.Storage?.HardState.Vote ?? NodeId.None;

    /// <summary>What it knows to be committed.</summary>
    public LogIndex CommitIndex => _node.Protocol?.CommitIndex ?? LogIndex.Zero;

    /// <summary>The end of its log, durable or not.</summary>
    public LogIndex LastIndex => _node.Protocol?.LastIndex ?? LogIndex.Zero;

    /// <summary>The last entry that its state machine has applied.</summary>
    public LogIndex AppliedIndex { get; internal set; }

    /// <summary>The apply digest there.</summary>
    public Hash256 Digest { get; internal set; }

    /// <summary>The members as its protocol sees them.</summary>
    public ConfigurationState Configuration => _node.Protocol?.Configuration ?? ConfigurationState.Empty;

    /// <summary>
    /// What its disk keeps through any crash: every batch that was flushed, in order. Kept by the simulation itself, apart from the store
    /// under test, and compared with what the store finds at each start.
    /// </summary>
    public LogModel Durable => _node.Durable;

    /// <summary>The last record of its ledger, durable or not; zero while it is down.</summary>
    public ulong LedgerSequence => _node.Ledger?.LastSequence ?? 0;

    /// <summary>The last record of its ledger that a crash cannot take away, as its ledger said last.</summary>
    public ulong DurableLedgerSequence { get; internal set; }

    /// <summary>Its ledger for reading; null while it is down.</summary>
    public GovernanceLedger? Ledger => _node.Ledger;

    /// <summary>The first entry of its log in memory.</summary>
    public LogIndex FirstIndex => _node.Storage?.FirstIndex ?? LogIndex.Zero;

    /// <summary>An entry that it has handed to its log, durable or not; false when it has none there.</summary>
    public bool TryGetEntry(LogIndex index, out Entry entry)
    {
        if (_node.Storage is { } storage
            && index >= storage.FirstIndex
            && index <= storage.LastIndex
            && storage.Entries(index, index.Next, long.MaxValue, out ReadOnlyMemory<Entry> entries) == LogReadStatus.Ok)
        {
            entry = entries.Span[0];
            return true;
        }

        entry = default;
        return false;
    }

    /// <summary>The members that it counts as voters now, of both halves in a joint configuration.</summary>
    public ImmutableArray<NodeId> Voters => Configuration.Voters;
}
