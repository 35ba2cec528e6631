namespace Converge.Swarm.Simulation;

/// <summary>How a network treats the messages between nodes.</summary>
public sealed record NetworkConditions
{
    /// <summary>The shortest time a message takes, in microseconds.</summary>
    public long MinLatencyMicroseconds { get; init; } = 300;

    /// <summary>The longest time a message takes, a rare delay excepted, in microseconds. Messages overtake each other within this span.</summary>
    public long MaxLatencyMicroseconds { get; init; } = 3_000;

    /// <summary>How many in a million are lost.</summary>
    public int LossMillionths { get; init; }

    /// <summary>How many in a million arrive a second time.</summary>
    public int RepetitionMillionths { get; init; }

    /// <summary>How many in a million are held up.</summary>
    public int DelayMillionths { get; init; }

    /// <summary>By how much at most, in microseconds.</summary>
    public long MaxDelayMicroseconds { get; init; } = 2_000_000;

    /// <summary>Messages between two nodes keep their order, as on one connection.</summary>
    public bool KeepsOrder { get; init; }

    /// <summary>How many in a million pass through the wire format: encoded by the sender and decoded by the receiver.</summary>
    public int EncodedMillionths { get; init; } = 250_000;
}
