using System.Collections.Immutable;
using Converge.Core;
using Converge.Raft;
using Converge.Swarm.Ledger;
using Converge.Swarm.Storage;

namespace Converge.Swarm.Simulation;

/// <summary>
/// One node as a checker sees it: what its actors hold at this moment, and what its disk is known to keep. A node that is down has only
/// what its disk keeps.
/// </summary>
/// <remarks>Whoever tests a checker may make nodes of his own.</remarks>
public abstract class NodeObservation
{
    /// <summary>The node.</summary>
    public abstract NodeId Id { get; }

    /// <summary>Its place among all nodes that ever were, from 0.</summary>
    public abstract int Position { get; }

    /// <summary>True from its start to its end; a paused process runs.</summary>
    public abstract bool IsRunning { get; }

    /// <summary>How often it was started.</summary>
    public abstract uint Life { get; }

    /// <summary>Its part in its term.</summary>
    public abstract RaftRole Role { get; }

    /// <summary>Its term, durable or not.</summary>
    public abstract Term Term { get; }

    /// <summary>Whom it takes for the leader.</summary>
    public abstract NodeId Leader { get; }

    /// <summary>For whom it voted in its term, durable or not.</summary>
    public abstract NodeId Vote { get; }

    /// <summary>How many ticks it has waited for a sign of its leader.</summary>
    public abstract int ElectionElapsedTicks { get; }

    /// <summary>What it knows to be committed.</summary>
    public abstract LogIndex CommitIndex { get; }

    /// <summary>The end of its log, durable or not.</summary>
    public abstract LogIndex LastIndex { get; }

    /// <summary>The first entry of its log in memory.</summary>
    public abstract LogIndex FirstIndex { get; }

    /// <summary>The last entry that its state machine has applied.</summary>
    public virtual LogIndex AppliedIndex { get; internal set; }

    /// <summary>The apply digest there.</summary>
    public virtual Hash256 Digest { get; internal set; }

    /// <summary>The members as its protocol sees them.</summary>
    public abstract ConfigurationState Configuration { get; }

    /// <summary>
    /// What its disk keeps through any crash, or kept when its machine was lost: every batch that was flushed, in order. Kept by the simulation itself, apart from the store
    /// under test, and compared with what the store finds at each start.
    /// </summary>
    public abstract LogModel Durable { get; }

    /// <summary>The last record of its ledger, durable or not; zero while it is down.</summary>
    public abstract ulong LedgerSequence { get; }

    /// <summary>The last record of its ledger that a crash cannot take away, as its ledger said last.</summary>
    public virtual ulong DurableLedgerSequence { get; internal set; }

    /// <summary>The end of its ledger with the root of its tree, computed when asked; null while it is down.</summary>
    public abstract LedgerHead? LedgerHead { get; }

    /// <summary>An entry of its log, durable or not; false when it has none there.</summary>
    public abstract bool TryGetEntry(LogIndex index, out Entry entry);

    /// <summary>The term of an entry of its log, or of the one before the first; false when it knows none.</summary>
    public abstract bool TryGetTerm(LogIndex index, out Term term);

    /// <summary>The members that it counts as voters now, of both halves in a joint configuration.</summary>
    public ImmutableArray<NodeId> Voters => Configuration.Voters;
}
