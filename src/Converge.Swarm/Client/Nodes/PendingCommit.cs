using Converge.Core;

namespace Converge.Swarm.Nodes;

/// <summary>
/// One command on its way to a node; its task completes with the node's answer, or fails with an <see cref="AttemptFailedException"/>.
/// </summary>
/// <param name="command">The encoded command.</param>
/// <param name="begunAt">When it began, a timestamp of the client's clock.</param>
internal sealed class PendingCommit(ReadOnlyMemory<byte> command, long begunAt) : TaskCompletionSource<CommitAnswer>(TaskCreationOptions.RunContinuationsAsynchronously)
{
    private const int Queued = 0;
    private const int Sent = 1;
    private const int Withdrawn = 2;

    private int _state = Queued;

    public ReadOnlyMemory<byte> Command { get; } = command;

    /// <summary>When it began, a timestamp of the client's clock.</summary>
    public long BegunAt { get; } = begunAt;

    /// <summary>Before its first byte leaves. False when nobody waits for it any more: then it must not.</summary>
    public bool TrySend() => Interlocked.CompareExchange(ref _state, Sent, Queued) == Queued;

    /// <summary>Nobody waits for it any more. True when it certainly never leaves.</summary>
    public bool TryWithdraw() => Interlocked.CompareExchange(ref _state, Withdrawn, Queued) != Sent;

    /// <summary>There is no answer; whether it may have arrived follows from whether it was sent.</summary>
    public void Fail(string message)
    {
        if (!Task.IsCompleted)
        {
            Fail(new AttemptFailedException(message, mayHaveArrived: !TryWithdraw()));
        }
    }

    /// <summary>There is no answer.</summary>
    public void Fail(AttemptFailedException failed)
    {
        TrySetException(failed);

        // Whoever gave up waiting does not look any more.
        _ = Task.Exception;
    }
}
