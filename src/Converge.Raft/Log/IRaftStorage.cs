using Converge.Core;

namespace Converge.Raft;

/// <summary>What came of reading the durable log.</summary>
public enum LogReadStatus : byte
{
    /// <summary>Here it is.</summary>
    Ok = 0,

    /// <summary>It was compacted away; a snapshot stands for it.</summary>
    Compacted = 1,

    /// <summary>It is there but not at hand; a later try may find it. Changes nothing about what is in the log.</summary>
    Unavailable = 2,
}

/// <summary>What a node knows when it starts.</summary>
/// <param name="HardState">The last hard state that was made durable.</param>
/// <param name="Configuration">The configuration in force at the index that is given as <see cref="RaftOptions.Applied"/>, or of the snapshot.</param>
public readonly record struct InitialState(HardState HardState, ConfigurationState Configuration);

/// <summary>The durable log as the protocol reads it. The protocol never writes: what is to be written is in <see cref="Ready"/>.</summary>
/// <remarks>
/// <para>
/// All members are called on the thread that calls the <see cref="RaftNode"/>, and must answer at once. What can only be read from a
/// disk is answered as <see cref="LogReadStatus.Unavailable"/> and fetched by the host in the meantime; the protocol asks again (for
/// followers with their next heartbeat response, for entries to apply with the next tick or <see cref="RaftNode.ResumeReading"/>).
/// Indexes above the last commit index that was handed out must always be at hand.
/// </para>
/// <para>
/// A failed read must never look like the end of the log, or a follower's log would be cut to match: throw instead. The exception
/// passes through the <see cref="RaftNode"/>, which must not be used after it.
/// </para>
/// </remarks>
public interface IRaftStorage
{
    /// <summary>The first index that is not compacted; one more than the snapshot's when the log is empty.</summary>
    LogIndex FirstIndex { get; }

    /// <summary>The last index; one less than <see cref="FirstIndex"/> when the log is empty.</summary>
    LogIndex LastIndex { get; }

    /// <summary>What the node knew when it was last stopped. Asked once, at the start.</summary>
    InitialState InitialState();

    /// <summary>The entries from <paramref name="from"/> up to but without <paramref name="to"/>, at least one, further ones while their sizes stay within a bound.</summary>
    /// <param name="from">At most <see cref="LastIndex"/>.</param>
    /// <param name="to">Greater than <paramref name="from"/>, at most one more than <see cref="LastIndex"/>.</param>
    /// <param name="maxBytes">The bound on the sum of <see cref="Entry.SizeBytes"/>; the first entry is given whatever its size.</param>
    /// <param name="entries">With <see cref="LogReadStatus.Ok"/> the entries, otherwise empty. Never written to again.</param>
    LogReadStatus Entries(LogIndex from, LogIndex to, long maxBytes, out ReadOnlyMemory<Entry> entries);

    /// <summary>The term of an entry, or of the place just before <see cref="FirstIndex"/>.</summary>
    /// <param name="index">At most <see cref="LastIndex"/>.</param>
    /// <param name="term">With <see cref="LogReadStatus.Ok"/> the term, otherwise zero.</param>
    LogReadStatus Term(LogIndex index, out Term term);

    /// <summary>The newest snapshot that can be sent to a follower; null when none is at hand yet, in which case the protocol asks again.</summary>
    Snapshot? Snapshot();
}
