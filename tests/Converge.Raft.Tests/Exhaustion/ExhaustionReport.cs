using System.Collections.Immutable;

namespace Converge.Raft.Tests.Exhaustion;

/// <summary>How a search ended.</summary>
internal enum ExhaustionOutcome
{
    /// <summary>Everything within the scope was looked at, and all that must hold held.</summary>
    Exhausted = 0,

    /// <summary>Something that must hold did not.</summary>
    Violated,

    /// <summary><see cref="ExhaustionOptions.MaxDepth"/> was reached; everything up to there was looked at.</summary>
    DepthReached,

    /// <summary><see cref="ExhaustionOptions.MaxStates"/> was reached.</summary>
    StatesReached,

    /// <summary><see cref="ExhaustionOptions.MaxNodeStates"/> was reached.</summary>
    NodeStatesReached,

    /// <summary>The caller had no more time.</summary>
    Stopped,
}

/// <summary>What a search found.</summary>
/// <param name="Outcome">How it ended.</param>
/// <param name="States">Different states, symmetric ones counted once.</param>
/// <param name="Transitions">Steps from one state to another, to known ones included.</param>
/// <param name="NodeStates">Different states of single nodes.</param>
/// <param name="Messages">Different messages.</param>
/// <param name="ProtocolSteps">How often the protocol was run: once for each different state of a node and what happens to it.</param>
/// <param name="Depth">The longest shortest way from the first state, in actions.</param>
/// <param name="LevelSizes">New states by their distance from the first.</param>
/// <param name="Elected">Elections won, counted over all transitions.</param>
/// <param name="Committed">Transitions in which something came to be committed.</param>
/// <param name="Truncated">Transitions in which a log lost entries to another leader's.</param>
/// <param name="Violation">With <see cref="ExhaustionOutcome.Violated"/>: what did not hold; otherwise null.</param>
/// <param name="Trace">With a violation: a shortest way to it, an action a line.</param>
internal sealed record ExhaustionReport(
    ExhaustionOutcome Outcome,
    long States,
    long Transitions,
    long NodeStates,
    long Messages,
    long ProtocolSteps,
    int Depth,
    ImmutableArray<long> LevelSizes,
    long Elected,
    long Committed,
    long Truncated,
    string? Violation,
    ImmutableArray<string> Trace);
