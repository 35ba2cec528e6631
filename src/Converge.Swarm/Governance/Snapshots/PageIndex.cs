using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace Converge.Swarm.Governance;

/// <summary>
/// Where the pages of proposals lie, and which proposals may be in them: 25 bytes a page of about <see cref="TargetPageBytes"/>, and two
/// bytes a proposal. Who asks for a proposal that is not there learns so without reading a page, but for one in some thousand.
/// Immutable.
/// </summary>
internal sealed class PageIndex
{
    /// <summary>A page ends before it would become larger than this, unless one proposal alone is.</summary>
    public const int TargetPageBytes = 1024;

    /// <summary>First key, length, number of proposals, checksum.</summary>
    public const int EntryBytes = sizeof(ulong) + (3 * sizeof(uint));

    /// <summary>Keys are hashes, which lie evenly: so many pages begin with one of the same share of all.</summary>
    private const int PagesPerShare = 4;

    private readonly ulong[] _firstKeys;

    // For each share of all keys, how many pages begin before it.
    private readonly int[] _pagesBefore;
    private readonly long[] _offsets;
    private readonly int[] _firstPlaces;
    private readonly uint[] _checksums;
    private readonly ushort[] _prints;

    private PageIndex(int pages, ushort[] prints)
    {
        _firstKeys = new ulong[pages];
        _pagesBefore = new int[(pages / PagesPerShare) + 2];
        _offsets = new long[pages + 1];
        _firstPlaces = new int[pages + 1];
        _checksums = new uint[pages];
        _prints = prints;
    }

    public int PageCount => _checksums.Length;

    /// <summary>What a reader must know of a page.</summary>
    public PagePlace this[int page] =>
        new(page, _offsets[page], checked((int)(_offsets[page + 1] - _offsets[page])), _firstPlaces[page + 1] - _firstPlaces[page], _checksums[page]);

    /// <summary>The page with the proposals of a key, if one may have any.</summary>
    public bool TryFind(ulong key, out PagePlace page)
    {
        int at = LastPageFrom(key);
        if (at < 0 || !_prints.AsSpan(_firstPlaces[at], _firstPlaces[at + 1] - _firstPlaces[at]).Contains(ProposalKey.PrintOf(key)))
        {
            page = default;
            return false;
        }

        page = this[at];
        return true;
    }

    /// <summary>Reads what <see cref="TryFind"/> will look at for each of some keys, for all of them at each step. See <see cref="KeysAhead"/>.</summary>
    /// <param name="keys">At most <see cref="KeysAhead.Capacity"/>.</param>
    /// <returns>Nothing of use: it is what makes the compiler read.</returns>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public ulong Touch(ReadOnlySpan<ulong> keys)
    {
        Span<int> pages = stackalloc int[KeysAhead.Capacity];
        pages = pages[..keys.Length];
        ulong read = 0;
        foreach (ulong key in keys)
        {
            read += (ulong)_pagesBefore[ShareOf(key)];
        }

        for (int i = 0; i < pages.Length; i++)
        {
            pages[i] = LastPageFrom(keys[i]);
        }

        foreach (int page in pages)
        {
            read += page < 0 ? 0UL : (ulong)(_firstPlaces[page] + _firstPlaces[page + 1]);
        }

        foreach (int page in pages)
        {
            read += page < 0 ? 0UL : (ulong)(_prints[_firstPlaces[page]] + _prints[_firstPlaces[page + 1] - 1]);
        }

        return read;
    }

    private int ShareOf(ulong key) => (int)Math.BigMul(key, (ulong)(_pagesBefore.Length - 1), out _);

    /// <summary>The last page that begins at a key or before it; -1 when none does.</summary>
    private int LastPageFrom(ulong key)
    {
        int share = ShareOf(key);
        int low = _pagesBefore[share];
        int high = _pagesBefore[share + 1];
        while (low < high)
        {
            int middle = (low + high) / 2;
            (low, high) = _firstKeys[middle] <= key ? (middle + 1, high) : (low, middle);
        }

        return low - 1;
    }

    private void CountPages()
    {
        foreach (ulong key in _firstKeys)
        {
            _pagesBefore[ShareOf(key) + 1]++;
        }

        for (int share = 1; share < _pagesBefore.Length; share++)
        {
            _pagesBefore[share] += _pagesBefore[share - 1];
        }
    }

    /// <summary>The part of the filter that a page has.</summary>
    public ReadOnlySpan<ushort> PrintsOf(int page) => _prints.AsSpan(_firstPlaces[page], _firstPlaces[page + 1] - _firstPlaces[page]);

    /// <summary>Reads the two sections.</summary>
    /// <param name="pages">The section of the pages; pages follow each other without a gap.</param>
    /// <param name="prints">The section of the filter.</param>
    /// <param name="proposals">Where the proposals lie.</param>
    /// <param name="fault">What does not fit, or null.</param>
    public static PageIndex? Decode(ReadOnlySpan<byte> pages, ReadOnlySpan<byte> prints, SectionPlace proposals, out string? fault)
    {
        var filter = new ushort[prints.Length / sizeof(ushort)];
        for (int i = 0; i < filter.Length; i++)
        {
            filter[i] = BinaryPrimitives.ReadUInt16LittleEndian(prints[(i * sizeof(ushort))..]);
        }

        var index = new PageIndex(pages.Length / EntryBytes, filter);
        index._offsets[0] = proposals.Offset;
        for (int page = 0; page < index.PageCount; page++)
        {
            ReadOnlySpan<byte> entry = pages.Slice(page * EntryBytes, EntryBytes);
            index._firstKeys[page] = BinaryPrimitives.ReadUInt64LittleEndian(entry);
            uint length = BinaryPrimitives.ReadUInt32LittleEndian(entry[8..]);
            uint count = BinaryPrimitives.ReadUInt32LittleEndian(entry[12..]);
            index._checksums[page] = BinaryPrimitives.ReadUInt32LittleEndian(entry[16..]);
            if (length > int.MaxValue || count == 0 || count > filter.Length - index._firstPlaces[page]
                || length > proposals.Offset + proposals.Length - index._offsets[page]
                || (page > 0 && index._firstKeys[page] <= index._firstKeys[page - 1]))
            {
                fault = $"page {page} claims {count} proposals in {length} bytes, or is out of order";
                return null;
            }

            index._offsets[page + 1] = index._offsets[page] + length;
            index._firstPlaces[page + 1] = index._firstPlaces[page] + (int)count;
        }

        index.CountPages();
        fault = index._firstPlaces[^1] == filter.Length && index._offsets[^1] == proposals.Offset + proposals.Length
            ? null
            : $"the pages hold {index._firstPlaces[^1]} proposals and end at byte {index._offsets[^1]}, the filter has {filter.Length}, and the proposals end at byte {proposals.Offset + proposals.Length}";
        return fault is null ? index : null;
    }
}

/// <summary>Where a page lies, what it holds, and its checksum.</summary>
internal readonly record struct PagePlace(int Number, long Offset, int Length, int Proposals, uint Checksum);
