using System.Security.Cryptography;
using Converge.Swarm.Ledger;

namespace Converge.Swarm.Tests.Ledger;

public sealed class Hash256Tests
{
    /// <summary>Short inputs take another way than long ones; each length around a block and around where the ways part.</summary>
    [Fact]
    public void Every_length_hashes_to_its_SHA_256()
    {
        byte[] bytes = new byte[OpenSslSha256.MaxInputBytes + 200];
        new Random(256).NextBytes(bytes);
        IEnumerable<int> lengths = [.. Enumerable.Range(0, 400), .. Enumerable.Range(OpenSslSha256.MaxInputBytes - 70, 270)];
        Assert.All(lengths, length => Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(bytes.AsSpan(0, length))), Hash256.Of(bytes.AsSpan(0, length)).ToString()));
    }

    /// <summary>Not a matter of the hash alone: a machine without the library computes the same, only slower.</summary>
    [Fact]
    public void The_short_way_refuses_what_is_too_long_for_it() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => OpenSslSha256.TryCompute(new byte[OpenSslSha256.MaxInputBytes + 1], new byte[Hash256.Size]));
}
