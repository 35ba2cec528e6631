using Converge.Core;
using Converge.Raft;
using Converge.Swarm.Storage;

namespace Converge.Swarm.Simulation;

/// <summary>A simulated node as a checker sees it.</summary>
internal sealed class LiveNodeObservation(SimulatedNode node) : NodeObservation
{
    public override NodeId Id => node.Id;

    public override int Position => node.Position;

    public override bool IsRunning => node.IsRunning;

    public override uint Life => node.Life;

    public override RaftRole Role => node.Protocol?.Role ?? RaftRole.Follower;

    public override Term Term => node.Protocol?.Term ?? Term.Zero;

    public override NodeId Leader => node.Protocol?.Leader ?? NodeId.None;

    public override NodeId Vote => node.Protocol?.Machine.Vote ?? NodeId.None;

    public override int ElectionElapsedTicks => node.Protocol?.Machine.ElectionElapsedTicks ?? 0;

    public override LogIndex CommitIndex => node.Protocol?.CommitIndex ?? LogIndex.Zero;

    public override LogIndex LastIndex => node.Protocol?.LastIndex ?? LogIndex.Zero;

    public override LogIndex FirstIndex => node.Protocol?.Machine.Log.FirstIndex ?? LogIndex.Zero;

    public override ConfigurationState Configuration => node.Protocol?.Configuration ?? ConfigurationState.Empty;

    public override LogModel Durable => node.Durable;

    public override ulong LedgerSequence => node.Ledger?.LastSequence ?? 0;

    public override LedgerHead? LedgerHead => node.Ledger?.Head;

    public override bool TryGetEntry(LogIndex index, out Entry entry)
    {
        if (node.Protocol?.Machine.Log is { } log
            && index >= log.FirstIndex
            && index <= log.LastIndex
            && log.Slice(index, index.Next, long.MaxValue, out ReadOnlyMemory<Entry> entries) == LogReadStatus.Ok)
        {
            entry = entries.Span[0];
            return true;
        }

        entry = default;
        return false;
    }

    public override bool TryGetTerm(LogIndex index, out Term term)
    {
        if (node.Protocol?.Machine.Log is { } log && log.Term(index, out term) == LogReadStatus.Ok)
        {
            return true;
        }

        term = Term.Zero;
        return false;
    }
}
