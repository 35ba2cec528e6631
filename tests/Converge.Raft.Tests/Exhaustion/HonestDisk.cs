using Converge.Core;

namespace Converge.Raft.Tests.Exhaustion;

/// <summary>Writes all of what it is given, in its order, and answers then.</summary>
internal class HonestDisk : IDiskBehaviour
{
    /// <summary>Has no state of its own: one is enough.</summary>
    public static readonly HonestDisk Instance = new();

    /// <inheritdoc/>
    public virtual ReadOnlyMemory<Message> Accept(in Message work) => default;

    /// <inheritdoc/>
    public virtual ReadOnlyMemory<Message> Write(InMemoryRaftStorage durable, in Message work)
    {
        ArgumentNullException.ThrowIfNull(durable);
        if (work.Term > Term.Zero)
        {
            durable.SetHardState(new HardState(work.Term, work.Vote, work.Commit));
        }

        StorageChange change = durable.Append(work.Entries.Span);
        Invariant.Check(change == StorageChange.Done, $"Entries from {(work.Entries.IsEmpty ? LogIndex.Zero : work.Entries.Span[0].Index)} do not fit the disk: {change}.");
        return work.Responses;
    }

    /// <inheritdoc/>
    public virtual void Crash(InMemoryRaftStorage durable)
    {
    }
}
