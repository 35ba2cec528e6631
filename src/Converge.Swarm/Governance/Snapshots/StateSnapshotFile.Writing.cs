using System.Buffers.Binary;
using System.Globalization;
using System.Runtime.InteropServices;
using Converge.Raft;
using Converge.Swarm.Ledger;
using Converge.Swarm.Storage;

namespace Converge.Swarm.Governance;

/// <content>Writing.</content>
public sealed partial class StateSnapshotFile
{
    private const string TemporaryExtension = ".writing";

    /// <summary>
    /// Writes a snapshot of a frozen state, durably: under a temporary name, flushed, read back, renamed. After a crash the whole file is there or none of
    /// that name. Equal states give equal bytes on every node. Memory does not grow with the history but for three bytes a proposal.
    /// </summary>
    /// <param name="disk">The disk.</param>
    /// <param name="path">The file, in a folder that is there; one of that name is replaced.</param>
    /// <param name="state">The state. The snapshot that it rests on is read meanwhile and must stay open.</param>
    /// <param name="ledger">The ledger's end at that state: <see cref="GovernanceLedger.CheckpointAt"/> its <see cref="FrozenState.LastSequence"/>.</param>
    /// <param name="configuration">The configuration in force after the state's last entry.</param>
    /// <param name="memberRecords">What is recorded about the members; opaque here, at most <see cref="StateSnapshotHeader.MaxMemberRecordBytes"/>.</param>
    /// <param name="cancellationToken">Gives up; what was written is deleted.</param>
    /// <exception cref="ArgumentException">The ledger's end is not that of the state, or the member records are too large.</exception>
    /// <exception cref="SnapshotDamagedException">
    /// The snapshot that the state rests on is damaged, or what is read of the new one is not what was written. What was written is deleted.
    /// </exception>
    /// <exception cref="DiskFullException">There is no room. What was written is deleted.</exception>
    /// <exception cref="IOException">The disk failed. Nothing is known of the file; another attempt writes a new one from its first byte on.</exception>
    /// <exception cref="OperationCanceledException">It was given up.</exception>
    public static void Write(
        IDisk disk,
        string path,
        FrozenState state,
        LedgerCheckpoint ledger,
        ConfigurationState configuration,
        ReadOnlyMemory<byte> memberRecords,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(disk);
        ArgumentNullException.ThrowIfNull(state);
        ArgumentNullException.ThrowIfNull(ledger);
        ArgumentNullException.ThrowIfNull(configuration);
        if (ledger.Sequence != state.LastSequence || ledger.End.Hash != state.LastHash)
        {
            throw new ArgumentException(
                string.Create(CultureInfo.InvariantCulture, $"The ledger's end is record {ledger.Sequence}, {ledger.End.Hash}, and that of the state record {state.LastSequence}, {state.LastHash}."),
                nameof(ledger));
        }

        if (memberRecords.Length > StateSnapshotHeader.MaxMemberRecordBytes)
        {
            throw new ArgumentException(
                $"The member records have {memberRecords.Length} bytes; {StateSnapshotHeader.MaxMemberRecordBytes} are allowed.", nameof(memberRecords));
        }

        var header = new StateSnapshotHeader
        {
            RequiredRules = ApplyRules.Version,
            Index = state.Index,
            Term = state.Term,
            Configuration = configuration,
            MemberRecords = memberRecords,
            Digest = state.Digest,
            LastStamp = state.LastStamp,
            Ledger = ledger.Head,
            LedgerEnd = ledger.End,
            LedgerEdge = [.. ledger.Edge.Span],
            Proposals = state.ProposalCount,
            Sessions = (uint)state.Sessions.Sessions.Length,
            Answers = (uint)state.Sessions.AnswerCount,
        };
        byte[] headerBytes = header.Encode(out uint checksum);

        cancellationToken.ThrowIfCancellationRequested();
        string temporary = path + TemporaryExtension;
        if (disk.FileExists(temporary))
        {
            disk.Delete(temporary);
        }

        try
        {
            using (IDiskFile file = disk.Open(temporary, DiskFileMode.CreateNew))
            {
                var stream = new SnapshotStream(file);
                stream.Write(headerBytes);
                stream.EndSection();
                WriteSections(stream, checksum, state, ledger, cancellationToken);
                stream.Finish();
            }

            // What it stands for goes once it has its name: by then the disk must have given it back.
            using (StateSnapshotFile written = Open(disk, temporary))
            {
                written.ReadBack(disk, cancellationToken);
            }

            disk.Rename(temporary, path);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException)
        {
            TryDelete(disk, temporary);
            throw;
        }

        disk.FlushFolder(System.IO.Path.GetDirectoryName(path)!);
    }

    private static void WriteSections(SnapshotStream stream, uint headerChecksum, FrozenState state, LedgerCheckpoint ledger, CancellationToken cancellationToken)
    {
        var sections = new SectionPlace[SnapshotTrailer.SectionCount];
        WriteSessions(stream, state.Sessions.Sessions);
        sections[(int)SnapshotSection.Sessions] = stream.EndSection();
        WriteAnswers(stream, state.Sessions);
        sections[(int)SnapshotSection.Answers] = stream.EndSection();
        Span<byte> hash = stackalloc byte[Hash256.Size];
        foreach (Hash256 block in ledger.Blocks.Span)
        {
            block.CopyTo(hash);
            stream.Write(hash);
        }

        sections[(int)SnapshotSection.LedgerBlocks] = stream.EndSection();
        var pages = new PageWriter(stream, checked((int)state.ProposalCount));
        Merge(pages, state, cancellationToken);
        pages.EndPage();
        sections[(int)SnapshotSection.Proposals] = stream.EndSection();
        pages.WriteIndex();
        sections[(int)SnapshotSection.Pages] = stream.EndSection();
        pages.WritePrints();
        sections[(int)SnapshotSection.Prints] = stream.EndSection();
        stream.Write(SnapshotTrailer.Encode(headerChecksum, sections));
    }

    private static void WriteSessions(SnapshotStream stream, FrozenSession[] sessions)
    {
        Span<byte> buffer = stackalloc byte[2 * sizeof(ulong)];
        Span<byte> length = stackalloc byte[FieldWriter.StringLengthSize];
        foreach (FrozenSession session in sessions)
        {
            BinaryPrimitives.WriteUInt16LittleEndian(length, (ushort)session.Name.Length);
            stream.Write(length);
            stream.Write(session.Name);
            var writer = new FieldWriter(buffer);
            writer.UInt64(session.Highest);
            writer.UInt64(session.Mark);
            stream.Write(buffer);
        }
    }

    private static void WriteAnswers(SnapshotStream stream, FrozenSessions sessions)
    {
        Span<byte> buffer = stackalloc byte[sizeof(uint) + sizeof(ulong) + AnswerData.MaxEncodedBytes];
        int count = 0;
        for (ulong place = sessions.Oldest; place < sessions.Next; place++)
        {
            ref readonly KeptAnswer answer = ref sessions.Ring[place];
            if (answer.Session is not { } session)
            {
                continue;
            }

            count++;
            var writer = new FieldWriter(buffer);
            writer.UInt32((uint)session.Place);
            writer.UInt64(answer.Number);
            answer.Answer.Write(ref writer);
            stream.Write(buffer[..writer.Position]);
        }

        Invariant.Check(count == sessions.AnswerCount, $"{count} answers lie in the ring; {sessions.AnswerCount} are kept.");
    }

    /// <summary>Two runs in the same order into one; what changed takes the place of what it was.</summary>
    private static void Merge(PageWriter pages, FrozenState state, CancellationToken cancellationToken)
    {
        var changed = new SortedProposals(state.Changed);
        ProposalCursor? below = state.Base?.Proposals();
        bool left = below?.MoveNext() ?? false;
        int next = 0;
        while (left || next < changed.Count)
        {
            int order = !left ? 1 : next == changed.Count ? -1 : Compare(below!, changed, next);
            if (order < 0)
            {
                pages.Add(below!.Key, below.Record);
            }
            else
            {
                pages.Add(changed.KeyOf(next), changed.RecordOf(next));
                if (++next % SortedProposals.Together == 0)
                {
                    _ = changed.Touch(next);
                }
            }

            if (order <= 0)
            {
                left = below!.MoveNext();
            }

            if (pages.Count % 1024 == 0)
            {
                cancellationToken.ThrowIfCancellationRequested();
            }
        }

        Invariant.Check(
            (ulong)pages.Count == state.ProposalCount, $"The snapshot at {state.Index} holds {pages.Count} proposals; {state.ProposalCount} were created.");
    }

    private static int Compare(ProposalCursor below, SortedProposals changed, int next) =>
        below.Key != changed.KeyOf(next) ? below.Key.CompareTo(changed.KeyOf(next)) : below.Id.SequenceCompareTo(changed.IdOf(next));

    private static void TryDelete(IDisk disk, string path)
    {
        try
        {
            if (disk.FileExists(path))
            {
                disk.Delete(path);
            }
        }
        catch (IOException)
        {
            // The next attempt deletes it, or says why it cannot.
        }
    }

    /// <summary>Gathers proposals into pages, and what the index and the filter say of them.</summary>
    private sealed class PageWriter(SnapshotStream stream, int proposals)
    {
        private readonly ushort[] _prints = new ushort[proposals];
        private readonly List<(ulong FirstKey, int Length, int Count, uint Checksum)> _pages = [];
        private byte[] _page = new byte[2 * PageIndex.TargetPageBytes];
        private int _used;
        private int _inPage;
        private ulong _firstKey;
        private ulong _lastKey;

        public int Count { get; private set; }

        public void Add(ulong key, ReadOnlySpan<byte> record) => record.CopyTo(Begin(key, record.Length));

        public void EndPage()
        {
            if (_inPage == 0)
            {
                return;
            }

            ReadOnlySpan<byte> page = _page.AsSpan(0, _used);
            _pages.Add((_firstKey, _used, _inPage, Crc32C.Compute(page)));
            stream.Write(page);
            (_used, _inPage) = (0, 0);
        }

        public void WriteIndex()
        {
            Span<byte> entry = stackalloc byte[PageIndex.EntryBytes];
            foreach ((ulong firstKey, int length, int count, uint checksum) in _pages)
            {
                BinaryPrimitives.WriteUInt64LittleEndian(entry, firstKey);
                BinaryPrimitives.WriteInt32LittleEndian(entry[8..], length);
                BinaryPrimitives.WriteInt32LittleEndian(entry[12..], count);
                BinaryPrimitives.WriteUInt32LittleEndian(entry[16..], checksum);
                stream.Write(entry);
            }
        }

        public void WritePrints()
        {
            if (!BitConverter.IsLittleEndian)
            {
                BinaryPrimitives.ReverseEndianness(_prints, _prints);
            }

            stream.Write(MemoryMarshal.AsBytes<ushort>(_prints));
        }

        /// <summary>Room for a record. Equal keys never come to lie in two pages.</summary>
        private Span<byte> Begin(ulong key, int length)
        {
            if (_inPage > 0 && _used + length > PageIndex.TargetPageBytes && key != _lastKey)
            {
                EndPage();
            }

            if (_inPage == 0)
            {
                _firstKey = key;
            }

            if (_page.Length < _used + length)
            {
                Array.Resize(ref _page, _used + length);
            }

            Invariant.Check(Count < _prints.Length, $"More than {_prints.Length} proposals come, which is how many were created.");
            _prints[Count++] = ProposalKey.PrintOf(key);
            Span<byte> room = _page.AsSpan(_used, length);
            (_lastKey, _used, _inPage) = (key, _used + length, _inPage + 1);
            return room;
        }
    }
}
