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
/// The ledger ends before the snapshot beside it, which was put in force only when the ledger was durable up to its end. Records are lost that the
/// compacted log cannot bring back: they must come from another node (<see cref="GovernanceLedger.CatchUpTo"/>). Nothing was changed.
/// </summary>
public sealed class LedgerIncompleteException : IOException
{
    /// <summary>The ledger has <paramref name="lastSequence"/> records of <paramref name="needed"/>.</summary>
    public LedgerIncompleteException(ulong lastSequence, ulong needed)
        : base(string.Create(CultureInfo.InvariantCulture, $"The ledger ends with record {lastSequence}, but the snapshot in force stands for {needed}."))
    {
        LastSequence = lastSequence;
        Needed = needed;
    }

    /// <summary>The last record that is there.</summary>
    public ulong LastSequence { get; }

    /// <summary>The last record that should be.</summary>
    public ulong Needed { get; }
}

/// <summary>Records from another node do not continue this ledger to the end that a snapshot says. None of them that was not proven was appended.</summary>
public sealed class LedgerRecordsRefusedException : Exception
{
    /// <summary>Refused at a record.</summary>
    public LedgerRecordsRefusedException(ulong sequence, string what, Exception? inner = null)
        : base(string.Create(CultureInfo.InvariantCulture, $"The records from another node are refused at record {sequence}: {what}"), inner) => Sequence = sequence;

    /// <summary>The first record that is or may be wrong.</summary>
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
