using System.Collections.Immutable;
using Converge.Core;

namespace Converge.Raft.Tests.Exhaustion;

/// <summary>The ways to give the nodes each other's names. The first changes nothing.</summary>
internal sealed class Relabellings
{
    private readonly ImmutableArray<ImmutableArray<NodeId>> _all;

    public Relabellings(int nodes, bool isFolding)
    {
        List<ImmutableArray<NodeId>> all = [];
        NodeId[] names = [.. Enumerable.Range(0, nodes + 1).Select(id => new NodeId((ulong)id))];
        Permute(names, 1, isFolding, all);
        _all = [.. all];
    }

    public int Count => _all.Length;

    /// <summary>The new name of each node, by its old one; the first place stands for nobody.</summary>
    public ImmutableArray<NodeId> this[int at] => _all[at];

    private static void Permute(NodeId[] names, int from, bool isFolding, List<ImmutableArray<NodeId>> all)
    {
        if (from >= names.Length - 1)
        {
            all.Add([.. names]);
            return;
        }

        for (int i = from; i < (isFolding ? names.Length : from + 1); i++)
        {
            (names[from], names[i]) = (names[i], names[from]);
            Permute(names, from + 1, isFolding, all);
            (names[from], names[i]) = (names[i], names[from]);
        }
    }
}
