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

/// <summary>Something was asked about records that the ledger does not have, or that do not fit together. Nothing was changed.</summary>
public sealed class LedgerRangeException : Exception
{
    /// <summary>A number is out of its range.</summary>
    /// <param name="parameter">Which: <c>sequence</c>, <c>size</c>, <c>from</c> or <c>to</c>.</param>
    /// <param name="isBeyondLedger">True when a longer ledger would have it.</param>
    /// <param name="message">For a person.</param>
    public LedgerRangeException(string parameter, bool isBeyondLedger, string message)
        : base(message)
    {
        Parameter = parameter;
        IsBeyondLedger = isBeyondLedger;
    }

    /// <summary>Which number it is: <c>sequence</c>, <c>size</c>, <c>from</c> or <c>to</c>.</summary>
    public string Parameter { get; }

    /// <summary>True when the ledger is too short for it; false when no ledger can have it.</summary>
    public bool IsBeyondLedger { get; }

    internal static LedgerRangeException Beyond(string parameter, ulong value, ulong last) => new(
        parameter, isBeyondLedger: true, string.Create(CultureInfo.InvariantCulture, $"{parameter} is {value}, but the ledger ends with record {last}."));

    internal static LedgerRangeException Outside(string parameter, ulong value, ulong least, ulong greatest) => new(
        parameter, isBeyondLedger: false, string.Create(CultureInfo.InvariantCulture, $"{parameter} is {value}; it must be from {least} to {greatest}."));
}
