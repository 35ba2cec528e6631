namespace Converge.Swarm.Simulation;

/// <summary>
/// What an object does when operations come one after the other: the measure of linearizability (Herlihy and Wing 1990). One object for
/// each key; operations on different keys do not influence each other, so that each key is judged alone.
/// </summary>
/// <typeparam name="TState">The state of one key. Immutable, and equal when nothing can tell two of them apart.</typeparam>
/// <typeparam name="TInput">What is asked.</typeparam>
/// <typeparam name="TOutput">What is answered.</typeparam>
public interface ISequentialModel<TState, in TInput, in TOutput>
    where TState : notnull
{
    /// <summary>The state of a key that nothing has happened to.</summary>
    TState Initial { get; }

    /// <summary>The key that an operation is about.</summary>
    string KeyOf(TInput input);

    /// <summary>Whether an operation may be answered so in this state.</summary>
    /// <param name="state">The state before it.</param>
    /// <param name="input">What was asked.</param>
    /// <param name="output">What was answered.</param>
    /// <param name="next">The state after it; without meaning when it may not.</param>
    bool TryStep(TState state, TInput input, TOutput output, out TState next);

    /// <summary>
    /// True when an operation that was answered so leaves every state as it is in which it may be answered so: a read, a refusal. It spares
    /// the search most of its work; false is always right.
    /// </summary>
    bool LeavesState(TInput input, TOutput output);

    /// <summary>The state after an operation whose answer nobody knows, if it takes effect in this one.</summary>
    TState StepUnknown(TState state, TInput input);

    /// <summary>An operation in a few words, for whoever reads why a history is not linearizable.</summary>
    /// <param name="input">What was asked.</param>
    /// <param name="output">What was answered; without meaning when that is not known.</param>
    /// <param name="isKnown">Whether the answer is known.</param>
    string Describe(TInput input, TOutput? output, bool isKnown);
}
