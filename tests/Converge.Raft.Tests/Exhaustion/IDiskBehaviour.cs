namespace Converge.Raft.Tests.Exhaustion;

/// <summary>
/// What a node's disk does with the work that the node hands out. The only part of the scope that a test replaces, to plant a fault.
/// Pure but for the storage that it is given: the same calls, the same outcome.
/// </summary>
internal interface IDiskBehaviour
{
    /// <summary>A node hands out a <see cref="MessageKind.StorageAppend"/>.</summary>
    /// <returns>Answers that go out before anything is written; an honest disk has none.</returns>
    ReadOnlyMemory<Message> Accept(in Message work);

    /// <summary>Makes the oldest work durable.</summary>
    /// <param name="durable">What survives a crash.</param>
    /// <param name="work">The work.</param>
    /// <returns>The answers that go out now.</returns>
    ReadOnlyMemory<Message> Write(InMemoryRaftStorage durable, in Message work);

    /// <summary>The node crashes: whatever is not in the storage is lost. An honest disk keeps all of that.</summary>
    void Crash(InMemoryRaftStorage durable);
}
