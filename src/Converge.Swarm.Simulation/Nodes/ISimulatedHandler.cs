using Converge.Core;
using Converge.Swarm.Actors;

namespace Converge.Swarm.Simulation;

/// <summary>
/// An embedding program's own code in the process of one simulated node. It lives as long as the process: a crash takes it away with all
/// it holds, and the next start makes a new one.
/// </summary>
/// <remarks>
/// It must be as deterministic as the actors are: time, randomness and everything else from its <see cref="ISimulatedProcess"/>, no task,
/// no thread, no clock.
/// </remarks>
public interface ISimulatedHandler
{
    /// <summary>The node has started.</summary>
    void Started(ISimulatedProcess process);

    /// <summary>The node tells whoever listens.</summary>
    void Happened(SwarmEvent happened);
}

/// <summary>The process in which a handler runs. Its calls answer later, by a callback in the same process; never if the process ends before.</summary>
public interface ISimulatedProcess
{
    /// <summary>The node.</summary>
    NodeId Node { get; }

    /// <summary>The virtual time since the run began.</summary>
    TimeSpan Now { get; }

    /// <summary>Random numbers of this process's own; the same in every run of the seed.</summary>
    SimulationRandom Random { get; }

    /// <summary>Submits a fact through this node.</summary>
    void Submit(FactSubmission submission, Action<CommitAnswer> answered);

    /// <summary>Asks for a proposal through this node.</summary>
    void Read(string proposalId, ReadConsistency consistency, Action<QueryAnswer<ProposalView?>> answered);

    /// <summary>Records of this node's ledger, from a sequence number on; durable or not.</summary>
    IReadOnlyList<LedgerRecord> Records(ulong fromSequence, int limit);

    /// <summary>Has something done later.</summary>
    void After(TimeSpan delay, Action action);
}
