using System.Globalization;
using Converge.Core;
using Converge.Swarm.Storage;

namespace Converge.Swarm.Ledger;

/// <summary>How a node keeps its ledger.</summary>
public sealed record GovernanceLedgerOptions
{
    /// <summary>The smallest segment that has room for what a ledger writes at once.</summary>
    public const int MinSegmentBytes = 256 * 1024;

    /// <summary>The size of a new segment file; a multiple of 512 and at least <see cref="MinSegmentBytes"/>.</summary>
    public int SegmentBytes { get; init; } = 16 * 1024 * 1024;

    /// <summary>A segment has room for so many of the largest records at least, or a flush would not fit.</summary>
    internal const int RecordsPerSegment = 8;

    /// <summary>The greatest size of a record in bytes: what every record fits in, but for tests with segments smaller than usual.</summary>
    internal int MaxRecordBytes { get; init; } = MinSegmentBytes / RecordsPerSegment;

    /// <summary>The ledger was there before: an empty folder is a lost ledger, not a new one.</summary>
    public bool MustExist { get; init; }
}

/// <summary>
/// The permanent record of one node: every ledger record since the first, in a segmented log whose record numbers are the sequence
/// numbers. Nothing is ever removed or changed.
/// </summary>
/// <remarks>
/// <para>The ledger is derived from the agreed log and lags behind it: records are buffered until <see cref="Flush"/>, and after a crash
/// replaying the log brings back what was lost. The log must not be compacted past the entry of <see cref="DurableSequence"/>, and a snapshot
/// of the state not be put in force before the ledger is durable up to its end (<see cref="IsDurable"/>).</para>
/// <para>For any thread; records are appended in order by whoever has the next one, one flush runs at a time, and readers run beside both.</para>
/// </remarks>
public sealed partial class GovernanceLedger : IDisposable
{
    /// <summary>The purpose that the segment files carry.</summary>
    public const string Purpose = "ledger";

    internal const int MaxFlushBytes = 1024 * 1024;

    private const int MaxReadBytes = 4 * 1024 * 1024;
    private const int ReadAhead = 1_024;

    private readonly SegmentedLog _log;
    private readonly int _maxBufferedBytes;

    /// <summary>Guards what readers, the appender and the flusher share. Held for moments only.</summary>
    private readonly Lock _gate = new();

    /// <summary>Held by whoever flushes, for as long as the disk takes.</summary>
    private readonly Lock _flushing = new();

    /// <summary>Held while a replayed record is compared.</summary>
    private readonly Lock _replaying = new();

    // Records that are not durable yet, in order; those being flushed stay until they are.
    private readonly RecordBuffer _buffered = new();
    private readonly RecordChain _chain;
    private readonly SubtreeCompleted _extended;
    private volatile bool _nextSegmentWanted;
    private int _bufferedBytes;
    private ulong _durableSequence;

    // What replaying is compared with.
    private IReadOnlyList<LogRecord> _replay = [];

    private GovernanceLedger(SegmentedLog log, RecordChain chain, SubtreeRoots subtrees, int maxBufferedBytes)
    {
        _log = log;
        _chain = chain;
        _subtrees = subtrees;
        _extended = subtrees.Add;
        _blocks = new LeafBlocks(ReadLeaves, CheckBlock);
        _maxBufferedBytes = maxBufferedBytes;
        _durableSequence = chain.LastSequence;
    }

    /// <summary>What a crash left half written and was cut, or null. Those records were not durable; the log has them.</summary>
    public TornTail? TornTail => _log.Recovery.TornTail;

    /// <summary>The last record appended, durable or not; zero when there is none.</summary>
    public ulong LastSequence
    {
        get
        {
            lock (_gate)
            {
                return _chain.LastSequence;
            }
        }
    }

    /// <summary>The last record that a crash cannot take away.</summary>
    public ulong DurableSequence
    {
        get
        {
            lock (_gate)
            {
                return _durableSequence;
            }
        }
    }

    /// <summary>True when the buffer has no room for another record: <see cref="Flush"/> comes first.</summary>
    public bool IsFull
    {
        get
        {
            lock (_gate)
            {
                return _bufferedBytes > _maxBufferedBytes;
            }
        }
    }

    /// <summary>True when the buffer is more than half full: it is time for <see cref="Flush"/>.</summary>
    public bool IsFilling
    {
        get
        {
            lock (_gate)
            {
                return _bufferedBytes > _maxBufferedBytes / 2;
            }
        }
    }

    /// <summary>The end of the ledger, buffered records included.</summary>
    public LedgerHead Head
    {
        get
        {
            RecordChain chain;
            lock (_gate)
            {
                chain = _chain.Copy();
            }

            return chain.Head;
        }
    }

    /// <summary>
    /// Opens a ledger, or begins one. Reads every record from the checkpoint's last on, and checks that each continues the one before; those
    /// before are checked when they are read, and all of them by <see cref="LedgerVerifier"/>.
    /// </summary>
    /// <param name="disk">The disk.</param>
    /// <param name="folder">The ledger's folder.</param>
    /// <param name="options">Sizes.</param>
    /// <param name="checkpoint">
    /// The end of the ledger at the snapshot in force (<see cref="Governance.StateSnapshotFile.ReadLedgerCheckpoint"/>); null to read everything.
    /// </param>
    /// <exception cref="LedgerDamagedException">A record is not what was written. Nothing was changed but a torn tail.</exception>
    /// <exception cref="LedgerIncompleteException">The ledger ends before the checkpoint. Nothing was changed but a torn tail.</exception>
    /// <exception cref="LogDamagedException">The files are damaged; as <see cref="SegmentedLog.Open"/>.</exception>
    /// <exception cref="WrongLogException">The files are those of another log.</exception>
    /// <exception cref="DiskFullException">There is no room for a first segment.</exception>
    /// <exception cref="ArgumentException">The options do not fit together.</exception>
    /// <exception cref="IOException">The disk failed.</exception>
    public static GovernanceLedger Open(IDisk disk, string folder, GovernanceLedgerOptions options, LedgerCheckpoint? checkpoint = null)
    {
        int leastBytes = GovernanceLedgerOptions.RecordsPerSegment * options.MaxRecordBytes;
        if (options.SegmentBytes < leastBytes)
        {
            throw new ArgumentException(
                $"A segment of the ledger has at least {leastBytes} bytes, not {options.SegmentBytes}.", nameof(options));
        }

        // The whole buffer would fit in one group: with its framing that is less than twice the records' bytes.
        int maxGroupBytes = options.SegmentBytes / 2;
        var log = SegmentedLog.Open(disk, folder, new SegmentedLogOptions
        {
            Purpose = Purpose,
            SegmentBytes = options.SegmentBytes,
            MaxGroupBytes = maxGroupBytes,
            MaxRecordBytes = options.MaxRecordBytes,
            IsInBackground = true,
            Permanent = true,
            MustExist = options.MustExist,
        });
        try
        {
            checkpoint ??= LedgerCheckpoint.Empty;
            SubtreeRoots subtrees = checkpoint.NewSubtrees();
            return new GovernanceLedger(log, Recover(log, checkpoint, subtrees), subtrees, (maxGroupBytes / 2) - options.MaxRecordBytes);
        }
        catch
        {
            log.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Takes the next record into the buffer. A record that the ledger has already, as in a replay after a restart, is compared with it
    /// instead (<see cref="CheckReplayed(EncodedRecord)"/>).
    /// </summary>
    /// <exception cref="LedgerDivergedException">The record does not continue the ledger, or differs from the one that is there.</exception>
    /// <exception cref="InvalidOperationException"><see cref="IsFull"/>. Nothing was changed.</exception>
    public void Append(EncodedRecord record)
    {
        ArgumentNullException.ThrowIfNull(record);
        Append(record.View);
    }

    /// <summary>As above. The record is copied.</summary>
    internal void Append(in RecordView record)
    {
        lock (_gate)
        {
            if (TryExtend(record))
            {
                return;
            }
        }

        CheckReplayed(record);
    }

    /// <summary>Compares a record with the one of the same number that is there.</summary>
    /// <exception cref="LedgerDivergedException">They differ in any byte, or there is none of that number.</exception>
    public void CheckReplayed(EncodedRecord record)
    {
        ArgumentNullException.ThrowIfNull(record);
        CheckReplayed(record.View);
    }

    private void CheckReplayed(in RecordView record)
    {
        if (record.Sequence == 0 || record.Sequence > LastSequence)
        {
            throw new LedgerDivergedException(record.Sequence, "the ledger does not have it.");
        }

        if (!Stored(record.Sequence).Span.SequenceEqual(record.Bytes))
        {
            throw new LedgerDivergedException(record.Sequence, "applying the log gives other bytes than the ledger holds.");
        }
    }

    /// <summary>
    /// Writes everything buffered and makes it durable, in groups of at most <see cref="MaxFlushBytes"/>: whoever wants one record reads its whole
    /// group, and a flush of the agreed log, for which commits wait, comes between two of them. Records may be appended meanwhile.
    /// </summary>
    /// <exception cref="DiskFullException">There is no room. The records that are not durable stay buffered; try again when there is room.</exception>
    /// <exception cref="LogFailedException">A write or flush failed. It is never tried again: the process must exit.</exception>
    public void Flush()
    {
        lock (_flushing)
        {
            int left;
            lock (_gate)
            {
                left = _buffered.Count;
            }

            while (left > 0)
            {
                left -= FlushGroup(left);
                _nextSegmentWanted = _log.ShouldPrepareNextSegment;
            }
        }
    }

    /// <summary>True when the last flush found that it is time for <see cref="PrepareNextSegment"/>. For any thread.</summary>
    public bool ShouldPrepareNextSegment => _nextSegmentWanted;

    /// <summary>Allocates the next segment file ahead; for a background thread. As <see cref="SegmentedLog.PrepareNextSegment"/>.</summary>
    /// <exception cref="DiskFullException">There is no room. Nothing was changed.</exception>
    public void PrepareNextSegment()
    {
        _log.PrepareNextSegment();
        _nextSegmentWanted = false;
    }

    /// <summary>
    /// Reads records in order and without gaps from <paramref name="fromSequence"/> on, buffered ones included: at most
    /// <paramref name="limit"/>, fewer when they are large or the ledger ends, none only past its end. For any thread.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">The sequence is zero, or the limit is not positive.</exception>
    /// <exception cref="LogDamagedException">A record is not as it was written.</exception>
    /// <exception cref="LogFailedException">A write or flush failed before.</exception>
    /// <exception cref="IOException">The disk failed.</exception>
    public IReadOnlyList<EncodedRecord> Read(ulong fromSequence, int limit)
    {
        ArgumentOutOfRangeException.ThrowIfZero(fromSequence);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(limit);
        EncodedRecord[] buffered = Buffered(fromSequence, limit, out ulong durable);
        var records = new List<EncodedRecord>();
        while (fromSequence <= durable && records.Count < limit)
        {
            IReadOnlyList<LogRecord> stored = _log.Read(fromSequence, (int)Math.Min((ulong)(limit - records.Count), durable - fromSequence + 1), MaxReadBytes);
            records.AddRange(stored.Select(record => EncodedRecord.FromBytes(record.Bytes.Span)));
            fromSequence += (ulong)stored.Count;
            if (stored.Sum(record => (long)record.Bytes.Length) >= MaxReadBytes / 2)
            {
                return records;
            }
        }

        records.AddRange(buffered.Take(limit - records.Count));
        return records;
    }

    /// <summary>Closes the files. Buffered records that were not flushed are not written; replaying the log brings them back.</summary>
    public void Dispose() => _log.Dispose();

    private static RecordChain Recover(SegmentedLog log, LedgerCheckpoint checkpoint, SubtreeRoots subtrees)
    {
        RecordChain chain = checkpoint.Sequence == 0 ? new RecordChain() : Resume(log, checkpoint, subtrees);
        for (ulong number = checkpoint.Sequence + 1; number < log.NextNumber;)
        {
            foreach (LogRecord stored in log.Read(number, ReadAhead, MaxReadBytes))
            {
                EncodedRecord record = FromStored(log, stored);
                if (chain.Objection(record.Envelope) is { } objection)
                {
                    throw Damaged(log, stored.Number, objection, inner: null);
                }

                chain.Extend(record, subtrees.Add);
                number++;
            }
        }

        return chain;
    }

    private static EncodedRecord FromStored(SegmentedLog log, LogRecord stored)
    {
        EncodedRecord record;
        try
        {
            record = EncodedRecord.FromBytes(stored.Bytes.Span);
        }
        catch (MalformedEncodingException malformed)
        {
            throw Damaged(log, stored.Number, malformed.Message, malformed);
        }

        return record.Sequence == stored.Number
            ? record
            : throw Damaged(log, stored.Number, string.Create(CultureInfo.InvariantCulture, $"It says that it is record {record.Sequence}."), inner: null);
    }

    private static LedgerDamagedException Damaged(SegmentedLog log, ulong sequence, string what, Exception? inner)
    {
        (string file, long offset) = log.Locate(sequence);
        return new LedgerDamagedException(sequence, file, offset, what, inner);
    }

    /// <summary>Makes the first of so many buffered records durable, and says how many. Within the lock of the flusher.</summary>
    private int FlushGroup(int maxRecords)
    {
        ReadOnlyMemory<byte>[] group;
        lock (_gate)
        {
            group = _buffered.First(maxRecords, Math.Min(MaxFlushBytes, _maxBufferedBytes));
        }

        _log.Append(group);
        _log.Flush();
        lock (_gate)
        {
            _buffered.RemoveFirst(group.Length);
            foreach (ReadOnlyMemory<byte> record in group)
            {
                _bufferedBytes -= record.Length;
            }

            _durableSequence += (ulong)group.Length;
        }

        return group.Length;
    }

    /// <summary>False when the ledger has a record of that number. Within the gate.</summary>
    private bool TryExtend(in RecordView record)
    {
        ulong next = _chain.LastSequence + 1;
        if (record.Sequence < next)
        {
            return false;
        }

        if (record.Sequence > next)
        {
            throw new LedgerDivergedException(next, string.Create(CultureInfo.InvariantCulture, $"the log goes on with record {record.Sequence}."));
        }

        if (_chain.Objection(record.Envelope) is { } objection)
        {
            throw new LedgerDivergedException(record.Sequence, objection);
        }

        if (_bufferedBytes > _maxBufferedBytes)
        {
            throw new InvalidOperationException(string.Create(
                CultureInfo.InvariantCulture, $"{_bufferedBytes} bytes of ledger records are buffered; they must be flushed before record {record.Sequence}."));
        }

        _buffered.Add(record);
        _bufferedBytes += record.Bytes.Length;
        _chain.Extend(record, _extended);
        return true;
    }

    /// <summary>Of so many records from one on, those that are not durable.</summary>
    private EncodedRecord[] Buffered(ulong fromSequence, int limit, out ulong durable)
    {
        lock (_gate)
        {
            durable = _durableSequence;
            ulong before = fromSequence <= durable ? durable - fromSequence + 1 : 0;
            ulong place = fromSequence <= durable ? 0 : fromSequence - durable - 1;
            return before >= (ulong)limit || place >= (ulong)_buffered.Count
                ? []
                : _buffered.Slice((int)place, (int)Math.Min((ulong)limit - before, (ulong)_buffered.Count - place));
        }
    }

    private ReadOnlyMemory<byte> Stored(ulong sequence)
    {
        if (sequence > DurableSequence)
        {
            return Read(sequence, 1)[0].Bytes;
        }

        lock (_replaying)
        {
            if (_replay.Count == 0 || sequence < _replay[0].Number || sequence > _replay[^1].Number)
            {
                // A replay goes forward: the records after this one are wanted next.
                _replay = _log.Read(sequence, ReadAhead, MaxReadBytes);
            }

            ReadOnlyMemory<byte> stored = _replay[(int)(sequence - _replay[0].Number)].Bytes;
            if (sequence == LastSequence)
            {
                _replay = [];
            }

            return stored;
        }
    }
}
