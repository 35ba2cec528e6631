namespace Converge.Core;

/// <summary>That a record is in the ledger: the audit path of RFC 6962, section 2.1.1.</summary>
/// <param name="Sequence">The record.</param>
/// <param name="Size">Of how many records the tree is, the first ones of the ledger.</param>
/// <param name="Hash">The record's hash, which is its leaf hash; lower-case hexadecimal digits, as all hashes here.</param>
/// <param name="Path">What it takes to get from there to the root, the lowest first.</param>
/// <param name="Root">The root of that tree.</param>
public sealed record InclusionProof(ulong Sequence, ulong Size, string Hash, IReadOnlyList<string> Path, string Root)
{
    /// <summary>True when it is about this record among so many; null for however many there were. Says nothing of whether it holds.</summary>
    public bool Answers(ulong sequence, ulong? size) => Sequence == sequence && (size is null || Size == size);
}

/// <summary>That a ledger only grew: its first records are those that were there before (RFC 6962, section 2.1.2).</summary>
/// <param name="From">How many records there were.</param>
/// <param name="To">How many there are.</param>
/// <param name="FromRoot">The Merkle root over the first <paramref name="From"/>.</param>
/// <param name="ToRoot">The Merkle root over the first <paramref name="To"/>.</param>
/// <param name="Path">The hashes that lead to both; none when the sizes are equal or the first is zero.</param>
public sealed record ConsistencyProof(ulong From, ulong To, string FromRoot, string ToRoot, IReadOnlyList<string> Path)
{
    /// <summary>True when it is about ledgers of so many records; null for however many there were later. Says nothing of whether it holds.</summary>
    public bool Answers(ulong from, ulong? to) => From == from && (to is null || To == to);
}

/// <summary>
/// All it takes to show, without the swarm, that a record is in the ledger that a head stands for. It proves as much as the head is
/// trusted: whoever keeps a head of that size elsewhere compares the two.
/// </summary>
/// <param name="Record">The record.</param>
/// <param name="Head">The end of the ledger at the time; its sequence is the size of the tree.</param>
/// <param name="Path">The audit path from the record's hash to the head's root, the lowest hash first.</param>
public sealed record LedgerReceipt(LedgerRecord Record, LedgerHead Head, IReadOnlyList<string> Path)
{
    /// <summary>True when it is of this record, for a head of so many; null for however many there were. Says nothing of whether it holds.</summary>
    public bool Answers(ulong sequence, ulong? size) => Record.Sequence == sequence && (size is null || Head.Sequence == size);
}
