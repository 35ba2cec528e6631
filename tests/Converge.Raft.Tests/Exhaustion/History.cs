using System.Runtime.InteropServices;
using Converge.Core;

namespace Converge.Raft.Tests.Exhaustion;

/// <summary>
/// What the past of a state must not be forgotten for: who led each term, and what was committed, in which term. As small as it can be,
/// since states that differ in it are different states.
/// </summary>
/// <param name="Leaders">Four bits a term: who led it, or zero.</param>
/// <param name="Committed">The longest log that anybody knew to be committed.</param>
/// <param name="CommittedIn">Four bits an entry of <paramref name="Committed"/>: the term in which it was committed.</param>
internal readonly record struct History(ulong Leaders, int Committed, ulong CommittedIn)
{
    public NodeId LeaderOf(Term term) => new((Leaders >> (int)(4 * term.Value)) & 15);

    public Term TermOfCommit(int entry) => new((CommittedIn >> (4 * entry)) & 15);

    public History WithLeader(Term term, NodeId leader) => this with { Leaders = Leaders | (leader.Value << (int)(4 * term.Value)) };

    public History WithCommitted(LogTree logs, int committed, Term term)
    {
        ulong terms = CommittedIn;
        for (int entry = logs.Length(Committed); entry < logs.Length(committed); entry++)
        {
            terms |= term.Value << (4 * entry);
        }

        return this with { Committed = committed, CommittedIn = terms };
    }
}

/// <summary>All pasts that occur, numbered.</summary>
internal sealed class Histories(LogTree logs, Relabellings relabellings, int maxTerm)
{
    private readonly Dictionary<History, int> _numbers = [];
    private readonly List<History> _histories = [];
    private readonly List<ulong[]> _prints = [];

    public History this[int number] => _histories[number];

    public ulong[] PrintsOf(int number) => _prints[number];

    public int NumberOf(in History history)
    {
        ref int number = ref CollectionsMarshal.GetValueRefOrAddDefault(_numbers, history, out bool isKnown);
        if (!isKnown)
        {
            number = _histories.Count;
            _histories.Add(history);
            var prints = new ulong[relabellings.Count];
            for (int i = 0; i < prints.Length; i++)
            {
                var print = StateFingerprint.Relabelled(relabellings[i]);
                for (ulong term = 1; term <= (ulong)maxTerm; term++)
                {
                    print.Add(history.LeaderOf(new Term(term)));
                }

                print.Add(logs.PrintOf(history.Committed));
                print.Add(history.CommittedIn);
                prints[i] = (ulong)print.Value;
            }

            _prints.Add(prints);
        }

        return number;
    }
}
