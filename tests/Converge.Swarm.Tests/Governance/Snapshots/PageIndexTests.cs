using System.Buffers.Binary;
using Converge.Swarm.Governance;

namespace Converge.Swarm.Tests.Governance;

/// <summary>The page in which a key would lie, however the keys lie.</summary>
public sealed class PageIndexTests
{
    [Theory]
    [InlineData("even")]
    [InlineData("low")]
    [InlineData("high")]
    [InlineData("doubling")]
    [InlineData("one")]
    [InlineData("none")]
    public void A_key_is_looked_for_in_the_last_page_that_begins_at_it_or_before(string how)
    {
        var random = new Random(7);
        ulong[] firstKeys = how switch
        {
            "even" => [.. Enumerable.Range(0, 3000).Select(_ => (ulong)random.NextInt64() << 1).Distinct().Order()],
            "low" => [.. Enumerable.Range(0, 3000).Select(i => (ulong)i)],
            "high" => [.. Enumerable.Range(0, 3000).Select(i => ulong.MaxValue - 2999 + (ulong)i)],
            "doubling" => [.. Enumerable.Range(0, 64).Select(i => 1UL << i)],
            "one" => [1UL << 63],
            _ => [],
        };
        IEnumerable<ulong> around = firstKeys.SelectMany(key => new[] { key - 1, key, key + 1 });
        IEnumerable<ulong> anywhere = Enumerable.Range(0, 1000).Select(_ => (ulong)random.NextInt64() << 1);
        ulong[] keys = [.. around, .. anywhere, 0, 1, ulong.MaxValue];
        PageIndex index = IndexOf(firstKeys, keys);

        Assert.All(keys.Chunk(KeysAhead.Capacity), some => index.Touch(some));
        foreach (ulong key in keys)
        {
            int expected = PageOf(firstKeys, key);

            Assert.Equal(expected >= 0, index.TryFind(key, out PagePlace page));
            Assert.Equal(Math.Max(expected, 0), page.Number);
        }
    }

    private static int PageOf(ulong[] firstKeys, ulong key) => Array.FindLastIndex(firstKeys, first => first <= key);

    /// <summary>Pages with these first keys, of which each may have every one of the keys that would lie in it.</summary>
    private static PageIndex IndexOf(ulong[] firstKeys, ulong[] keys)
    {
        ILookup<int, ushort> prints = keys.ToLookup(key => PageOf(firstKeys, key), ProposalKey.PrintOf);
        byte[] pages = new byte[firstKeys.Length * PageIndex.EntryBytes];
        List<byte> filter = [];
        for (int page = 0; page < firstKeys.Length; page++)
        {
            Span<byte> entry = pages.AsSpan(page * PageIndex.EntryBytes);
            BinaryPrimitives.WriteUInt64LittleEndian(entry, firstKeys[page]);
            BinaryPrimitives.WriteInt32LittleEndian(entry[8..], 1);
            BinaryPrimitives.WriteInt32LittleEndian(entry[12..], prints[page].Count());
            foreach (ushort print in prints[page])
            {
                filter.AddRange([(byte)print, (byte)(print >> 8)]);
            }
        }

        var place = new SectionPlace(0, firstKeys.Length, 0);
        PageIndex? index = PageIndex.Decode(pages, [.. filter], place, out string? fault);
        Assert.Null(fault);
        return index!;
    }
}
