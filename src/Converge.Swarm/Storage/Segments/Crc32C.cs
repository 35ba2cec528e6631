using System.Numerics;
using System.Runtime.InteropServices;

namespace Converge.Swarm.Storage;

/// <summary>CRC-32C (Castagnoli), by the processor's instruction where it has one.</summary>
internal static class Crc32C
{
    /// <summary>The checksum of <paramref name="bytes"/>, as in RFC 3720: "123456789" gives 0xE3069283.</summary>
    public static uint Compute(ReadOnlySpan<byte> bytes) => Finish(Add(Start, bytes));

    /// <summary>The state before any byte.</summary>
    public const uint Start = 0xFFFF_FFFF;

    /// <summary>The state after more bytes.</summary>
    public static uint Add(uint state, ReadOnlySpan<byte> bytes)
    {
        if (BitConverter.IsLittleEndian)
        {
            var words = MemoryMarshal.Cast<byte, ulong>(bytes);
            foreach (var word in words)
            {
                state = BitOperations.Crc32C(state, word);
            }

            bytes = bytes[(words.Length * sizeof(ulong))..];
        }

        foreach (var b in bytes)
        {
            state = BitOperations.Crc32C(state, b);
        }

        return state;
    }

    /// <summary>The state after a number in little-endian bytes.</summary>
    public static uint Add(uint state, ulong value) => BitOperations.Crc32C(state, value);

    /// <summary>The checksum of all bytes added.</summary>
    public static uint Finish(uint state) => ~state;
}
