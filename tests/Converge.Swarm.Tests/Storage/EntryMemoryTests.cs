using System.Runtime.InteropServices;
using Converge.Swarm.Storage;

namespace Converge.Swarm.Tests.Storage;

public sealed class EntryMemoryTests
{
    [Fact]
    public void Nobody_is_given_what_another_has()
    {
        var memory = new EntryMemory();
        var random = new Random(3);
        List<(Memory<byte> Bytes, byte Value)> taken = [];
        for (int i = 0; i < 3_000; i++)
        {
            int length = random.Next(100) == 0 ? random.Next(600_000) : random.Next(2_000);
            Memory<byte> bytes = memory.Take(length);
            Assert.Equal(length, bytes.Length);
            bytes.Span.Fill((byte)i);
            taken.Add((bytes, (byte)i));
        }

        Assert.All(taken, one => Assert.False(one.Bytes.Span.ContainsAnyExcept(one.Value)));
    }

    /// <summary>A large array is held by the least of its entries, so that who keeps little must not be given one.</summary>
    [Fact]
    public void Who_takes_little_holds_little_and_what_is_large_has_an_array_of_its_own()
    {
        var memory = new EntryMemory();
        Assert.InRange(ArrayOf(memory.Take(10)), 10, 4 * 1024);
        Assert.Equal(300_000, ArrayOf(memory.Take(300_000)));
        Assert.InRange(ArrayOf(memory.Take(10)), 10, 4 * 1024);
        for (int i = 0; i < 10_000; i++)
        {
            memory.Take(1_000);
        }

        Assert.Equal(1024 * 1024, ArrayOf(memory.Take(10)));
    }

    private static int ArrayOf(Memory<byte> memory) => MemoryMarshal.TryGetArray<byte>(memory, out ArraySegment<byte> segment) ? segment.Array!.Length : 0;
}
