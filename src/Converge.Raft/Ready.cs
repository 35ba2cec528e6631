using System.Runtime.InteropServices;

namespace Converge.Raft;

/// <summary>
/// What the protocol wants done: written, sent, applied, answered. The parts must be handled as <see cref="RaftNode"/> describes.
/// </summary>
/// <remarks>
/// The lists <see cref="Messages"/> and <see cref="ReadStates"/> are reused: they hold until the next call of
/// <see cref="RaftNode.Ready"/>. The messages in them, with their entries, responses and snapshots, never change and may be kept.
/// </remarks>
[StructLayout(LayoutKind.Auto)]
public readonly struct Ready
{
    /// <summary>Leader and role, when one of them changed.</summary>
    public SoftState? SoftState { get; init; }

    /// <summary>What to make durable, when it changed, before any of <see cref="Messages"/> is sent (without asynchronous storage).</summary>
    public HardState? HardState { get; init; }

    /// <summary>Reads that are linearizable once their index is applied.</summary>
    public ReadOnlyMemory<ReadState> ReadStates { get; init; }

    /// <summary>Entries to make durable before any of <see cref="Messages"/> is sent (without asynchronous storage). They replace whatever stands at and after the first.</summary>
    public ReadOnlyMemory<Entry> Entries { get; init; }

    /// <summary>A snapshot to install in place of the log and the state machine, or null. Never together with <see cref="Entries"/> that precede it.</summary>
    public Snapshot? Snapshot { get; init; }

    /// <summary>Entries to apply. With asynchronous storage they are durable here, otherwise they may be among <see cref="Entries"/>.</summary>
    public ReadOnlyMemory<Entry> CommittedEntries { get; init; }

    /// <summary>
    /// Messages to send; with asynchronous storage those to local targets come last. Without it none may be sent before
    /// <see cref="HardState"/>, <see cref="Entries"/> and <see cref="Snapshot"/> are durable.
    /// </summary>
    public ReadOnlyMemory<Message> Messages { get; init; }

    /// <summary>True when what is to be made durable must be on disk, rather than merely written, before it is relied upon: entries, term or vote changed.</summary>
    public bool MustSync { get; init; }

    /// <summary>True when there is nothing to do.</summary>
    public bool IsEmpty =>
        SoftState is null && HardState is null && ReadStates.IsEmpty && Entries.IsEmpty && Snapshot is null && CommittedEntries.IsEmpty && Messages.IsEmpty;
}
