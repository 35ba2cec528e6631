using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using Converge.Raft;

namespace Converge.Swarm.Simulation;

/// <summary>
/// Watches one simulated run and objects when something holds no longer that must always hold. It looks after every step, so it should
/// look only at what the step changed.
/// </summary>
/// <remarks>A checker belongs to one run, keeps what it has seen, and changes nothing: a run with it is the same run, bit for bit.</remarks>
public interface ISimulationChecker
{
    /// <summary>What must hold, in a few words: what a failing campaign names.</summary>
    string Name { get; }

    /// <summary>Before the first step.</summary>
    void Begin(ISimulationView view);

    /// <summary>After every step, also those in which a node stopped or came back.</summary>
    /// <param name="step">What happened; the same object each time, valid until the next step.</param>
    /// <exception cref="CheckFailedException">Something does not hold (<see cref="Require"/>).</exception>
    void AfterStep(SimulationStep step);

    /// <summary>After the last step: for what can only be judged then.</summary>
    /// <exception cref="CheckFailedException">Something does not hold.</exception>
    void AtEnd()
    {
    }

    /// <summary>Objects unless something holds. The message is only built when it does not.</summary>
    /// <exception cref="CheckFailedException">It does not hold.</exception>
    void Require(
        [DoesNotReturnIf(false)] bool holds,
        [InterpolatedStringHandlerArgument(nameof(holds))] ref InvariantMessage otherwise)
    {
        if (!holds)
        {
            throw new CheckFailedException(Name, otherwise.ToText());
        }
    }
}

/// <summary>What a checker can see of a run beside the step.</summary>
public interface ISimulationView
{
    /// <summary>All nodes that ever were, by position.</summary>
    IReadOnlyList<NodeObservation> Nodes { get; }

    /// <summary>What the clients did and were told.</summary>
    OperationHistory History { get; }

    /// <summary>The order that all nodes apply, as far as any got.</summary>
    AgreedLog Agreed { get; }

    /// <summary>What the run is made of.</summary>
    SimulatedSwarmOptions Options { get; }

    /// <summary>The time in microseconds since the run began.</summary>
    long NowMicroseconds { get; }

    /// <summary>Since when nothing is broken any more; null while something may be.</summary>
    HealingPhase? Healing { get; }
}

/// <summary>Something that must always hold did not.</summary>
public sealed class CheckFailedException : Exception
{
    /// <summary><paramref name="checker"/> found that <paramref name="what"/>.</summary>
    public CheckFailedException(string checker, string what)
        : base($"{checker}: {what}")
    {
        Checker = checker;
        What = what;
    }

    /// <summary>Something went wrong that no checker looked for.</summary>
    public CheckFailedException(string checker, string what, Exception inner)
        : base($"{checker}: {what}", inner)
    {
        Checker = checker;
        What = what;
    }

    /// <summary>The name of what should hold.</summary>
    public string Checker { get; }

    /// <summary>What does not hold, with the values.</summary>
    public string What { get; }
}
