using System.Globalization;

namespace Converge.Swarm.Ledger;

/// <summary>
/// Takes records from another node into a ledger, up to a snapshot's end. A block of 1,024 records is held back until its root is the one that
/// the snapshot has for it, the last records until the ledger's root is the snapshot's; only then are they appended. For one thread; the
/// ledger may be flushed and read beside it.
/// </summary>
/// <remarks>Bounded: at most two blocks of records are in memory.</remarks>
public sealed class LedgerCatchUp
{
    private readonly GovernanceLedger _ledger;
    private readonly RecordChain _chain;
    private readonly LedgerCheckpoint _target;
    private readonly List<EncodedRecord> _unproven = [];
    private readonly Queue<EncodedRecord> _proven = [];
    private bool _refused;

    internal LedgerCatchUp(GovernanceLedger ledger, RecordChain chain, LedgerCheckpoint target)
    {
        _ledger = ledger;
        _chain = chain;
        _target = target;
    }

    /// <summary>The record that is to come next; past <see cref="LastSequence"/> when none is.</summary>
    public ulong NextSequence => _chain.LastSequence + 1;

    /// <summary>The last record that is lacking.</summary>
    public ulong LastSequence => _target.Sequence;

    /// <summary>True when every record up to the snapshot's end is in the ledger, though perhaps not durable yet.</summary>
    public bool IsComplete => !_refused && _chain.LastSequence >= _target.Sequence && _proven.Count == 0;

    /// <summary>True when a crash cannot take any of them away: the snapshot may be put in force.</summary>
    public bool IsDurable => IsComplete && _ledger.IsDurable(_target.Sequence);

    /// <summary>Takes the next record. One that is here already is passed over.</summary>
    /// <param name="encoded">Its encoding (<see cref="LedgerRecordCodec"/>).</param>
    /// <returns>False when the ledger has no room: nothing was taken, and <see cref="GovernanceLedger.Flush"/> comes first.</returns>
    /// <exception cref="LedgerRecordsRefusedException">
    /// It is no record, does not continue the ledger, or the records up to it are not those of the snapshot's ledger. None that was not proven was
    /// appended; a new attempt begins with <see cref="GovernanceLedger.CatchUpTo"/>.
    /// </exception>
    /// <exception cref="LedgerDivergedException">The ledger went on meanwhile with another record.</exception>
    public bool TryAdd(ReadOnlySpan<byte> encoded)
    {
        if (_refused)
        {
            throw new InvalidOperationException($"Record {NextSequence} was refused; this attempt is over.");
        }

        if (!TryAppend())
        {
            return false;
        }

        EncodedRecord record;
        try
        {
            record = EncodedRecord.FromBytes(encoded);
        }
        catch (MalformedEncodingException malformed)
        {
            throw Refuse(NextSequence, malformed.Message, malformed);
        }

        if (record.Sequence < NextSequence)
        {
            return true;
        }

        if (record.Sequence > NextSequence || record.Sequence > LastSequence)
        {
            throw Refuse(record.Sequence, string.Create(CultureInfo.InvariantCulture, $"record {NextSequence} is due, and {LastSequence} is the last."));
        }

        if (_chain.Objection(record.Envelope) is { } objection)
        {
            throw Refuse(record.Sequence, objection);
        }

        bool proven = false;
        _unproven.Add(record);
        _chain.Extend(record, (level, root) =>
        {
            if (level == SubtreeRoots.BlockLevel)
            {
                Prove(root, _target.Blocks.Span[(int)LedgerCheckpoint.BlockCount(record.Sequence - 1)]);
                proven = true;
            }
        });
        if (record.Sequence == LastSequence)
        {
            Prove(_chain.LastHash, _target.End.Hash);
            Prove(_chain.Root, _target.End.Root);
            proven = true;
        }

        if (proven)
        {
            _unproven.ForEach(_proven.Enqueue);
            _unproven.Clear();
            TryAppend();
        }

        return true;
    }

    /// <summary>Appends what is proven and waits for room.</summary>
    /// <returns>False when the ledger has no room for all of it: <see cref="GovernanceLedger.Flush"/> comes first.</returns>
    /// <exception cref="LedgerDivergedException">The ledger went on meanwhile with another record.</exception>
    public bool TryAppend()
    {
        while (_proven.Count > 0 && !_ledger.IsFull)
        {
            _ledger.Append(_proven.Dequeue());
        }

        return _proven.Count == 0;
    }

    private void Prove(Hash256 actual, Hash256 due)
    {
        if (actual != due)
        {
            throw Refuse(
                _unproven[0].Sequence,
                string.Create(CultureInfo.InvariantCulture, $"with the records up to {_unproven[^1].Sequence} it leads to {actual}, and the snapshot's ledger has {due} there."));
        }
    }

    private LedgerRecordsRefusedException Refuse(ulong sequence, string what, Exception? inner = null)
    {
        _refused = true;
        return new LedgerRecordsRefusedException(sequence, what, inner);
    }
}
