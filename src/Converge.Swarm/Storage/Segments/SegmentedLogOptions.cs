namespace Converge.Swarm.Storage;

/// <summary>What a segmented log is for and how large things may be.</summary>
public sealed record SegmentedLogOptions
{
    /// <summary>
    /// What the log is for, such as <c>raft</c> or <c>ledger</c>: 1 to 32 characters of printable ASCII. It is written into every
    /// segment; a log of another purpose is refused.
    /// </summary>
    public required string Purpose { get; init; }

    /// <summary>
    /// The size of a new segment file, allocated ahead; a multiple of 512. Segments that are there keep the size they were made with.
    /// </summary>
    public int SegmentBytes { get; init; } = 64 * 1024 * 1024;

    /// <summary>
    /// The greatest size of one group with its header and padding, so also of what a crash can tear. Larger ones waste more at
    /// the end of a segment. Must leave room for the segment's header and seal.
    /// </summary>
    public int MaxGroupBytes { get; init; } = 16 * 1024 * 1024;

    /// <summary>
    /// Nobody waits for this log's flushes: the room of its segments is reserved and not written with zeros, which spares writing everything
    /// twice and makes each flush dearer.
    /// </summary>
    public bool IsInBackground { get; init; }

    /// <summary>The greatest size of one record.</summary>
    public int MaxRecordBytes { get; init; } = 4 * 1024 * 1024;

    /// <summary>No record is ever removed: the log must begin with record 1, and <see cref="SegmentedLog.RemoveBefore"/> is refused.</summary>
    public bool Permanent { get; init; }

    /// <summary>
    /// The log was there before: an empty folder is a lost log, not a new one, and <see cref="SegmentedLog.Open"/> throws
    /// <see cref="LogDamagedException"/>.
    /// </summary>
    public bool MustExist { get; init; }

    /// <summary>Throws when the values do not fit together.</summary>
    /// <exception cref="ArgumentException">Says which one and why.</exception>
    internal static void Validate(SegmentedLogOptions options)
    {
        Require(
            options.Purpose is { Length: >= 1 and <= SegmentHeader.MaxPurposeLength } purpose && purpose.All(c => c is > ' ' and <= '~'),
            $"Purpose \"{options.Purpose}\" must be 1 to {SegmentHeader.MaxPurposeLength} characters of printable ASCII.");
        Require(
            options.SegmentBytes % SegmentHeader.SectorBytes == 0,
            $"SegmentBytes {options.SegmentBytes} must be a multiple of {SegmentHeader.SectorBytes}.");
        Require(
            options.MaxRecordBytes >= 1 && options.MaxGroupBytes >= GroupHeader.GroupBytes(GroupHeader.RecordPrefixBytes + (long)options.MaxRecordBytes),
            $"MaxGroupBytes {options.MaxGroupBytes} must have room for a record of MaxRecordBytes {options.MaxRecordBytes}, at least 1.");
        Require(
            options.SegmentBytes - SegmentHeader.Bytes - GroupHeader.Bytes >= options.MaxGroupBytes,
            $"SegmentBytes {options.SegmentBytes} must have room for a group of MaxGroupBytes {options.MaxGroupBytes}.");

        void Require(bool holds, string otherwise)
        {
            if (!holds)
            {
                throw new ArgumentException(otherwise, nameof(options));
            }
        }
    }
}
