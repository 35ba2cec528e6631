using System.Buffers.Binary;
using System.Numerics;

namespace Converge.Swarm.Storage;

/// <summary>
/// An append-only sequence of opaque records in preallocated files, one group of records per flush. What was flushed is there after
/// any crash, or the log says what is damaged; nothing that was not appended is ever read.
/// </summary>
/// <remarks>
/// <para>One thread writes: <see cref="Append"/>, <see cref="Flush()"/>, <see cref="RemoveBefore"/>, <see cref="Dispose"/>. Any thread may
/// read beside it, and one may run <see cref="PrepareNextSegment"/>.</para>
/// <para>Any failure to write or to flush ends the log (<see cref="LogFailedException"/>, from every later call); only
/// <see cref="DiskFullException"/> leaves it as it was. The format and why it survives crashes: docs/formats/segmented-log.md.</para>
/// </remarks>
public sealed partial class SegmentedLog : IDisposable
{
    /// <summary>How many sealed segments stay open for readers to come.</summary>
    internal const int MaxIdleSegments = 8;

    private const string PreparedName = "next.preparing";

    /// <summary>The next segment is allocated in pieces of this size, one for every half a piece that is written of the second half of this one.</summary>
    private const int PreparedPieceBytes = 4 * 1024 * 1024;

    private readonly IDisk _disk;
    private readonly string _folder;
    private readonly SegmentedLogOptions _options;
    private readonly List<Segment> _segments;

    /// <summary>Guards the list of segments, what changes in them, and what readers may see. Held for moments only.</summary>
    private readonly Lock _gate = new();

    /// <summary>Guards <see cref="_prepared"/>; held while a segment is being allocated.</summary>
    private readonly Lock _preparing = new();

    private IDiskFile? _prepared;
    private long _preparedBytes;

    // The group being written, behind what stands in its first sector before it.
    private AlignedBytes _room;
    private int _tail;

    private long _position;
    private ulong _nextNumber;
    private ulong _flushedNextNumber;
    private long _inFlightOffset;
    private long _uses;
    private volatile Exception? _failure;
    private volatile bool _disposed;

    private SegmentedLog(IDisk disk, string folder, SegmentedLogOptions options, RecoveredLog found)
    {
        _disk = disk;
        _folder = folder;
        _options = options;
        _segments = found.Segments;
        _position = found.Position;
        _nextNumber = found.NextNumber;
        _flushedNextNumber = found.NextNumber;
        Recovery = new LogRecovery(_segments.Count, _segments.Count == 0 ? 1 : _segments[0].FirstNumber, _nextNumber, found.Torn);
    }

    /// <summary>What opening it found and did.</summary>
    public LogRecovery Recovery { get; private set; }

    /// <summary>The first record kept; equal to <see cref="NextNumber"/> when there is none.</summary>
    public ulong FirstNumber
    {
        get
        {
            lock (_gate)
            {
                return _segments[0].FirstNumber;
            }
        }
    }

    /// <summary>The number that the next record will get; numbers are dense from 1. Includes what is not yet flushed.</summary>
    public ulong NextNumber => Volatile.Read(ref _nextNumber);

    /// <summary>The number after the last record that is durable, and so can be read.</summary>
    public ulong DurableNextNumber => Volatile.Read(ref _flushedNextNumber);

    /// <summary>
    /// True when more than half of the segment in use is full, and of the next one less is ready than should be by now: the time to call
    /// <see cref="PrepareNextSegment"/>. For the writer.
    /// </summary>
    public bool ShouldPrepareNextSegment => Volatile.Read(ref _preparedBytes) < DuePreparedBytes;

    private string PreparedPath => Path.Combine(_folder, PreparedName);

    /// <summary>
    /// As much of the next segment as there is of this one's second half, piece by piece: allocated at once it would keep the disk from the flushes
    /// that commits wait for.
    /// </summary>
    private long DuePreparedBytes
    {
        get
        {
            long half = Active.Header.SegmentBytes / 2;
            long pieces = ((2 * (_position - half)) + PreparedPieceBytes - 1) / PreparedPieceBytes;
            return _position > half ? Math.Min(pieces * PreparedPieceBytes, _options.SegmentBytes) : 0;
        }
    }

    private Segment Active => _segments[^1];

    private IDiskFile ActiveFile => Active.File!;

    /// <summary>
    /// Opens the log in a folder, or begins a new one. Reads the last segment in full and of the others only the headers; cuts a torn
    /// tail; makes sure that whatever it reports is durable.
    /// </summary>
    /// <exception cref="LogDamagedException">Something is not as it was written, and no crash explains it. Nothing was changed.</exception>
    /// <exception cref="WrongLogException">The log has another purpose or an unknown format. Nothing was changed.</exception>
    /// <exception cref="DiskFullException">There is no room for a first segment.</exception>
    /// <exception cref="ArgumentException">The options do not fit together.</exception>
    /// <exception cref="IOException">The disk failed.</exception>
    public static SegmentedLog Open(IDisk disk, string folder, SegmentedLogOptions options)
    {
        ArgumentNullException.ThrowIfNull(disk);
        ArgumentException.ThrowIfNullOrEmpty(folder);
        ArgumentNullException.ThrowIfNull(options);
        SegmentedLogOptions.Validate(options);
        disk.CreateFolder(folder);
        var log = new SegmentedLog(disk, folder, options, SegmentedLogRecovery.Run(disk, folder, options));
        try
        {
            log.DeletePrepared();
            if (log._segments.Count == 0)
            {
                log.AddSegment();
                log.Recovery = log.Recovery with { Segments = 1 };
            }
            else
            {
                log.ActiveFile.BypassMemory();
            }

            log.ReadTail();

            return log;
        }
        catch
        {
            log.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Writes records as one group, with one write. They are durable after <see cref="Flush()"/> and cannot be read before: a crash
    /// leaves all of them or none.
    /// </summary>
    /// <returns>The number of the first.</returns>
    /// <exception cref="InvalidOperationException">
    /// The group before has not been flushed. One group at a time is in flight, so that what a crash can tear is known exactly.
    /// </exception>
    /// <exception cref="RecordTooLargeException">A record or the group is too large. Nothing was changed.</exception>
    /// <exception cref="DiskFullException">There is no room for another segment. Nothing was changed; try again when there is room.</exception>
    /// <exception cref="LogFailedException">A write or flush failed, now or before.</exception>
    public ulong Append(ReadOnlySpan<ReadOnlyMemory<byte>> records)
    {
        ThrowIfUnusable();
        if (_inFlightOffset != 0)
        {
            throw new InvalidOperationException($"The records before {_nextNumber} have not been flushed.");
        }

        var payloadBytes = MeasurePayload(records);
        var groupBytes = (int)GroupHeader.GroupBytes(payloadBytes);
        if (_position + groupBytes + GroupHeader.Bytes > Active.Header.SegmentBytes || groupBytes > Active.Header.MaxGroupBytes)
        {
            AddSegment();
        }

        WriteGroup(Encode(records, payloadBytes, groupBytes));
        var first = _nextNumber;
        _inFlightOffset = _position;
        _position += groupBytes;
        Volatile.Write(ref _nextNumber, first + (ulong)records.Length);
        return first;
    }

    /// <summary>Makes what was appended durable, and readable. Nothing to do when nothing was.</summary>
    /// <exception cref="LogFailedException">The flush failed, or something before it. It is not known what is on the disk.</exception>
    public void Flush()
    {
        ThrowIfUnusable();
        if (_inFlightOffset == 0)
        {
            return;
        }

        Flush(ActiveFile);
        lock (_gate)
        {
            Active.Index!.Add(_flushedNextNumber, _inFlightOffset);
            Active.EndNumber = _nextNumber;
            Volatile.Write(ref _flushedNextNumber, _nextNumber);
        }

        _inFlightOffset = 0;
    }

    /// <summary>
    /// Allocates another piece of the next segment ahead, so that <see cref="Append"/> need not. Takes as long as writing a few mebibytes of zeros
    /// and flushing them; for a background thread. Nothing to do when all of it is ready.
    /// </summary>
    /// <exception cref="DiskFullException">There is no room. What was allocated is given back.</exception>
    /// <exception cref="IOException">The disk failed; the log is as it was.</exception>
    public void PrepareNextSegment()
    {
        lock (_preparing)
        {
            ThrowIfUnusable();
            Prepare(_options.IsInBackground ? _options.SegmentBytes : Math.Min(_preparedBytes + PreparedPieceBytes, _options.SegmentBytes));
        }
    }

    /// <summary>
    /// Removes segments whose every record has a number below <paramref name="number"/>, durably; never the one in use.
    /// </summary>
    /// <returns>The first record kept.</returns>
    /// <exception cref="InvalidOperationException">The log is permanent.</exception>
    /// <exception cref="ArgumentOutOfRangeException">There is no record before <paramref name="number"/> yet.</exception>
    /// <exception cref="LogFailedException">The folder could not be flushed, or something failed before.</exception>
    /// <exception cref="IOException">A file could not be deleted; it is still part of the log.</exception>
    public ulong RemoveBefore(ulong number)
    {
        ThrowIfUnusable();
        if (_options.Permanent)
        {
            throw new InvalidOperationException($"The log in {_folder} is permanent; nothing is removed from it.");
        }

        ArgumentOutOfRangeException.ThrowIfGreaterThan(number, _flushedNextNumber);
        while (_segments.Count > 1 && _segments[0].EndNumber <= number)
        {
            if (!TryReuseOldest())
            {
                RemoveOldest(segment => _disk.Delete(segment.Path), onlyUnread: false);
            }
        }

        return FirstNumber;
    }

    /// <summary>Closes the files. What was not flushed may be lost.</summary>
    public void Dispose()
    {
        if (_disposed)
        {
            return;
        }

        _disposed = true;
        lock (_preparing)
        {
            _prepared?.Dispose();
            _prepared = null;
        }

        lock (_gate)
        {
            foreach (var segment in _segments)
            {
                segment.Removed = true;
                if (segment.Readers == 0)
                {
                    segment.Close();
                }
            }
        }
    }

    /// <summary>
    /// Makes the oldest segment's file the one that the next segment is prepared in, if none is yet: its blocks, and what the system keeps of it in
    /// memory, need not be found anew. False when somebody still reads it, or it has another size.
    /// </summary>
    private bool TryReuseOldest()
    {
        if (!_preparing.TryEnter())
        {
            return false;
        }

        try
        {
            if (_prepared is not null
                || _segments[0].Header.SegmentBytes != _options.SegmentBytes
                || !RemoveOldest(segment => _disk.Rename(segment.Path, PreparedPath), onlyUnread: true))
            {
                return false;
            }

            // Only now: until its new name is durable, a crash brings it back as what it was.
            _prepared = _disk.Open(PreparedPath, DiskFileMode.ReadWrite);
            _prepared.BypassMemory();
            return true;
        }
        finally
        {
            _preparing.Exit();
        }
    }

    /// <summary>Takes the oldest segment out of the log. One by one: whichever removals survive a crash, what is left has no gap.</summary>
    /// <returns>False when somebody reads it and nobody may; nothing was changed then.</returns>
    private bool RemoveOldest(Action<Segment> remove, bool onlyUnread)
    {
        lock (_gate)
        {
            var oldest = _segments[0];
            if (onlyUnread && oldest.Readers > 0)
            {
                return false;
            }

            remove(oldest);
            _segments.RemoveAt(0);
            oldest.Removed = true;
            if (oldest.Readers == 0)
            {
                oldest.Close();
            }
        }

        FlushFolder();
        return true;
    }

    private long MeasurePayload(ReadOnlySpan<ReadOnlyMemory<byte>> records)
    {
        if (records.IsEmpty)
        {
            throw new ArgumentException("A group has at least one record.", nameof(records));
        }

        var bytes = 0L;
        foreach (var record in records)
        {
            if (record.Length > _options.MaxRecordBytes)
            {
                throw new RecordTooLargeException("A record", record.Length, _options.MaxRecordBytes);
            }

            bytes += GroupHeader.RecordPrefixBytes + record.Length;
        }

        return GroupHeader.GroupBytes(bytes) <= _options.MaxGroupBytes
            ? bytes
            : throw new RecordTooLargeException("A group", GroupHeader.GroupBytes(bytes), _options.MaxGroupBytes);
    }

    /// <summary>Room for a group behind what stands in its first sector before it.</summary>
    private void MakeRoom(int groupBytes)
    {
        int needed = groupBytes + (2 * SegmentHeader.SectorBytes);
        if (_room.Length < needed)
        {
            var larger = new AlignedBytes(Math.Min((int)BitOperations.RoundUpToPowerOf2((uint)needed), _options.MaxGroupBytes + (2 * SegmentHeader.SectorBytes)));
            _room.Span.CopyTo(larger.Span);
            _room = larger;
        }
    }

    /// <summary>
    /// Writes whole sectors, which a device takes without reading them first: before the group stands again what stood there, behind it the zeros that
    /// are there.
    /// </summary>
    private void WriteGroup(ReadOnlySpan<byte> group)
    {
        int end = _tail + group.Length;
        int whole = (end + SegmentHeader.SectorBytes - 1) & -SegmentHeader.SectorBytes;
        Span<byte> sectors = _room.Span[..whole];
        sectors[end..].Clear();
        Write(ActiveFile, _position - _tail, sectors);
        _tail = end % SegmentHeader.SectorBytes;
        sectors.Slice(end - _tail, _tail).CopyTo(sectors);
    }

    /// <summary>What stands in the sector in which the next group begins, before it.</summary>
    private void ReadTail()
    {
        MakeRoom(0);
        _tail = (int)(_position % SegmentHeader.SectorBytes);
        ActiveFile.Read(_position - _tail, _room.Span[.._tail]);
    }

    private ReadOnlySpan<byte> Encode(ReadOnlySpan<ReadOnlyMemory<byte>> records, long payloadBytes, int groupBytes)
    {
        MakeRoom(groupBytes);
        var group = _room.Span.Slice(_tail, groupBytes);
        var at = GroupHeader.Bytes;
        foreach (var record in records)
        {
            BinaryPrimitives.WriteInt32LittleEndian(group[at..], record.Length);
            record.Span.CopyTo(group[(at + GroupHeader.RecordPrefixBytes)..]);
            at += GroupHeader.RecordPrefixBytes + record.Length;
        }

        group[at..].Clear();
        var payload = group[GroupHeader.Bytes..];
        new GroupHeader(
            (uint)payloadBytes,
            _nextNumber,
            (uint)records.Length,
            Crc32C.Compute(payload),
            GroupHeader.CountZeroSectors(_position, group)).Encode(group, Active.FirstNumber, _position);
        return group;
    }

    /// <summary>
    /// Puts a new segment into use. Until the rename it is no part of the log, so having no room changes nothing; afterwards the old
    /// one is sealed, so that the new one cannot go missing unnoticed.
    /// </summary>
    private void AddSegment()
    {
        var previous = _segments.Count == 0 ? null : Active;
        var header = new SegmentHeader(_nextNumber, previous?.FirstNumber ?? 0, _options.SegmentBytes, _options.MaxGroupBytes, _options.Purpose);
        var segment = new Segment(header, Path.Combine(_folder, SegmentHeader.FileName(_nextNumber))) { Index = new SparseIndex(header) };
        try
        {
            segment.File = TakePrepared(segment.Path, header);
        }
        catch (DiskFullException)
        {
            DiscardPrepared();
            throw;
        }
        catch (Exception e) when (e is not LogFailedException)
        {
            throw Fail(e);
        }

        try
        {
            FlushFolder();
            if (previous is not null)
            {
                Span<byte> seal = stackalloc byte[GroupHeader.Bytes];
                GroupHeader.Seal(_nextNumber).Encode(seal, previous.FirstNumber, _position);
                Write(previous.File!, _position, seal);
                Flush(previous.File!);
            }
        }
        catch (LogFailedException)
        {
            segment.Close();
            throw;
        }

        _position = SegmentHeader.Bytes;
        _tail = 0;
        lock (_gate)
        {
            _segments.Add(segment);
            CloseIdleSegments();
        }
    }

    private IDiskFile TakePrepared(string path, SegmentHeader header)
    {
        Span<byte> sector = stackalloc byte[SegmentHeader.Bytes];
        header.Encode(sector);
        lock (_preparing)
        {
            var file = Prepare(_options.SegmentBytes);
            file.Write(0, sector);
            file.Flush();
            _disk.Rename(PreparedPath, path);
            _prepared = null;
            Volatile.Write(ref _preparedBytes, 0);
            return file;
        }
    }

    /// <summary>Allocates the next segment up to a number of bytes. Within <see cref="_preparing"/>.</summary>
    private IDiskFile Prepare(long bytes)
    {
        if (_prepared is null)
        {
            DeletePrepared();
            _prepared = _disk.Open(PreparedPath, DiskFileMode.CreateNew);
            _prepared.BypassMemory();
        }

        try
        {
            if (bytes > _preparedBytes)
            {
                Allocate(_prepared, _preparedBytes, bytes - _preparedBytes);
                Volatile.Write(ref _preparedBytes, bytes);
            }

            return _prepared;
        }
        catch (IOException)
        {
            GiveBackPrepared();
            throw;
        }
    }

    private void Allocate(IDiskFile file, long offset, long length)
    {
        if (_options.IsInBackground)
        {
            file.Reserve(offset, length);
        }
        else
        {
            file.AllocateZeroed(offset, length);
        }
    }

    private void DiscardPrepared()
    {
        lock (_preparing)
        {
            GiveBackPrepared();
        }
    }

    private void GiveBackPrepared()
    {
        _prepared?.Dispose();
        _prepared = null;
        Volatile.Write(ref _preparedBytes, 0);
        TryDeletePrepared();
    }

    /// <summary>Gives its room back. When that fails, the next attempt to allocate one deletes it or says why it cannot.</summary>
    private void TryDeletePrepared()
    {
        try
        {
            DeletePrepared();
        }
        catch (IOException)
        {
        }
    }

    private void DeletePrepared()
    {
        if (_disk.FileExists(PreparedPath))
        {
            _disk.Delete(PreparedPath);
        }
    }

    private void Write(IDiskFile file, long offset, ReadOnlySpan<byte> bytes)
    {
        try
        {
            file.Write(offset, bytes);
        }
        catch (Exception e)
        {
            throw Fail(e);
        }
    }

    private void Flush(IDiskFile file)
    {
        try
        {
            file.Flush();
        }
        catch (Exception e)
        {
            throw Fail(e);
        }
    }

    private void FlushFolder()
    {
        try
        {
            _disk.FlushFolder(_folder);
        }
        catch (Exception e)
        {
            throw Fail(e);
        }
    }

    private LogFailedException Fail(Exception e)
    {
        _failure = e;
        return new LogFailedException(_folder, e);
    }

    private void ThrowIfUnusable()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (_failure is { } failure)
        {
            throw new LogFailedException(_folder, failure);
        }
    }
}
