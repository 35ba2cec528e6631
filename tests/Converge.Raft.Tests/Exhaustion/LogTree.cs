using System.Runtime.InteropServices;
using Converge.Core;

namespace Converge.Raft.Tests.Exhaustion;

/// <summary>
/// All logs that occur, as a tree: a log is the vertex of its last entry, and its prefixes are the vertices above. What Raft says about
/// prefixes is then a walk upwards. The root is the log that ends with the snapshot from which all nodes start.
/// </summary>
internal sealed class LogTree
{
    public const int Root = 0;

    private readonly List<Vertex> _vertices = [new Vertex(-1, 0, default, 0)];
    private readonly Dictionary<Vertex, int> _numbers = [];

    /// <summary>Entries behind the root.</summary>
    public int Length(int log) => _vertices[log].Length;

    public Term TermOf(int log) => _vertices[log].Term;

    /// <summary>A number that is the same for the same entries.</summary>
    public ulong PrintOf(int log) => _vertices[log].Print;

    public int Append(int log, in Entry entry)
    {
        StateFingerprint print = default;
        print.Add(_vertices[log].Print);
        print.Add(entry);
        var vertex = new Vertex(log, _vertices[log].Length + 1, entry.Term, (ulong)print.Value);
        ref int number = ref CollectionsMarshal.GetValueRefOrAddDefault(_numbers, vertex, out bool isKnown);
        if (!isKnown)
        {
            number = _vertices.Count;
            _vertices.Add(vertex);
        }

        return number;
    }

    /// <summary>The first entries of a log; the whole log when it has no more.</summary>
    public int Prefix(int log, int length)
    {
        while (_vertices[log].Length > length)
        {
            log = _vertices[log].Parent;
        }

        return log;
    }

    public bool IsPrefix(int prefix, int log) => Prefix(log, Length(prefix)) == prefix;

    /// <summary>Whether two logs that have an entry of the same index and term are the same up to there (Raft paper, section 5.3).</summary>
    public bool Match(int first, int second)
    {
        int length = Math.Min(Length(first), Length(second));
        first = Prefix(first, length);
        second = Prefix(second, length);
        while (first != second)
        {
            if (_vertices[first].Term == _vertices[second].Term)
            {
                return false;
            }

            first = _vertices[first].Parent;
            second = _vertices[second].Parent;
        }

        return true;
    }

    private readonly record struct Vertex(int Parent, int Length, Term Term, ulong Print);
}
