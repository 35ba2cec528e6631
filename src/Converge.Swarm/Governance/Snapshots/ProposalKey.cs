using Converge.Swarm.Ledger;

namespace Converge.Swarm.Governance;

/// <summary>
/// Where a proposal stands in a snapshot: by the first 64 bits of the SHA-256 of its id, and by the id itself when those are equal.
/// Clients choose the ids, so the order must be one that they cannot crowd.
/// </summary>
internal static class ProposalKey
{
    public const int Bytes = sizeof(ulong);

    public static ulong Of(ReadOnlySpan<byte> id) => Hash256.Of(id).First64Bits;

    /// <summary>What the filter keeps of a key. The upper bits are told by the place already.</summary>
    public static ushort PrintOf(ulong key) => unchecked((ushort)key);
}
