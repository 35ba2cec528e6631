using System.Globalization;
using Converge.Core;
using Converge.Swarm.Storage;

namespace Converge.Swarm.Ledger;

/// <summary>What a verification found.</summary>
/// <param name="Records">How many records were read in their order.</param>
/// <param name="Head">
/// The end of what was read, with the Merkle root computed anew; for an excerpt, whose root cannot be derived, 64 zeros stand for it.
/// </param>
/// <param name="Problems">Everything that is wrong, one sentence each, at most <see cref="LedgerVerifier.MaxProblems"/>.</param>
/// <param name="Remarks">What is unusual and yet explained by a crash.</param>
public sealed record LedgerVerification(ulong Records, LedgerHead Head, IReadOnlyList<string> Problems, IReadOnlyList<string> Remarks)
{
    /// <summary>The number that the first record must have: 1, or greater for an excerpt.</summary>
    public ulong FirstSequence { get; init; } = 1;

    /// <summary>True when earlier records were left out on purpose: what is said holds for the rest only.</summary>
    public bool IsExcerpt => FirstSequence > 1;

    /// <summary>True when nothing is wrong.</summary>
    public bool Ok => Problems.Count == 0;

    /// <summary>The Merkle root over the records read.</summary>
    public string Root => Head.Root;
}

/// <summary>
/// Derives a ledger's hashes, chain and tree anew and says everything that does not fit: changed, missing, doubled or reordered records,
/// a broken chain, times that go back, and a ledger that is shorter or other than a head saved earlier.
/// </summary>
/// <remarks>
/// Whoever can write all records can also make them fit together; only a head that was saved elsewhere proves that nothing was
/// exchanged up to it. For one thread.
/// </remarks>
public sealed class LedgerVerifier
{
    /// <summary>After so many problems the rest are only counted.</summary>
    public const int MaxProblems = 100;

    private readonly LedgerHead? _saved;
    private readonly ulong _first;
    private readonly RecordChain _chain = new();
    private readonly List<string> _problems = [];
    private readonly List<string> _remarks = [];
    private ulong _records;
    private ulong _moreProblems;
    private bool _savedReached;

    // What the record before says its hash is. Differs from the computed one when it was changed, which is told once.
    private Hash256 _claimedHash;

    /// <summary>Begins a verification.</summary>
    /// <param name="saved">A head of the same ledger, saved earlier.</param>
    public LedgerVerifier(LedgerHead? saved = null)
        : this(1, saved)
    {
    }

    private LedgerVerifier(ulong first, LedgerHead? saved)
    {
        _first = Math.Max(1, first);
        _saved = saved;
        CompareWithSaved();
    }

    private bool IsExcerpt => _first > 1;

    /// <summary>
    /// Begins a verification with a later record than the first. What comes before it is not known: its own previous hash, and the Merkle
    /// root, cannot be judged.
    /// </summary>
    /// <param name="first">The first record that there will be.</param>
    /// <param name="saved">A head of the same ledger, saved earlier; its root cannot be compared.</param>
    public static LedgerVerifier From(ulong first, LedgerHead? saved = null) => new(first, saved);

    /// <summary>Verifies the ledger in the folder of a node that does not run. Reads only; a torn tail is left as it is.</summary>
    /// <exception cref="IOException">The disk failed.</exception>
    public static LedgerVerification VerifyFolder(IDisk disk, string folder, LedgerHead? saved = null)
    {
        var verifier = new LedgerVerifier(saved);
        var files = new LedgerFiles(disk, folder);
        files.Read(verifier.Add, verifier.Problem, verifier._remarks.Add);
        return verifier.Finish();
    }

    /// <summary>Verifies records that were read elsewhere, for example from JSON.</summary>
    public static LedgerVerification VerifyRecords(IEnumerable<LedgerRecord> records, LedgerHead? saved = null)
    {
        var verifier = new LedgerVerifier(saved);
        foreach (LedgerRecord record in records)
        {
            verifier.Add(record);
        }

        return verifier.Finish();
    }

    /// <summary>Verifies the next record of a stream.</summary>
    public void Add(LedgerRecord record)
    {
        EncodedRecord encoded;
        try
        {
            encoded = LedgerRecordCodec.Encode(record);
        }
        catch (ArgumentException unfit)
        {
            Problem(Sentence($"Record {record.Sequence}: {unfit.Message}"));
            return;
        }

        if (!Hash256.TryParse(record.Hash, out Hash256 claimed) || claimed != encoded.Hash)
        {
            Problem(Sentence($"Record {record.Sequence}: Its hash is {encoded.Hash}, but it says {record.Hash}."));
        }

        Add(encoded, claimed, where: "");
    }

    /// <summary>Ends the verification.</summary>
    public LedgerVerification Finish()
    {
        if (_saved is { } saved && !_savedReached)
        {
            Problem(Sentence($"The ledger ends with record {_chain.LastSequence}, but the saved head says that there were {saved.Sequence}."));
            _savedReached = true;
        }

        List<string> problems = [.. _problems];
        if (_moreProblems > 0)
        {
            problems[^1] = Sentence($"{_moreProblems + 1} more problems are not listed.");
        }

        LedgerHead head = IsExcerpt ? _chain.Head with { Root = Hash256.Zero.ToString() } : _chain.Head;
        return new LedgerVerification(_records, head, problems, [.. _remarks]) { FirstSequence = _first };
    }

    /// <summary>Verifies a record that was read from a file.</summary>
    private void Add(LogRecord stored, string file, long offset)
    {
        string where = Sentence($" in {file}, in the group at byte {offset}");
        EncodedRecord record;
        try
        {
            record = EncodedRecord.FromBytes(stored.Bytes.Span);
        }
        catch (MalformedEncodingException malformed)
        {
            Problem(Sentence($"Record {stored.Number}{where}: {malformed.Message}"));
            return;
        }

        if (record.Sequence != stored.Number)
        {
            Problem(Sentence($"Record {record.Sequence}{where}: It stands in the place of record {stored.Number}."));
        }

        Add(record, record.Hash, where);
    }

    private void Add(EncodedRecord record, Hash256 claimedHash, string where)
    {
        bool isFirstOfExcerpt = IsExcerpt && _records == 0;
        ulong due = isFirstOfExcerpt ? _first : _chain.LastSequence + 1;
        if (record.Sequence < due)
        {
            Problem(Sentence($"Record {record.Sequence}{where}: It comes again or too late, after record {_chain.LastSequence}."));
            return;
        }

        if (record.Sequence > due)
        {
            Problem(record.Sequence == due + 1
                ? Sentence($"Record {due} is missing before record {record.Sequence}{where}.")
                : Sentence($"Records {due} to {record.Sequence - 1} are missing before record {record.Sequence}{where}."));
        }
        else if (!isFirstOfExcerpt && record.Envelope.PreviousHash != _claimedHash)
        {
            Problem(Sentence(
                $"Record {record.Sequence}{where}: It names {record.Envelope.PreviousHash} as the hash of the record before, which is {_claimedHash}."));
        }

        if (_chain.OrderObjection(record.Envelope) is { } objection)
        {
            Problem(Sentence($"Record {record.Sequence}{where}: {objection}"));
        }

        _chain.Extend(record);
        _claimedHash = claimedHash;
        _records++;
        CompareWithSaved();
    }

    private void CompareWithSaved()
    {
        if (_saved is not { } saved || _savedReached || (_chain.LastSequence < saved.Sequence && saved.Sequence >= _first))
        {
            return;
        }

        _savedReached = true;
        if (saved.Sequence < _first && IsExcerpt)
        {
            Problem(Sentence($"The excerpt begins with record {_first}, behind the {saved.Sequence} records of the saved head."));
            return;
        }

        LedgerHead head = _chain.Head;
        if (head.Sequence != saved.Sequence)
        {
            Problem(Sentence($"Record {saved.Sequence}, at which the head was saved, is missing."));
            return;
        }

        if (!string.Equals(head.Hash, saved.Hash, StringComparison.Ordinal))
        {
            Problem(Sentence($"Record {saved.Sequence}: Its hash is {head.Hash}, but the saved head says {saved.Hash}."));
        }

        if (IsExcerpt)
        {
            _remarks.Add(Sentence($"The Merkle root of the saved head cannot be compared: records 1 to {_first - 1} are not there."));
        }
        else if (!string.Equals(head.Root, saved.Root, StringComparison.Ordinal))
        {
            Problem(Sentence($"Up to record {saved.Sequence}: The Merkle root is {head.Root}, but the saved head says {saved.Root}."));
        }
    }

    private void Problem(string sentence)
    {
        if (_problems.Count < MaxProblems)
        {
            _problems.Add(sentence);
        }
        else
        {
            _moreProblems++;
        }
    }

    private static string Sentence(FormattableString sentence) => sentence.ToString(CultureInfo.InvariantCulture);
}
