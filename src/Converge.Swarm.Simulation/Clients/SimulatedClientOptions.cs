namespace Converge.Swarm.Simulation;

/// <summary>How patient a simulated client is.</summary>
public sealed record SimulatedClientOptions
{
    /// <summary>The shortest and the longest time that a request or an answer is under way, in microseconds.</summary>
    public (long Least, long Greatest) LatencyMicroseconds { get; init; } = (100, 2_000);

    /// <summary>After how many milliseconds without an answer a node is given up and another asked.</summary>
    public int AttemptMilliseconds { get; init; } = 4_000;

    /// <summary>The longest time in milliseconds between two attempts.</summary>
    public int MaxPauseMilliseconds { get; init; } = 2_000;

    /// <summary>After how many milliseconds an operation is given up.</summary>
    public int OperationMilliseconds { get; init; } = 20_000;

    /// <summary>How many submissions in a million are sent to a second node at the same time, under the same command id.</summary>
    public int DuplicateMillionths { get; init; }
}
