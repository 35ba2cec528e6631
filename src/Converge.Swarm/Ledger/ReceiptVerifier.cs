using System.Globalization;
using Converge.Core;

namespace Converge.Swarm.Ledger;

/// <summary>Checks receipts and proofs. Pure: needs no swarm, no ledger and no disk.</summary>
public static class ReceiptVerifier
{
    /// <summary>Everything that is wrong with a receipt, one sentence each; none when it holds.</summary>
    /// <param name="receipt">The receipt.</param>
    /// <param name="saved">
    /// A head that the verifier keeps from elsewhere. It must be the receipt's: without it the receipt only shows to be in harmony with
    /// itself, which whoever made it could see to.
    /// </param>
    public static IReadOnlyList<string> Verify(LedgerReceipt receipt, LedgerHead? saved = null)
    {
        List<string> problems = [];
        LedgerRecord record = receipt.Record;
        LedgerHead head = receipt.Head;
        if (Encode(record, problems) is { } encoded)
        {
            if (!string.Equals(encoded.Hash.ToString(), record.Hash, StringComparison.Ordinal))
            {
                problems.Add($"The record's hash is {encoded.Hash}, but it says {record.Hash}.");
            }

            if (!Leads(encoded.Hash, record.Sequence, head.Sequence, receipt.Path, head.Root))
            {
                problems.Add(Sentence($"The path does not lead from record {record.Sequence} to the root of the head's {head.Sequence} records."));
            }
        }

        CheckOrder(record, head, problems);
        if (saved is not null && saved != head)
        {
            problems.Add(saved.Sequence == head.Sequence
                ? Sentence($"The head is not the saved one, although both have {head.Sequence} records.")
                : Sentence($"The head has {head.Sequence} records, and the saved one {saved.Sequence}; a receipt can be had for that one (size={saved.Sequence})."));
        }

        return problems;
    }

    /// <summary>True when the path leads from the hash to the root.</summary>
    public static bool Holds(InclusionProof proof) =>
        Hash256.TryParse(proof.Hash, out Hash256 hash) && Leads(hash, proof.Sequence, proof.Size, proof.Path, proof.Root);

    /// <summary>True when the path shows the older ledger to be the beginning of the later one.</summary>
    public static bool Holds(ConsistencyProof proof) =>
        Hash256.TryParse(proof.FromRoot, out Hash256 fromRoot)
        && Hash256.TryParse(proof.ToRoot, out Hash256 toRoot)
        && TryParse(proof.Path, out Hash256[] path)
        && MerkleTree.VerifyConsistency(proof.From, fromRoot, proof.To, toRoot, path);

    private static EncodedRecord? Encode(LedgerRecord record, List<string> problems)
    {
        try
        {
            return LedgerRecordCodec.Encode(record);
        }
        catch (ArgumentException unfit)
        {
            problems.Add(unfit.Message);
            return null;
        }
    }

    /// <summary>What every head of a ledger with this record must say of it.</summary>
    private static void CheckOrder(LedgerRecord record, LedgerHead head, List<string> problems)
    {
        if (record.Sequence == head.Sequence)
        {
            if (!string.Equals(head.Hash, record.Hash, StringComparison.Ordinal) || head.Index != record.Index || head.Term != record.Term)
            {
                problems.Add("The record is the last one of the head, which says otherwise.");
            }
        }
        else if (record.Sequence < head.Sequence
            && (head.Index.Value < record.Index.Value || head.Index.Value - record.Index.Value < head.Sequence - record.Sequence || head.Term < record.Term))
        {
            problems.Add(Sentence(
                $"The head stands at entry {head.Index} of term {head.Term}, which does not follow record {record.Sequence} at entry {record.Index} of term {record.Term}."));
        }
    }

    private static bool Leads(Hash256 hash, ulong sequence, ulong size, IReadOnlyList<string> path, string root) =>
        sequence > 0
        && Hash256.TryParse(root, out Hash256 expected)
        && TryParse(path, out Hash256[] hashes)
        && MerkleTree.VerifyInclusion(hash, sequence - 1, size, hashes, expected);

    private static bool TryParse(IReadOnlyList<string> path, out Hash256[] hashes)
    {
        hashes = new Hash256[path.Count];
        for (int i = 0; i < hashes.Length; i++)
        {
            if (!Hash256.TryParse(path[i], out hashes[i]))
            {
                return false;
            }
        }

        return true;
    }

    private static string Sentence(FormattableString sentence) => sentence.ToString(CultureInfo.InvariantCulture);
}
