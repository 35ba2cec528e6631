using System.Buffers;

namespace Converge.Swarm.Storage;

/// <summary>How the Raft log is kept.</summary>
public sealed record RaftLogStoreOptions
{
    /// <summary>The size of a segment file, allocated ahead.</summary>
    public int SegmentBytes { get; init; } = 64 * 1024 * 1024;

    /// <summary>The greatest size of what is written at once, and so flushed together.</summary>
    public int MaxGroupBytes { get; init; } = 16 * 1024 * 1024;

    /// <summary>The greatest size of one batch in its encoding.</summary>
    public int MaxBatchBytes { get; init; } = 8 * 1024 * 1024;

    /// <summary>The log was there before; an empty folder is then a lost log and refused.</summary>
    public bool MustExist { get; init; }
}

/// <summary>
/// The durable Raft log of a node, in the folder <c>raft</c> of its data folder: <see cref="LogBatch"/>es as records of a
/// <see cref="SegmentedLog"/>. For one thread; <see cref="PrepareNextSegment"/> may run on another.
/// </summary>
public sealed class RaftLogStore : IDisposable
{
    /// <summary>The folder below the data folder.</summary>
    public const string FolderName = "raft";

    /// <summary>What the segments say they are for.</summary>
    public const string Purpose = "raft";

    private const int ReplayRecords = 4096;
    private const int ReplayBytes = 4 * 1024 * 1024;

    private readonly SegmentedLog _log;
    private readonly RaftLogStoreOptions _options;
    private readonly LiveRecords _live;

    private RaftLogStore(SegmentedLog log, RaftLogStoreOptions options, LogOutline outline, LiveRecords live)
    {
        _log = log;
        _options = options;
        _live = live;
        Outline = outline;
    }

    /// <summary>What is appended, flushed or not; without the entries' data.</summary>
    public LogOutline Outline { get; private set; }

    /// <summary>What opening the files found and did.</summary>
    public LogRecovery Recovery => _log.Recovery;

    /// <summary>True when it is time to call <see cref="PrepareNextSegment"/>.</summary>
    public bool ShouldPrepareNextSegment => _log.ShouldPrepareNextSegment;

    /// <summary>Opens the log of a data folder, or begins a new one.</summary>
    /// <param name="disk">The disk.</param>
    /// <param name="dataFolder">The node's data folder.</param>
    /// <param name="options">Sizes.</param>
    /// <param name="recovered">All that is durable; the store keeps no reference to its entries.</param>
    /// <exception cref="LogDamagedException">The log is not what was written. Nothing was changed.</exception>
    /// <exception cref="WrongLogException">The files are another log, or in an unknown format.</exception>
    /// <exception cref="DiskFullException">There is no room for a first segment.</exception>
    /// <exception cref="IOException">The disk failed.</exception>
    public static RaftLogStore Open(IDisk disk, string dataFolder, RaftLogStoreOptions options, out LogModel recovered)
    {
        ArgumentNullException.ThrowIfNull(options);
        var folder = Path.Combine(dataFolder, FolderName);
        var log = SegmentedLog.Open(disk, folder, new SegmentedLogOptions
        {
            Purpose = Purpose,
            SegmentBytes = options.SegmentBytes,
            MaxGroupBytes = options.MaxGroupBytes,
            MaxRecordBytes = options.MaxBatchBytes,
            MustExist = options.MustExist,
        });
        try
        {
            var live = new LiveRecords();
            recovered = Replay(log, live);
            return new RaftLogStore(log, options, recovered.Outline, live);
        }
        catch
        {
            log.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Writes batches, from the first on as many as fit into one group, with one write. They are durable after <see cref="Flush"/>, which
    /// must come before the next call.
    /// </summary>
    /// <returns>How many were taken, at least one; the rest is for the next call.</returns>
    /// <exception cref="LogOrderException">One of those that fit breaks a rule of the log. Nothing was changed.</exception>
    /// <exception cref="RecordTooLargeException">The first is larger than a batch may be. Nothing was changed.</exception>
    /// <exception cref="DiskFullException">There is no room for another segment. Nothing was changed; try again when there is room.</exception>
    /// <exception cref="LogFailedException">A write or flush failed, now or before. It is not known what is on the disk.</exception>
    /// <exception cref="InvalidOperationException">What was appended before is not flushed.</exception>
    public int Append(IReadOnlyList<LogBatch> batches)
    {
        ArgumentNullException.ThrowIfNull(batches);
        if (batches.Count == 0)
        {
            throw new ArgumentException("There is nothing to append.", nameof(batches));
        }

        var taken = CountThatFit(batches, out var bytes);
        var encoded = ArrayPool<byte>.Shared.Rent(bytes);
        try
        {
            var outline = Outline;
            var records = new ReadOnlyMemory<byte>[taken];
            for (int i = 0, used = 0; i < taken; i++)
            {
                outline = outline.After(batches[i]);
                var record = encoded.AsMemory(used, (int)LogBatchCodec.Measure(batches[i]));
                LogBatchCodec.Encode(batches[i], record.Span);
                records[i] = record;
                used += record.Length;
            }

            var number = _log.Append(records);
            for (var i = 0; i < taken; i++)
            {
                _live.Note(number + (ulong)i, batches[i]);
            }

            Outline = outline;
            return taken;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(encoded);
        }
    }

    /// <summary>Makes what was appended durable.</summary>
    /// <exception cref="LogFailedException">The flush failed, or something before it: the process must exit and recover.</exception>
    public void Flush() => _log.Flush();

    /// <summary>Allocates the next segment file ahead; see <see cref="SegmentedLog.PrepareNextSegment"/>.</summary>
    /// <exception cref="DiskFullException">There is no room. Nothing was changed.</exception>
    /// <exception cref="IOException">The disk failed; the log is as it was.</exception>
    public void PrepareNextSegment() => _log.PrepareNextSegment();

    /// <summary>
    /// Deletes the segment files in which nothing matters any more: all entries are covered by the last mark or taken back. Everything
    /// must be flushed.
    /// </summary>
    /// <exception cref="LogFailedException">The folder could not be flushed, or something failed before.</exception>
    /// <exception cref="IOException">A file could not be deleted; it is still part of the log.</exception>
    public void RemoveObsolete() => _log.RemoveBefore(_live.First);

    /// <summary>Reads every byte of the log.</summary>
    /// <returns>How many batches were found whole.</returns>
    /// <exception cref="LogDamagedException">The first damage found.</exception>
    public ulong Verify() => _log.Verify();

    /// <summary>Closes the files. What was not flushed may be lost.</summary>
    public void Dispose() => _log.Dispose();

    private static LogModel Replay(SegmentedLog log, LiveRecords live)
    {
        var model = new LogModel();
        var remainder = log.FirstNumber == 1 ? null : new LogRemainder();
        for (var number = log.FirstNumber; number < log.NextNumber;)
        {
            foreach (var record in log.Read(number, ReplayRecords, ReplayBytes))
            {
                Explain(log, record.Number, () =>
                {
                    var batch = LogBatchCodec.Decode(record.Bytes);
                    live.Note(record.Number, batch);
                    if (remainder is null)
                    {
                        model.Apply(batch);
                    }
                    else
                    {
                        remainder.Apply(batch);
                    }
                });
                number = record.Number + 1;
            }
        }

        if (remainder is not null)
        {
            Explain(log, log.FirstNumber, () => model.Apply(remainder.ToBatch()));
        }

        return model;
    }

    /// <summary>A record that is whole and makes no sense was damaged before it was written.</summary>
    private static void Explain(SegmentedLog log, ulong number, Action replay)
    {
        try
        {
            replay();
        }
        catch (Exception e) when (e is LogBatchFormatException or LogOrderException)
        {
            var (file, offset) = log.Locate(number);
            throw new LogDamagedException(file, offset, $"what stands there is whole and cannot be replayed from record {number} on: {e.Message}", e);
        }
    }

    private int CountThatFit(IReadOnlyList<LogBatch> batches, out int encodedBytes)
    {
        encodedBytes = 0;
        var payload = 0L;
        var count = 0;
        for (; count < batches.Count; count++)
        {
            var bytes = LogBatchCodec.Measure(batches[count]);
            payload += GroupHeader.RecordPrefixBytes + bytes;
            if (count > 0 && (bytes > _options.MaxBatchBytes || GroupHeader.GroupBytes(payload) > _options.MaxGroupBytes))
            {
                break;
            }

            if (bytes > _options.MaxBatchBytes)
            {
                throw new RecordTooLargeException("A log batch", bytes, _options.MaxBatchBytes);
            }

            // No more than a group has.
            encodedBytes += (int)bytes;
        }

        return count;
    }
}
