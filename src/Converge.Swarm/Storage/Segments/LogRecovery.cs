namespace Converge.Swarm.Storage;

/// <summary>What opening a log found and did.</summary>
/// <param name="Segments">How many segment files there are.</param>
/// <param name="FirstNumber">The first record kept.</param>
/// <param name="NextNumber">The number after the last record found.</param>
/// <param name="TornTail">What a crash left half written and was cut, or null.</param>
public sealed record LogRecovery(int Segments, ulong FirstNumber, ulong NextNumber, TornTail? TornTail);

/// <summary>
/// A group of records that a crash caught between its write and its flush. It was never acknowledged; it has been overwritten with
/// zeros, durably.
/// </summary>
/// <param name="File">The segment file.</param>
/// <param name="Offset">Where the group began.</param>
/// <param name="Bytes">How many bytes from there on held something of it.</param>
public sealed record TornTail(string File, long Offset, long Bytes);

/// <summary>One record of a log.</summary>
/// <param name="Number">Its number; dense from 1.</param>
/// <param name="Bytes">What was appended.</param>
public readonly record struct LogRecord(ulong Number, ReadOnlyMemory<byte> Bytes);
