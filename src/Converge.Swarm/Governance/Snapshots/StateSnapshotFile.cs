using System.Buffers;
using Converge.Core;
using Converge.Swarm.Ledger;
using Converge.Swarm.Storage;

namespace Converge.Swarm.Governance;

/// <summary>
/// A snapshot of the governance state, open for reading: proposals are found by their ids with one bounded read, so that memory holds
/// about three bytes a proposal and none of them. The format, byte by byte: <c>docs/formats/snapshot.md</c>.
/// </summary>
/// <remarks>
/// Immutable; for any number of threads. It must stay open while a <see cref="GovernanceState"/> or a <see cref="FrozenState"/> rests on it.
/// </remarks>
public sealed partial class StateSnapshotFile : IDisposable
{
    private readonly IDiskFile _file;
    private readonly SnapshotTrailer _trailer;
    private readonly PageIndex _pages;

    private StateSnapshotFile(IDiskFile file, string path, StateSnapshotHeader header, SnapshotTrailer trailer, PageIndex pages)
    {
        _file = file;
        _trailer = trailer;
        _pages = pages;
        Path = path;
        Header = header;
        Length = file.Length;
    }

    /// <summary>The file.</summary>
    public string Path { get; }

    /// <summary>Its length in bytes.</summary>
    public long Length { get; }

    /// <summary>What it says of itself.</summary>
    public StateSnapshotHeader Header { get; }

    /// <summary>The last entry that it stands for, with its term.</summary>
    public SnapshotMark Mark => new(Header.Index, Header.Term);

    /// <summary>
    /// Opens a snapshot and checks all of it but the pages of proposals, whose share of the file grows with the history: a page is checked
    /// whenever it is read, and all of them by <see cref="Verify"/>.
    /// </summary>
    /// <exception cref="SnapshotDamagedException">It is not what was written, or not all of it.</exception>
    /// <exception cref="UnsupportedSnapshotException">It is whole, and this program does not know its format or its rules.</exception>
    /// <exception cref="IOException">The disk failed.</exception>
    public static StateSnapshotFile Open(IDisk disk, string path) => Open(disk, path, wasChecked: false);

    /// <summary>As above.</summary>
    /// <param name="disk">The disk.</param>
    /// <param name="path">The file.</param>
    /// <param name="wasChecked">All of it was a moment ago, and only what is needed in memory is read.</param>
    internal static StateSnapshotFile Open(IDisk disk, string path, bool wasChecked)
    {
        ArgumentNullException.ThrowIfNull(disk);
        IDiskFile file = disk.Open(path, DiskFileMode.Read);
        try
        {
            StateSnapshotHeader header = StateSnapshotHeader.Read(file, path, out int headerBytes, out uint checksum);
            long length = file.Length;
            byte[] end = new byte[SnapshotTrailer.Bytes];
            if (length < headerBytes + end.Length || file.Read(length - end.Length, end) < end.Length)
            {
                throw new SnapshotDamagedException(path, length, "the file ends before its trailer");
            }

            SnapshotTrailer trailer = SnapshotTrailer.Decode(end, path, length, headerBytes, checksum);
            CheckLengths(path, header, trailer);
            var blocks = new BlockReader(file);
            ReadOnlySpan<SnapshotSection> whenAsked = wasChecked ? [] : [SnapshotSection.Sessions, SnapshotSection.Answers, SnapshotSection.LedgerBlocks];
            foreach (SnapshotSection section in whenAsked)
            {
                CheckSection(blocks, path, trailer[section], section);
            }

            byte[] pages = ReadSection(blocks, path, trailer[SnapshotSection.Pages], SnapshotSection.Pages);
            byte[] prints = ReadSection(blocks, path, trailer[SnapshotSection.Prints], SnapshotSection.Prints);
            PageIndex index = PageIndex.Decode(pages, prints, trailer[SnapshotSection.Proposals], out string? fault)
                ?? throw new SnapshotDamagedException(path, trailer[SnapshotSection.Pages].Offset, fault!);
            return new StateSnapshotFile(file, path, header, trailer, index);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Reads every byte, and checks that the proposals are what their writer says.</summary>
    /// <exception cref="SnapshotDamagedException">The first damage found.</exception>
    /// <exception cref="IOException">The disk failed.</exception>
    public void Verify()
    {
        if (!StateSnapshotHeader.Read(_file, Path, out _, out _).Ledger.Equals(Header.Ledger))
        {
            throw new SnapshotDamagedException(Path, 0, "the header changed");
        }

        var blocks = new BlockReader(_file);
        for (var section = SnapshotSection.Sessions; section <= SnapshotSection.Prints; section++)
        {
            CheckSection(blocks, Path, _trailer[section], section);
        }

        ReadLedgerCheckpoint();
        ReadSessions(new SessionTable(int.MaxValue, int.MaxValue, ulong.MaxValue));
        VerifyProposals();
    }

    /// <summary>
    /// Reads what <see cref="Open(IDisk, string)"/> did not, and checks that it is what was written; what that means is for <see cref="Verify"/>. Afterwards the system has
    /// the proposals in its memory, if there is room, and nobody who asks for one waits for the disk.
    /// </summary>
    /// <exception cref="SnapshotDamagedException">The first damage found.</exception>
    /// <exception cref="IOException">The disk failed.</exception>
    /// <exception cref="OperationCanceledException">It was given up.</exception>
    private void ReadBack(IDisk disk, CancellationToken cancellationToken)
    {
        // To have the system read all of it ahead would put it before the log's next flush.
        using IDiskFile file = disk.Open(Path, DiskFileMode.Read);
        CheckSection(
            new BlockReader(file, bypassesMemory: false), Path, _trailer[SnapshotSection.Proposals], SnapshotSection.Proposals, cancellationToken);
    }

    /// <summary>What the ledger needs to go on from this snapshot.</summary>
    /// <exception cref="SnapshotDamagedException">It is not what was written.</exception>
    /// <exception cref="IOException">The disk failed.</exception>
    public LedgerCheckpoint ReadLedgerCheckpoint()
    {
        SectionPlace place = _trailer[SnapshotSection.LedgerBlocks];
        byte[] bytes = ReadSection(new BlockReader(_file), Path, place, SnapshotSection.LedgerBlocks);
        var blocks = new Hash256[bytes.Length / Hash256.Size];
        for (int i = 0; i < blocks.Length; i++)
        {
            blocks[i] = new Hash256(bytes.AsSpan(i * Hash256.Size, Hash256.Size));
        }

        try
        {
            return LedgerCheckpoint.Create(Header.Ledger.Sequence, Header.LedgerEnd, [.. Header.LedgerEdge], blocks);
        }
        catch (MalformedEncodingException malformed)
        {
            throw new SnapshotDamagedException(Path, place.Offset, malformed.Message, malformed);
        }
    }

    /// <summary>Reads bytes of the file as they are, to send them: up to the buffer's length, fewer only at the end.</summary>
    /// <exception cref="IOException">The disk failed.</exception>
    public int Read(long offset, Span<byte> buffer) => _file.Read(offset, buffer);

    /// <summary>Closes the file.</summary>
    public void Dispose() => _file.Dispose();

    /// <summary>Reads what tells that the proposals of some keys are not here. See <see cref="KeysAhead"/>.</summary>
    /// <param name="keys">At most <see cref="KeysAhead.Capacity"/>.</param>
    internal void Touch(ReadOnlySpan<ulong> keys) => _ = _pages.Touch(keys);

    /// <summary>The proposal of an id as it was at the snapshot, or null. Made anew by each call.</summary>
    /// <exception cref="SnapshotDamagedException">The page with it is not what was written.</exception>
    internal Proposal? Find(ulong key, ReadOnlySpan<byte> id)
    {
        if (!_pages.TryFind(key, out PagePlace place))
        {
            return null;
        }

        byte[] buffer = ArrayPool<byte>.Shared.Rent(place.Length);
        try
        {
            var page = new PageReader(ReadPage(place, buffer), Header.Version);
            while (page.MoveNext())
            {
                if (page.Key == key && page.Id.SequenceEqual(id))
                {
                    return page.Decode();
                }
            }

            return null;
        }
        catch (MalformedEncodingException malformed)
        {
            throw Damaged(place, malformed);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>Takes all sessions and answers into a table that is empty.</summary>
    /// <exception cref="SnapshotDamagedException">They are not what was written, or more than the table takes.</exception>
    internal void ReadSessions(SessionTable table)
    {
        SectionPlace place = _trailer[SnapshotSection.Sessions];
        var blocks = new BlockReader(_file);
        byte[] sessions = ReadSection(blocks, Path, place, SnapshotSection.Sessions);
        try
        {
            var reader = new FieldReader(sessions);
            var restored = new Session[Header.Sessions];
            for (int i = 0; i < restored.Length; i++)
            {
                ReadOnlySpan<byte> name = reader.String("a session's name", 1, FactLimits.MaxSessionLength);
                restored[i] = table.Restore(name, reader.UInt64("the highest number"), reader.UInt64("the mark"));
            }

            reader.End();
            place = _trailer[SnapshotSection.Answers];
            reader = new FieldReader(ReadSection(blocks, Path, place, SnapshotSection.Answers));
            for (uint i = 0; i < Header.Answers; i++)
            {
                uint session = reader.UInt32("an answer's session");
                if (session >= restored.Length)
                {
                    throw new MalformedEncodingException($"Answer {i} is of session {session}, and there are {restored.Length}.");
                }

                table.Restore(restored[session], reader.UInt64("an answer's number"), AnswerData.Read(ref reader));
            }

            reader.End();
        }
        catch (MalformedEncodingException malformed)
        {
            throw new SnapshotDamagedException(Path, place.Offset, malformed.Message, malformed);
        }
    }

    /// <summary>All proposals in their order, for one reader.</summary>
    internal ProposalCursor Proposals() => new(this, _pages, new BlockReader(_file));

    /// <summary>The bytes of a page.</summary>
    /// <exception cref="SnapshotDamagedException">They are not what was written.</exception>
    internal ReadOnlySpan<byte> ReadPage(in PagePlace place, BlockReader blocks)
    {
        ReadOnlySpan<byte> page = blocks.At(place.Offset, place.Length);
        return page.Length >= place.Length && Crc32C.Compute(page[..place.Length]) == place.Checksum
            ? page[..place.Length]
            : throw new SnapshotDamagedException(
                Path, place.Offset, page.Length < place.Length ? $"the file ends in page {place.Number}" : $"page {place.Number} does not match its checksum");
    }

    /// <summary>The bytes of a page, in the buffer.</summary>
    /// <exception cref="SnapshotDamagedException">They are not what was written.</exception>
    internal ReadOnlySpan<byte> ReadPage(in PagePlace place, byte[] buffer)
    {
        Span<byte> page = buffer.AsSpan(0, place.Length);
        int got = _file.Read(place.Offset, page);
        return got == page.Length && Crc32C.Compute(page) == place.Checksum
            ? page
            : throw new SnapshotDamagedException(
                Path, place.Offset, got < page.Length ? $"the file ends in page {place.Number}" : $"page {place.Number} does not match its checksum");
    }

    internal SnapshotDamagedException Damaged(in PagePlace place, MalformedEncodingException malformed) =>
        new(Path, place.Offset, $"page {place.Number} is whole and makes no sense: {malformed.Message}", malformed);

    private static void CheckLengths(string path, StateSnapshotHeader header, SnapshotTrailer trailer)
    {
        bool fits = (ulong)trailer[SnapshotSection.Prints].Length == header.Proposals * sizeof(ushort)
            && header.Proposals <= (ulong)Array.MaxLength / 2
            && (ulong)trailer[SnapshotSection.LedgerBlocks].Length == LedgerCheckpoint.BlockCount(header.Ledger.Sequence) * Hash256.Size
            && trailer[SnapshotSection.Pages].Length % PageIndex.EntryBytes == 0;
        foreach (SectionPlace place in trailer.Sections)
        {
            fits &= place.Length <= Array.MaxLength || place == trailer[SnapshotSection.Proposals];
        }

        if (!fits)
        {
            throw new SnapshotDamagedException(
                path, trailer.Sections[^1].Offset + trailer.Sections[^1].Length, $"the lengths of the sections do not go with {header.Proposals} proposals and {header.Ledger.Sequence} records");
        }
    }

    private static void CheckSection(
        BlockReader blocks, string path, SectionPlace place, SnapshotSection section, CancellationToken cancellationToken = default)
    {
        uint state = Crc32C.Start;
        long end = place.Offset + place.Length;
        for (long at = place.Offset; at < end;)
        {
            cancellationToken.ThrowIfCancellationRequested();
            ReadOnlySpan<byte> some = blocks.At(at, 1);
            if (some.IsEmpty)
            {
                throw new SnapshotDamagedException(path, at, $"the file ends in the section of {Name(section)}");
            }

            some = some[..(int)Math.Min(some.Length, end - at)];
            state = Crc32C.Add(state, some);
            at += some.Length;
        }

        if (Crc32C.Finish(state) != place.Checksum)
        {
            throw new SnapshotDamagedException(path, place.Offset, $"the section of {Name(section)} does not match its checksum");
        }
    }

    private static byte[] ReadSection(BlockReader blocks, string path, SectionPlace place, SnapshotSection section)
    {
        byte[] bytes = new byte[place.Length];
        for (int read = 0; read < bytes.Length;)
        {
            ReadOnlySpan<byte> some = blocks.At(place.Offset + read, 1);
            if (some.IsEmpty)
            {
                throw new SnapshotDamagedException(path, place.Offset + read, $"the file ends in the section of {Name(section)}");
            }

            some = some[..Math.Min(some.Length, bytes.Length - read)];
            some.CopyTo(bytes.AsSpan(read));
            read += some.Length;
        }

        return Crc32C.Compute(bytes) == place.Checksum
            ? bytes
            : throw new SnapshotDamagedException(path, place.Offset, $"the section of {Name(section)} does not match its checksum");
    }

    private static string Name(SnapshotSection section) => section switch
    {
        SnapshotSection.Sessions => "the sessions",
        SnapshotSection.Answers => "the answers",
        SnapshotSection.LedgerBlocks => "the ledger's blocks",
        SnapshotSection.Proposals => "the proposals",
        SnapshotSection.Pages => "the pages' index",
        SnapshotSection.Prints => "the filter",
        _ => throw new ArgumentOutOfRangeException(nameof(section), section, "Not a section."),
    };

    private void VerifyProposals()
    {
        ProposalCursor proposals = Proposals();
        ulong count = 0;
        ulong lastKey = 0;
        byte[] lastId = [];
        while (proposals.MoveNext())
        {
            ReadOnlySpan<byte> id = proposals.Id;
            if (count > 0 && (proposals.Key < lastKey || (proposals.Key == lastKey && lastId.AsSpan().SequenceCompareTo(id) >= 0)))
            {
                throw Damaged(proposals.Page, new MalformedEncodingException($"proposal {count} is out of order"));
            }

            if (proposals.Key != ProposalKey.Of(id))
            {
                throw Damaged(proposals.Page, new MalformedEncodingException($"proposal {count} stands under a key that is not its own"));
            }

            proposals.Decode();
            (lastKey, lastId) = (proposals.Key, id.ToArray());
            count++;
        }
    }
}
