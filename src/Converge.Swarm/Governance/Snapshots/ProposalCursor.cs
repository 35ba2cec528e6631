using System.Buffers.Binary;
using Converge.Swarm.Ledger;
using Converge.Swarm.Storage;

namespace Converge.Swarm.Governance;

/// <summary>Goes through the proposals of a page.</summary>
internal ref struct PageReader(ReadOnlySpan<byte> page)
{
    /// <summary>Before each proposal stands the length of its key and its encoding.</summary>
    public const int PrefixBytes = sizeof(uint);

    private ReadOnlySpan<byte> _rest = page;

    public ulong Key { get; private set; }

    /// <summary>Length, key and encoding.</summary>
    public ReadOnlySpan<byte> Record { get; private set; }

    public readonly ReadOnlySpan<byte> Proposal => Record[(PrefixBytes + ProposalKey.Bytes)..];

    public readonly ReadOnlySpan<byte> Id => Governance.Proposal.IdOf(Proposal);

    /// <summary>Goes to the next proposal; false at the end.</summary>
    /// <exception cref="MalformedEncodingException">The page ends in a proposal.</exception>
    public bool MoveNext()
    {
        if (_rest.IsEmpty)
        {
            return false;
        }

        var reader = new FieldReader(_rest);
        uint length = reader.UInt32("a proposal's length");
        if (length < ProposalKey.Bytes || length > _rest.Length - PrefixBytes)
        {
            throw new MalformedEncodingException($"A proposal claims {length} bytes, and {_rest.Length} are left in the page.");
        }

        Key = BinaryPrimitives.ReadUInt64LittleEndian(_rest[PrefixBytes..]);
        Record = _rest[..(PrefixBytes + (int)length)];
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
    private int _recordLength;

    public PagePlace Page { get; private set; }

    public ulong Key { get; private set; }

    /// <summary>Length, key and encoding; valid until <see cref="MoveNext"/>.</summary>
    public ReadOnlySpan<byte> Record => _buffer.AsSpan(_recordAt, _recordLength);

    /// <summary>Valid until <see cref="MoveNext"/>.</summary>
    public ReadOnlySpan<byte> Id => Governance.Proposal.IdOf(Encoding);

    private ReadOnlySpan<byte> Encoding => Record[(PageReader.PrefixBytes + ProposalKey.Bytes)..];

    /// <summary>Goes to the next proposal; false at the end.</summary>
    /// <exception cref="SnapshotDamagedException">A page is not what was written.</exception>
    public bool MoveNext()
    {
        int at = _recordAt + _recordLength;
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
            var reader = new PageReader(_buffer.AsSpan(at, Page.Length - at));
            if (!reader.MoveNext())
            {
                throw new MalformedEncodingException($"It ends {_proposalsLeft} proposals too soon.");
            }

            _ = reader.Id;
            Key = reader.Key;
            _recordAt = at;
            _recordLength = reader.Record.Length;
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
            return Proposal.Decode(Encoding);
        }
        catch (MalformedEncodingException malformed)
        {
            throw file.Damaged(Page, malformed);
        }
    }
}
