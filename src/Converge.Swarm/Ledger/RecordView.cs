namespace Converge.Swarm.Ledger;

/// <summary>A record in memory that may be used again for another one: <see cref="EncodedRecord"/> without an object of its own.</summary>
internal readonly ref struct RecordView(ReadOnlySpan<byte> bytes, scoped in RecordEnvelope envelope, Hash256 hash)
{
    /// <summary>The encoding as <see cref="LedgerRecordCodec"/> specifies it.</summary>
    public ReadOnlySpan<byte> Bytes { get; } = bytes;

    public RecordEnvelope Envelope { get; } = envelope;

    public Hash256 Hash { get; } = hash;

    public ulong Sequence => Envelope.Sequence;
}

/// <summary>
/// The record that was made last, in memory that is used again for the next one. A record is copied to the ledger at once: an array and an object for
/// each would be a third of what a node allocates for a fact.
/// </summary>
internal sealed class LatestRecord
{
    private const int FirstBytes = 1024;

    private byte[] _leaf = new byte[FirstBytes];
    private int _length;
    private RecordEnvelope _envelope;
    private Hash256 _hash;

    /// <summary>The record; good until the next one is made. Empty before the first.</summary>
    public RecordView View => new(_leaf.AsSpan(Math.Min(1, _length).._length), _envelope, _hash);

    /// <summary>Makes the next one, as <see cref="LedgerRecordCodec"/> encodes it.</summary>
    /// <param name="envelope">What every record has.</param>
    /// <param name="commandId">The client's command id, encoded; empty when there is none.</param>
    /// <param name="body">What follows, encoded.</param>
    public void Make(in RecordEnvelope envelope, ReadOnlySpan<byte> commandId, ReadOnlySpan<byte> body)
    {
        int length = LedgerRecordCodec.LeafSize(commandId, body);
        if (_leaf.Length < length)
        {
            _leaf = new byte[Math.Max(2 * _leaf.Length, length)];
        }

        Span<byte> leaf = _leaf.AsSpan(0, length);
        LedgerRecordCodec.WriteLeaf(leaf, envelope, commandId, body);
        (_length, _envelope, _hash) = (length, envelope, Hash256.Of(leaf));
    }
}
