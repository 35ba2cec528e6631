using System.Globalization;

namespace Converge.Swarm.Ledger;

/// <summary>
/// What applying the log gives is not what the ledger holds. One of the two was changed, or this program applies entries in another way
/// than the one that wrote the ledger. The node must stop; nothing was written.
/// </summary>
public sealed class LedgerDivergedException : Exception
{
    /// <summary>The ledger and the log differ at a record.</summary>
    public LedgerDivergedException(ulong sequence, string what)
        : base(string.Create(CultureInfo.InvariantCulture, $"The ledger differs from the log at record {sequence}: {what}")) => Sequence = sequence;

    /// <summary>The first record that differs.</summary>
    public ulong Sequence { get; }
}

/// <summary>
/// A ledger's bytes are whole as a file, and yet not a chain of records. <c>LedgerVerifier</c> tells all that is wrong.
/// </summary>
public sealed class LedgerDamagedException : IOException
{
    /// <summary>A record cannot be what was written.</summary>
    public LedgerDamagedException(ulong sequence, string file, long offset, string what, Exception? inner = null)
        : base(string.Create(CultureInfo.InvariantCulture, $"Record {sequence} in {file}, in the group at byte {offset}: {what}"), inner)
    {
        Sequence = sequence;
        File = file;
        Offset = offset;
    }

    /// <summary>The first record that is wrong.</summary>
    public ulong Sequence { get; }

    /// <summary>The file that holds it.</summary>
    public string File { get; }

    /// <summary>Where the group of records with it begins, in bytes.</summary>
    public long Offset { get; }
}
