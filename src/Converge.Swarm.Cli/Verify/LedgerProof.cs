using System.Globalization;
using Converge.Core;
using Converge.Swarm.Http;
using Converge.Swarm.Ledger;
using Converge.Swarm.Storage;

namespace Converge.Swarm.Cli.Verify;

/// <summary>Verifies a ledger where it lies or through a node's API.</summary>
internal static class LedgerProof
{
    /// <summary>The folder of the ledger within a node's data folder.</summary>
    public const string LedgerFolder = GovernanceLedger.Purpose;

    private const int PageRecords = 1_000;

    /// <summary>Verifies the ledger of a node that does not run.</summary>
    /// <exception cref="CommandFault">There is no ledger, or the node runs.</exception>
    public static LedgerVerification OfFolder(string folder, LedgerHead? saved)
    {
        string path = Path.GetFullPath(folder);
        if (!Directory.Exists(path))
        {
            throw new CommandFault(ExitCode.Usage, $"There is no folder {path}; a node's address begins with http://.");
        }

        string ledger = Path.Combine(path, LedgerFolder);
        if (!Directory.Exists(ledger))
        {
            throw new CommandFault(ExitCode.Usage, $"{path} is not the data folder of a node: it has no folder '{LedgerFolder}'.");
        }

        // A node that runs writes while we would read, and what is half written looks like damage.
        if (!File.Exists(Path.Combine(path, FolderLock.FileName)))
        {
            return LedgerVerifier.VerifyFolder(PhysicalDisk.Instance, ledger, saved);
        }

        try
        {
            using FolderLock held = FolderLock.Acquire(path);
            return LedgerVerifier.VerifyFolder(PhysicalDisk.Instance, ledger, saved);
        }
        catch (FolderInUseException fault)
        {
            throw new CommandFault(ExitCode.InUse, $"{fault.Message} Stop the node, or verify its address instead.");
        }
    }

    /// <summary>Verifies all records that a node gives out, up to the head that it claims.</summary>
    public static async Task<LedgerVerification> OfNodeAsync(Uri url, LedgerHead? saved, CancellationToken cancellationToken)
    {
        using HttpSwarmClient node = new(url);
        return await OfNodeAsync(node, saved, _ => { }, cancellationToken);
    }

    /// <summary>Verifies all records that a node gives out, and hands them on one by one.</summary>
    public static async Task<LedgerVerification> OfNodeAsync(
        HttpSwarmClient node, LedgerHead? saved, Action<LedgerRecord> record, CancellationToken cancellationToken)
    {
        LedgerHead claimed = await node.GetHeadAsync(ReadConsistency.Stale, cancellationToken);
        LedgerVerifier verifier = new(saved);
        ulong next = 1;
        while (next <= claimed.Sequence)
        {
            int page = (int)Math.Min(PageRecords, claimed.Sequence - next + 1);
            IReadOnlyList<LedgerRecord> records = await node.ReadAsync(next, page, cancellationToken);
            if (records.Count == 0)
            {
                break;
            }

            foreach (LedgerRecord one in records)
            {
                verifier.Add(one);
                record(one);
            }

            next += (ulong)records.Count;
        }

        LedgerVerification found = verifier.Finish();
        return found.Head == claimed ? found : found with { Problems = [.. found.Problems, Differs(found.Head, claimed)] };
    }

    private static string Differs(LedgerHead found, LedgerHead claimed) => string.Create(
        CultureInfo.InvariantCulture,
        $"The records end with {found.Sequence}, hash {found.Hash}, root {found.Root}; the node's head says {claimed.Sequence}, hash {claimed.Hash}, root {claimed.Root}.");
}
