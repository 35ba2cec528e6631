using Converge.Raft;
using Converge.Swarm.Governance;
using Converge.Swarm.Ledger;
using Converge.Swarm.Storage;

namespace Converge.Swarm.Actors;

/// <summary>
/// The snapshots of a node, as its <see cref="SnapshotWork"/> needs them. Writing may run beside everything else; the rest is for one
/// thread at a time.
/// </summary>
public sealed class SnapshotFiles : IDisposable
{
    /// <summary>Of a file that is being received this much is written before it is flushed, so that the last flush is no long one.</summary>
    private const int UnflushedBytes = 8 * 1024 * 1024;

    private readonly IDisk _disk;
    private readonly Func<SnapshotPace, IDisk> _writing;
    private readonly StateSnapshotFolder _folder;
    private readonly CancellationTokenSource _stop = new();
    private IDiskFile? _receiving;
    private SnapshotMark _receivingMark;
    private long _unflushed;
    private LedgerCheckpoint? _records;
    private LedgerCatchUp? _catchUp;
    private IDiskFile? _sending;
    private SnapshotMark _sendingMark;

    /// <summary>The snapshots in a data folder.</summary>
    /// <param name="disk">The disk.</param>
    /// <param name="dataFolder">The folder.</param>
    /// <param name="writing">The same disk for writing one snapshot, which may take its time; null for none of its own.</param>
    /// <exception cref="IOException">The disk failed.</exception>
    public SnapshotFiles(IDisk disk, string dataFolder, Func<SnapshotPace, IDisk>? writing = null)
    {
        _disk = disk;
        _writing = writing ?? (_ => disk);
        _folder = new StateSnapshotFolder(disk, dataFolder);
    }

    /// <summary>Opens the newest snapshot; null when there is none. A damaged one is not skipped: the log behind an older one may be gone.</summary>
    /// <exception cref="SnapshotDamagedException">It is not what was written; names file and offset.</exception>
    /// <exception cref="UnsupportedSnapshotException">This program does not know its format or its rules.</exception>
    /// <exception cref="IOException">The disk failed.</exception>
    public StateSnapshotFile? OpenNewest() => _folder.List() is [SnapshotMark newest, ..] ? _folder.Open(newest) : null;

    /// <summary>Writes a snapshot durably, under its own name only when it is whole.</summary>
    /// <exception cref="SnapshotDamagedException">What is read is not what was written. Nothing is left of it, and what was there before is as it was.</exception>
    /// <exception cref="DiskFullException">There is no room; nothing is left of it.</exception>
    /// <exception cref="IOException">The disk failed.</exception>
    internal StateSnapshotFile Write(FrozenState state, LedgerCheckpoint ledger, ConfigurationState configuration, ReadOnlyMemory<byte> members, SnapshotPace pace)
    {
        var mark = new SnapshotMark(state.Index, state.Term);
        StateSnapshotFile.Write(_writing(pace), _folder.PathOf(mark), state, ledger, configuration, members, _stop.Token);
        return _folder.Open(mark, wasChecked: true);
    }

    /// <summary>Reads from a snapshot: at least one byte, fewer than wanted only at its end.</summary>
    /// <exception cref="SnapshotDamagedException">It is shorter than it was.</exception>
    /// <exception cref="IOException">The disk failed.</exception>
    internal ReadOnlyMemory<byte> Read(SnapshotMark mark, long offset, int maxBytes)
    {
        if (_sending is null || _sendingMark != mark)
        {
            _sending?.Dispose();
            _sending = null;
            _sending = _disk.Open(_folder.PathOf(mark), DiskFileMode.Read);
            _sendingMark = mark;
        }

        byte[] bytes = new byte[maxBytes];
        int read = _sending.Read(offset, bytes);
        return read > 0 ? bytes.AsMemory(0, read) : throw new SnapshotDamagedException(_folder.PathOf(mark), offset, "the file ends here");
    }

    /// <summary>Keeps a received piece; the one at the beginning begins anew.</summary>
    /// <exception cref="DiskFullException">There is no room; the piece was not kept.</exception>
    /// <exception cref="IOException">The disk failed.</exception>
    internal void Keep(SnapshotMark mark, long offset, ReadOnlySpan<byte> bytes)
    {
        if (offset == 0)
        {
            BeginReceiving(mark);
        }

        IDiskFile file = _receiving ?? throw new InvalidOperationException($"Byte {offset} of snapshot {mark.Index} came before its first.");
        file.Write(offset, bytes);
        _unflushed += bytes.Length;
        if (_unflushed >= UnflushedBytes)
        {
            file.WriteBack(Math.Max(0, offset + bytes.Length - _unflushed), _unflushed);
            _unflushed = 0;
        }
    }

    /// <summary>
    /// All of a snapshot was received: every byte of it is made durable and checked. Null when it is not what it should be; then it is gone.
    /// </summary>
    /// <exception cref="LedgerRecordsRefusedException">The ledger here is not the beginning of the snapshot's: one of the two nodes is wrong.</exception>
    /// <exception cref="IOException">The disk failed.</exception>
    internal LedgerCatchUp? TryCheckReceived(SnapshotMark mark, GovernanceLedger ledger, out Exception? fault)
    {
        _receiving?.Flush();
        EndReceiving();
        string path = _folder.ReceivingPathOf(mark);
        try
        {
            using StateSnapshotFile received = StateSnapshotFile.Open(_disk, path);
            received.Verify();
            _records = received.ReadLedgerCheckpoint();
            fault = received.Mark == mark ? null : new SnapshotDamagedException(path, 0, $"it is the snapshot of entry {received.Mark.Index}");
        }
        catch (Exception e) when (e is SnapshotDamagedException or UnsupportedSnapshotException)
        {
            fault = e;
        }

        if (fault is null)
        {
            return CatchUpAgain(ledger);
        }

        _disk.Delete(path);
        return null;
    }

    /// <summary>The taking of the records up to the snapshot that is being received.</summary>
    internal LedgerCatchUp CatchUp(GovernanceLedger ledger) => _catchUp ?? CatchUpAgain(ledger);

    /// <summary>The same from where the ledger ends, after a record was refused.</summary>
    /// <exception cref="LedgerRecordsRefusedException">The ledger here is not the beginning of the snapshot's: one of the two nodes is wrong.</exception>
    internal LedgerCatchUp CatchUpAgain(GovernanceLedger ledger) =>
        _catchUp = ledger.CatchUpTo(_records ?? throw new InvalidOperationException("Records came before the snapshot that they belong to."));

    /// <summary>Gives a snapshot that was received and checked its name, durably.</summary>
    /// <exception cref="DiskFullException">There is no room for the name; everything is as it was.</exception>
    /// <exception cref="IOException">The disk failed, or the file changed since it was checked.</exception>
    internal StateSnapshotFile Accept(SnapshotMark mark)
    {
        StateSnapshotFile accepted = _folder.Accept(mark);
        (_records, _catchUp) = (null, null);
        return accepted;
    }

    /// <summary>Deletes every snapshot that is not one of these, of what a newer one has made superfluous.</summary>
    /// <exception cref="IOException">The disk failed.</exception>
    internal void RemoveExcept(IReadOnlyCollection<SnapshotMark> kept)
    {
        if (_sending is not null && !kept.Contains(_sendingMark))
        {
            _sending.Dispose();
            _sending = null;
        }

        if (_receiving is not null && kept.Any(mark => mark.Index >= _receivingMark.Index))
        {
            EndReceiving();
        }

        _folder.DeleteAllBut(kept);
    }

    /// <summary>The node ends: what is being written is given up (<see cref="OperationCanceledException"/>). For any thread.</summary>
    public void Stop() => _stop.Cancel();

    /// <summary>Closes the files that are open for transfers. Nothing is being done with them any more.</summary>
    public void Dispose()
    {
        _stop.Dispose();
        EndReceiving();
        _sending?.Dispose();
        _sending = null;
    }

    private void BeginReceiving(SnapshotMark mark)
    {
        EndReceiving();
        string path = _folder.ReceivingPathOf(mark);
        if (_disk.FileExists(path))
        {
            _disk.Delete(path);
        }

        _receiving = _disk.Open(path, DiskFileMode.CreateNew);
        (_receivingMark, _unflushed) = (mark, 0);
    }

    private void EndReceiving()
    {
        _receiving?.Dispose();
        _receiving = null;
    }
}
