using Converge.Core;
using Converge.Swarm.Ledger;

namespace Converge.Swarm.Actors;

/// <summary>What a node's state was at one applied index. Two nodes' digests at the same index are equal, or one of them is wrong.</summary>
/// <param name="Index">The applied index.</param>
/// <param name="Digest">The apply digest there.</param>
public readonly record struct DigestMark(LogIndex Index, Hash256 Digest);

/// <summary>Remembers the digests of the last applied entries, to compare them with what peers report.</summary>
internal sealed class DigestHistory(int capacity)
{
    private readonly DigestMark[] _marks = new DigestMark[capacity];

    /// <summary>The latest mark; index zero before the first.</summary>
    public DigestMark Latest { get; private set; }

    /// <summary>Adds the mark of the next applied entry.</summary>
    public void Add(DigestMark mark)
    {
        _marks[mark.Index.Value % (ulong)_marks.Length] = mark;
        Latest = mark;
    }

    /// <summary>True when this node knows its own digest at that index and it is another.</summary>
    public bool Contradicts(DigestMark theirs)
    {
        DigestMark ours = _marks[theirs.Index.Value % (ulong)_marks.Length];
        return theirs.Index != LogIndex.Zero && ours.Index == theirs.Index && ours.Digest != theirs.Digest;
    }
}
