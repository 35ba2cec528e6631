using Converge.Core;
using Converge.Raft;
using Converge.Swarm.Actors;

namespace Converge.Swarm.Simulation;

/// <summary>
/// Every entry that some node ever knew to be committed, as that node had it. What is committed is committed for good, so whatever differs
/// from it later is wrong.
/// </summary>
internal sealed class CommittedLog
{
    private readonly List<Entry> _entries = [];

    /// <summary>The entries that the founding snapshot stands for are committed from the beginning.</summary>
    public static LogIndex First => Founding.Mark.Index.Next;

    public LogIndex Last => Founding.Mark.Index + (ulong)_entries.Count;

    public Term TermAt(LogIndex index) => index <= Founding.Mark.Index ? Founding.Mark.Term : this[index].Term;

    public Entry this[LogIndex index] => _entries[(int)(index.Value - First.Value)];

    /// <summary>Takes in what a node knows to be committed and nobody knew before.</summary>
    /// <returns>The first index that is new; null when nothing is.</returns>
    public LogIndex? Extend(NodeObservation node)
    {
        LogIndex commit = node.CommitIndex;
        if (commit <= Last)
        {
            return null;
        }

        LogIndex first = Last.Next;
        while (Last < commit && node.TryGetEntry(Last.Next, out Entry entry))
        {
            _entries.Add(entry);
        }

        return first;
    }
}
