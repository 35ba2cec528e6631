using Converge.Core;
using Converge.Swarm.Ledger;
using Converge.Swarm.Members;

namespace Converge.Swarm.Governance;

/// <summary>
/// The governance state as it was at one applied index, for a snapshot. What is applied later does not touch it, so that another thread
/// may write it. Holds what changed since the last snapshot and the sessions; the rest is in that snapshot's file, which must stay open.
/// </summary>
public sealed class FrozenState
{
    internal FrozenState(GovernanceState state, StateSnapshotFile? below, ProposalTable changed, FrozenSessions sessions)
    {
        Index = state.AppliedIndex;
        Term = state.AppliedTerm;
        LastStamp = state.LastStamp;
        LastSequence = state.LastSequence;
        LastHash = state.LastHash;
        Digest = state.Digest;
        ProposalCount = state.ProposalCount;
        Members = state.Members;
        Base = below;
        Changed = changed;
        Sessions = sessions;
    }

    /// <summary>The last entry applied.</summary>
    public LogIndex Index { get; }

    /// <summary>The term of that entry.</summary>
    public Term Term { get; }

    /// <summary>The stamp of the last stamped entry applied.</summary>
    public CommandStamp LastStamp { get; }

    /// <summary>
    /// The sequence number of the last ledger record. A snapshot of this state may be put in force, and the log compacted behind it, only
    /// when the ledger is durable up to here (<see cref="GovernanceLedger.DurableSequence"/>).
    /// </summary>
    public ulong LastSequence { get; }

    /// <summary>The hash of that record; zero when there is none.</summary>
    public Hash256 LastHash { get; }

    /// <summary>The apply digest.</summary>
    public Hash256 Digest { get; }

    /// <summary>How many proposals were ever created.</summary>
    public ulong ProposalCount { get; }

    /// <summary>Who takes part.</summary>
    public MemberTable Members { get; }

    /// <summary>How many proposals changed since the last snapshot.</summary>
    public int ChangedProposals => Changed.Count;

    /// <summary>The snapshot that holds all proposals but those in <see cref="Changed"/>.</summary>
    internal StateSnapshotFile? Base { get; }

    internal ProposalTable Changed { get; }

    internal FrozenSessions Sessions { get; }
}
