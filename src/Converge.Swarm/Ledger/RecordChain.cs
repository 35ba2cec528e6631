using System.Globalization;
using Converge.Core;

namespace Converge.Swarm.Ledger;

/// <summary>The end of a chain of records, and what the next one must look like to continue it.</summary>
internal sealed class RecordChain
{
    private readonly MerkleFrontier _tree;
    private RecordEnvelope _last;

    public RecordChain() => _tree = new MerkleFrontier();

    /// <summary>The end of a ledger that went on to a checkpoint.</summary>
    public RecordChain(LedgerCheckpoint checkpoint, SubtreeRoots subtrees)
    {
        LedgerCheckpointEnd end = checkpoint.End;
        _tree = checkpoint.Frontier(subtrees);
        _last = new RecordEnvelope(default, checkpoint.Sequence, end.Index, end.Term, end.TimeUnixMilliseconds, end.Lamport, default);
        LastHash = end.Hash;
    }

    private RecordChain(RecordChain other)
    {
        _tree = other._tree.Copy();
        _last = other._last;
        LastHash = other.LastHash;
    }

    public ulong LastSequence => _last.Sequence;

    public Hash256 LastHash { get; private set; }

    public Hash256 Root => _tree.Root;

    public LedgerHead Head => new(LastSequence, LastHash.ToString(), Root.ToString(), _last.Index, _last.Term);

    /// <summary>Why a record cannot come next, in a sentence; null when it can. The number is not looked at.</summary>
    public string? Objection(in RecordEnvelope next)
    {
        if (next.PreviousHash != LastHash)
        {
            return $"It names {next.PreviousHash} as the hash of the record before, which is {LastHash}.";
        }

        return OrderObjection(next);
    }

    /// <summary>As <see cref="Objection"/>, without the hash of the record before.</summary>
    public string? OrderObjection(in RecordEnvelope next)
    {
        if (LastSequence == 0)
        {
            return null;
        }

        if (next.TimeUnixMilliseconds < _last.TimeUnixMilliseconds)
        {
            return Sentence($"Its time, {next.TimeUnixMilliseconds} ms, is before that of record {LastSequence}, {_last.TimeUnixMilliseconds} ms.");
        }

        if (next.Index <= _last.Index)
        {
            return Sentence($"Its log index, {next.Index}, does not follow that of record {LastSequence}, {_last.Index}.");
        }

        if (next.Term < _last.Term)
        {
            return Sentence($"Its term, {next.Term}, is before that of record {LastSequence}, {_last.Term}.");
        }

        return next.Lamport.Counter <= _last.Lamport.Counter
            ? Sentence($"Its Lamport counter, {next.Lamport.Counter}, does not follow that of record {LastSequence}, {_last.Lamport.Counter}.")
            : null;
    }

    /// <summary>Goes on with a record, whatever <see cref="Objection"/> says.</summary>
    public void Extend(EncodedRecord record, SubtreeCompleted? completed = null) => Extend(record.View, completed);

    /// <summary>As above.</summary>
    public void Extend(in RecordView record, SubtreeCompleted? completed = null)
    {
        _last = record.Envelope;
        LastHash = record.Hash;
        _tree.Append(record.Hash, completed);
    }

    public RecordChain Copy() => new(this);

    private static string Sentence(FormattableString sentence) => sentence.ToString(CultureInfo.InvariantCulture);
}
