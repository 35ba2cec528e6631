using Converge.Swarm.Ledger;
using Converge.Swarm.Storage;

namespace Converge.Swarm.Governance;

/// <summary>Goes through the proposals of a page.</summary>
/// <param name="page">The page.</param>
/// <param name="version">The format of the file that it is from.</param>
internal ref struct PageReader(ReadOnlySpan<byte> page, uint version)
{
    private ReadOnlySpan<byte> _rest = page;

    public ulong Key { get; private set; }

    /// <summary>Length, key and encoding.</summary>
    public ReadOnlySpan<byte> Record { get; private set; }

    /// <summary>The encoding.</summary>
    public ReadOnlySpan<byte> Proposal { get; private set; }

    public readonly ReadOnlySpan<byte> Id => IdOf(Proposal, version);

    public static ReadOnlySpan<byte> IdOf(ReadOnlySpan<byte> encoding, uint version) =>
        version == StateSnapshotHeader.FirstFormatVersion ? Governance.Proposal.IdOfFirstFormat(encoding) : Governance.Proposal.IdOf(encoding);

    public static Proposal Decode(ReadOnlySpan<byte> encoding, uint version) =>
        version == StateSnapshotHeader.FirstFormatVersion ? Governance.Proposal.DecodeFirstFormat(encoding) : Governance.Proposal.Decode(encoding);

    public readonly Proposal Decode() => Decode(Proposal, version);

    /// <summary>Goes to the next proposal; false at the end.</summary>
    /// <exception cref="MalformedEncodingException">The page ends in a proposal.</exception>
    public bool MoveNext()
    {
        if (_rest.IsEmpty)
        {
            return false;
        }

        var reader = new FieldReader(_rest);
        ulong length = version == StateSnapshotHeader.FirstFormatVersion ? reader.UInt32("a proposal's length") : reader.Number("a proposal's length");
        int prefix = reader.Position;
        if (length < ProposalKey.Bytes || length > (ulong)(_rest.Length - prefix))
        {
            throw new MalformedEncodingException($"A proposal claims {length} bytes, and {_rest.Length - prefix} are left in the page.");
        }

        Key = reader.UInt64("a proposal's key");
        Record = _rest[..(prefix + (int)length)];
        Proposal = Record[reader.Position..];
        _rest = _rest[Record.Length..];
        return true;
    }
}

/// <summary>Goes through all proposals of a snapshot in their order; holds one page. For one thread.</summary>
internal sealed class ProposalCursor(StateSnapshotFile file, PageIndex pages, BlockReader blocks)
{
    private byte[] _buffer = [];
    private int _nextPage;
    private int _proposalsLeft;
    private int _recordAt;
    private int _encodingAt;
    private int _recordEnd;

    public PagePlace Page { get; private set; }

    public ulong Key { get; private set; }

    /// <summary>Length, key and encoding in the format that is written today; valid until <see cref="MoveNext"/>.</summary>
    /// <exception cref="SnapshotDamagedException">The proposal makes no sense.</exception>
    public ReadOnlySpan<byte> Record
    {
        get
        {
            if (file.Header.Version == StateSnapshotHeader.FormatVersion)
            {
                return _buffer.AsSpan(_recordAt.._recordEnd);
            }

            Proposal proposal = Decode();
            byte[] record = new byte[proposal.RecordBytes(out int length)];
            proposal.WriteRecord(record, length, Key);
            return record;
        }
    }

    /// <summary>Valid until <see cref="MoveNext"/>.</summary>
    public ReadOnlySpan<byte> Id => PageReader.IdOf(Encoding, file.Header.Version);

    private ReadOnlySpan<byte> Encoding => _buffer.AsSpan(_encodingAt.._recordEnd);

    /// <summary>Goes to the next proposal; false at the end.</summary>
    /// <exception cref="SnapshotDamagedException">A page is not what was written.</exception>
    public bool MoveNext()
    {
        int at = _recordEnd;
        if (_proposalsLeft == 0)
        {
            if (at != Page.Length)
            {
                throw file.Damaged(Page, new MalformedEncodingException($"{Page.Length - at} bytes follow its {Page.Proposals} proposals."));
            }

            if (_nextPage == pages.PageCount)
            {
                return false;
            }

            Page = pages[_nextPage++];
            if (_buffer.Length < Page.Length)
            {
                _buffer = new byte[Math.Max(Page.Length, PageIndex.TargetPageBytes)];
            }

            file.ReadPage(Page, blocks).CopyTo(_buffer);
            _proposalsLeft = Page.Proposals;
            at = 0;
        }

        try
        {
            var reader = new PageReader(_buffer.AsSpan(at, Page.Length - at), file.Header.Version);
            if (!reader.MoveNext())
            {
                throw new MalformedEncodingException($"It ends {_proposalsLeft} proposals too soon.");
            }

            _ = reader.Id;
            Key = reader.Key;
            _recordAt = at;
            _recordEnd = at + reader.Record.Length;
            _encodingAt = _recordEnd - reader.Proposal.Length;
            _proposalsLeft--;
            return true;
        }
        catch (MalformedEncodingException malformed)
        {
            throw file.Damaged(Page, malformed);
        }
    }

    /// <summary>Reads the whole of the proposal.</summary>
    /// <exception cref="SnapshotDamagedException">The proposal makes no sense.</exception>
    public Proposal Decode()
    {
        try
        {
            return PageReader.Decode(Encoding, file.Header.Version);
        }
        catch (MalformedEncodingException malformed)
        {
            throw file.Damaged(Page, malformed);
        }
    }
}
