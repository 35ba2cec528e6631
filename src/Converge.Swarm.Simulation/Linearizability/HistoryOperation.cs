using System.Runtime.InteropServices;

namespace Converge.Swarm.Simulation;

/// <summary>One operation of a history: what a client asked and was told, and when.</summary>
/// <typeparam name="TInput">What is asked.</typeparam>
/// <typeparam name="TOutput">What is answered.</typeparam>
[StructLayout(LayoutKind.Auto)]
public readonly record struct HistoryOperation<TInput, TOutput>
{
    private HistoryOperation(int client, TInput input, long calledAt, TOutput? output, long? returnedAt)
    {
        Client = client;
        Input = input;
        CalledAt = calledAt;
        Output = output;
        ReturnedAt = returnedAt;
    }

    /// <summary>Whose it is; only shown.</summary>
    public int Client { get; }

    /// <summary>What was asked.</summary>
    public TInput Input { get; }

    /// <summary>When it was asked. Any unit that all clients of a history share.</summary>
    public long CalledAt { get; }

    /// <summary>What was answered; without meaning while <see cref="ReturnedAt"/> is null.</summary>
    public TOutput? Output { get; }

    /// <summary>When it was answered; null when it never was: then it takes effect at any time after the call, or never.</summary>
    public long? ReturnedAt { get; }

    /// <summary>An operation that was answered.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It was answered before it was asked.</exception>
    public static HistoryOperation<TInput, TOutput> Answered(int client, TInput input, long calledAt, TOutput output, long returnedAt)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(returnedAt, calledAt);
        return new HistoryOperation<TInput, TOutput>(client, input, calledAt, output, returnedAt);
    }

    /// <summary>An operation whose outcome nobody knows.</summary>
    public static HistoryOperation<TInput, TOutput> Unknown(int client, TInput input, long calledAt) => new(client, input, calledAt, default, null);
}
