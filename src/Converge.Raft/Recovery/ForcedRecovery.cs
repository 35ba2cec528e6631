using System.Collections.Immutable;
using Converge.Core;

namespace Converge.Raft;

/// <summary>
/// The last resort when so many voters are lost for good that the rest are no quorum: one survivor's log is declared to be the truth, and
/// the survivor the only voter. It breaks what Raft promises, namely that nothing committed is lost, and no protocol can do better: an
/// operator decides that it is better than nothing.
/// </summary>
/// <remarks>
/// <para>Pure: reads a storage and works out what to write. The host writes it, tells everybody, and starts the node.</para>
/// <para>
/// It only adds to the log. The whole log counts as committed, since what reached the survivor may have been acknowledged to a client. The
/// members are changed by entries, one after another and each of them valid, so that every later member that reads the log comes to the
/// same configuration, and the marker before them shows for ever where force was used.
/// </para>
/// <para>
/// The new entries are of a term far above the old one: a former member that comes back in spite of everything on its old disk is behind,
/// is no member, and is not elected. Several of them that are a quorum of the former members elect each other all the same, and nothing
/// in the protocol keeps them from it: a host that names its cluster to its peers gives it a new name here.
/// </para>
/// <para>With several survivors, the one whose log is the most complete (<see cref="CompareLogs"/>) is to be chosen; the others are abandoned.</para>
/// </remarks>
public static class ForcedRecovery
{
    /// <summary>By how much the term is raised. More elections than a lost member can have held on its own.</summary>
    public const ulong TermDistance = 1UL << 20;

    private const long PageBytes = 1 << 20;

    /// <summary>Which of two logs is the more complete one, by the rule of elections (Raft paper, section 5.4.1): negative when the first is behind.</summary>
    public static int CompareLogs(IRaftStorage first, IRaftStorage second)
    {
        ArgumentNullException.ThrowIfNull(first);
        ArgumentNullException.ThrowIfNull(second);
        int byTerm = LastTerm(first).CompareTo(LastTerm(second));
        return byTerm != 0 ? byTerm : first.LastIndex.CompareTo(second.LastIndex);
    }

    /// <summary>Works out how to go on from a survivor's storage.</summary>
    /// <param name="storage">The survivor's storage; not changed.</param>
    /// <param name="request">What the operator states.</param>
    /// <param name="plan">What to write; null with a fault.</param>
    /// <returns>Why not, or <see cref="ForcedRecoveryFault.None"/>.</returns>
    /// <exception cref="InvariantViolationException">The storage contradicts itself.</exception>
    public static ForcedRecoveryFault TryPlan(IRaftStorage storage, ForcedRecoveryRequest request, out ForcedRecoveryPlan? plan)
    {
        ArgumentNullException.ThrowIfNull(storage);
        ArgumentNullException.ThrowIfNull(request);
        plan = null;
        if (request.Marker.IsEmpty)
        {
            return ForcedRecoveryFault.MarkerMissing;
        }

        InitialState initial = storage.InitialState();
        if (storage.LastIndex == LogIndex.Zero || initial.Configuration.Voters.IsEmpty)
        {
            return ForcedRecoveryFault.LogEmpty;
        }

        RaftOptions options = OptionsFor(request.Survivor);
        Membership membership = Membership.Restore(initial.Configuration, storage.LastIndex, options);
        LogIndex applied = LogIndex.Max(request.Applied, storage.FirstIndex.Previous);
        if (!TryReplay(storage, applied, options, ref membership))
        {
            return ForcedRecoveryFault.LogUnavailable;
        }

        ConfigurationState before = membership.Configuration;
        if (FindFault(before, request) is var fault && fault != ForcedRecoveryFault.None)
        {
            return fault;
        }

        Term lastTerm = LastTerm(storage);
        Term term = new(Math.Max(initial.HardState.Term.Value, lastTerm.Value) + TermDistance);
        ImmutableArray<Entry> entries = EntriesFor(request, storage.LastIndex, term, options, ref membership);
        var lost = request.LostVoters.ToHashSet();
        plan = new ForcedRecoveryPlan(
            request.Survivor,
            entries,
            new HardState(term, NodeId.None, entries[^1].Index),
            before,
            membership.Configuration,
            storage.LastIndex,
            lastTerm,
            LogIndex.Max(initial.HardState.Commit, applied),
            [.. MembersOf(before).Where(member => member != request.Survivor && !lost.Contains(member))]);
        return ForcedRecoveryFault.None;
    }

    private static ForcedRecoveryFault FindFault(ConfigurationState configuration, ForcedRecoveryRequest request)
    {
        if (!configuration.IsMember(request.Survivor))
        {
            return ForcedRecoveryFault.SurvivorNotMember;
        }

        ImmutableArray<NodeId> lostVoters = request.LostVoters.IsDefault ? [] : request.LostVoters;
        HashSet<NodeId> lost = [];
        foreach (NodeId node in lostVoters)
        {
            if (node == request.Survivor)
            {
                return ForcedRecoveryFault.SurvivorNamedLost;
            }

            if (!configuration.IsVoter(node) || !lost.Add(node))
            {
                return ForcedRecoveryFault.NotAVoter;
            }
        }

        VoteResult tally = JointQuorum.Tally(configuration.Voters.AsSpan(), configuration.VotersOutgoing.AsSpan(), new Presence(lost));
        return tally == VoteResult.Won ? ForcedRecoveryFault.QuorumRemains : ForcedRecoveryFault.None;
    }

    /// <summary>Puts every change in force that is in the log and not applied yet, committed or not. False when the log cannot be read.</summary>
    private static bool TryReplay(IRaftStorage storage, LogIndex applied, RaftOptions options, ref Membership membership)
    {
        LogIndex end = storage.LastIndex.Next;
        for (LogIndex from = applied.Next; from < end;)
        {
            if (storage.Entries(from, end, PageBytes, out ReadOnlyMemory<Entry> page) != LogReadStatus.Ok)
            {
                return false;
            }

            Invariant.Check(!page.IsEmpty && page.Span[0].Index == from, $"Storage answered a read from {from} with {page.Length} entries that do not start there.");
            foreach (ref readonly Entry entry in page.Span)
            {
                // A change that does not fit changes nothing, as on every node.
                if (ConfigurationChange.Decode(entry.Kind, entry.Data) is { } change)
                {
                    ConfigurationChanger.Apply(membership, change, entry.Index, options, out membership);
                }
            }

            from += (ulong)page.Length;
        }

        return true;
    }

    private static ImmutableArray<Entry> EntriesFor(
        ForcedRecoveryRequest request, LogIndex last, Term term, RaftOptions options, ref Membership membership)
    {
        NodeId survivor = request.Survivor;
        ImmutableArray<Entry>.Builder entries = ImmutableArray.CreateBuilder<Entry>();
        entries.Add(new Entry(term, last.Next, EntryKind.Normal, request.Marker));
        if (membership.Configuration.IsJoint)
        {
            Add(ConfigurationChange.Leave, ref membership);
        }

        if (!membership.Configuration.IsVoter(survivor))
        {
            Add(new ConfigurationChange([new MemberChange(MemberChangeKind.AddVoter, survivor)]), ref membership);
        }

        foreach (NodeId node in MembersOf(membership.Configuration))
        {
            if (node != survivor)
            {
                Add(new ConfigurationChange([new MemberChange(MemberChangeKind.Remove, node)]), ref membership);
            }
        }

        Invariant.Check(
            membership.Configuration.Equals(ConfigurationState.OfVoters(survivor)),
            $"The recovery of {survivor} ends in {membership.Configuration}.");
        return entries.ToImmutable();

        void Add(ConfigurationChange change, ref Membership current)
        {
            LogIndex index = entries[^1].Index.Next;
            ConfigurationFault fault = ConfigurationChanger.Apply(current, change, index, options, out Membership next);
            Invariant.Check(fault == ConfigurationFault.None, $"A change to recover {survivor} from {current.Configuration} is {fault}.");
            entries.Add(new Entry(term, index, change.EntryKind, change.Encode()));
            current = next;
        }
    }

    private static IEnumerable<NodeId> MembersOf(ConfigurationState configuration) =>
        configuration.Voters.Concat(configuration.VotersOutgoing).Concat(configuration.Learners).Distinct().Order();

    private static Term LastTerm(IRaftStorage storage)
    {
        LogReadStatus status = storage.Term(storage.LastIndex, out Term term);
        Invariant.Check(status == LogReadStatus.Ok, $"The term of the last entry {storage.LastIndex} is {status}.");
        return term;
    }

    /// <summary>The arithmetic of members asks for bounds of windows that are never used here.</summary>
    private static RaftOptions OptionsFor(NodeId survivor) => new() { Id = survivor, Random = NoRandom.Instance };

    private readonly struct Presence(HashSet<NodeId> lost) : IBallots
    {
        public Ballot Of(NodeId voter) => lost.Contains(voter) ? Ballot.Rejected : Ballot.Granted;
    }

    private sealed class NoRandom : IRandomSource
    {
        public static readonly NoRandom Instance = new();

        public int Next(int exclusiveMax) => 0;
    }
}
