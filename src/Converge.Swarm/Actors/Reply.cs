using Converge.Core;

namespace Converge.Swarm.Actors;

/// <summary>
/// Where the answer to a request goes. To the actor it is an address it sends one message to; what is behind it (a task, an actor
/// reference, a simulated client) is the host's business.
/// </summary>
public abstract class Reply<T>
{
    /// <summary>Sends the answer. An actor sends exactly one.</summary>
    public abstract void Send(T answer);

    /// <summary>For a host that ends: there will be no answer, because whoever would give it is gone.</summary>
    public virtual void Abandon(SwarmUnavailableException reason)
    {
    }
}

/// <summary>A reply that completes a task. The continuation never runs on the actor's thread.</summary>
public sealed class TaskReply<T> : Reply<T>
{
    private readonly TaskCompletionSource<T> _source = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Completes with the answer.</summary>
    public Task<T> Task => _source.Task;

    /// <inheritdoc/>
    public override void Send(T answer) => _source.TrySetResult(answer);

    /// <inheritdoc/>
    public override void Abandon(SwarmUnavailableException reason) => _source.TrySetException(reason);
}
