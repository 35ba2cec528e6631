using System.Globalization;
using Converge.Core;
using Converge.Swarm.Storage;

namespace Converge.Swarm.Governance;

/// <summary>
/// The folder <c>snapshots</c> of a data folder. A snapshot is named after the last entry that it stands for,
/// <c>snapshot-&lt;index&gt;-&lt;term&gt;</c> with 16 hexadecimal digits each, so that the order of the names is that of the entries.
/// </summary>
/// <remarks>
/// Which snapshot is in force is not said here but by the Raft log's mark, which is written after the snapshot is durable. A file under
/// another name, an unfinished one among them, is no snapshot.
/// </remarks>
public sealed class StateSnapshotFolder
{
    /// <summary>The folder below the data folder.</summary>
    public const string FolderName = "snapshots";

    private const string Prefix = "snapshot-";
    private const string ReceivingExtension = ".receiving";
    private const int Digits = 16;

    private readonly IDisk _disk;

    /// <summary>The folder of a data folder; made when it is not there. The names in it are durable afterwards.</summary>
    /// <exception cref="IOException">The disk failed.</exception>
    public StateSnapshotFolder(IDisk disk, string dataFolder)
    {
        ArgumentNullException.ThrowIfNull(disk);
        _disk = disk;
        Folder = Path.Combine(dataFolder, FolderName);
        disk.CreateFolder(Folder);

        // A process can die between giving a snapshot its name and making that durable: the name may be in the system's memory only, and the log
        // begins behind whatever snapshot is started from.
        disk.FlushFolder(Folder);
    }

    /// <summary>Its path.</summary>
    public string Folder { get; }

    /// <summary>The name of a snapshot's file.</summary>
    public static string FileName(SnapshotMark mark) =>
        string.Create(CultureInfo.InvariantCulture, $"{Prefix}{mark.Index.Value:x16}-{mark.Term.Value:x16}");

    /// <summary>True for the name of a snapshot's file, and of no other.</summary>
    public static bool TryParseFileName(string name, out SnapshotMark mark)
    {
        ArgumentNullException.ThrowIfNull(name);
        mark = default;
        if (name.Length != Prefix.Length + Digits + 1 + Digits
            || !ulong.TryParse(name.AsSpan(Prefix.Length, Digits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ulong index)
            || !ulong.TryParse(name.AsSpan(Prefix.Length + Digits + 1), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ulong term))
        {
            return false;
        }

        mark = new SnapshotMark(new LogIndex(index), new Term(term));
        return string.Equals(name, FileName(mark), StringComparison.Ordinal);
    }

    /// <summary>Where a snapshot lies or is to be written.</summary>
    public string PathOf(SnapshotMark mark) => Path.Combine(Folder, FileName(mark));

    /// <summary>Where the bytes of a snapshot are gathered while it is being received. <see cref="Accept"/> makes it one.</summary>
    public string ReceivingPathOf(SnapshotMark mark) => PathOf(mark) + ReceivingExtension;

    /// <summary>The snapshots that are there by their names, the newest first.</summary>
    /// <exception cref="IOException">The disk failed.</exception>
    public IReadOnlyList<SnapshotMark> List()
    {
        List<SnapshotMark> marks = [];
        foreach (string name in _disk.ListFiles(Folder))
        {
            if (TryParseFileName(name, out SnapshotMark mark))
            {
                marks.Add(mark);
            }
        }

        marks.Reverse();
        return marks;
    }

    /// <summary>Opens the snapshot of a mark.</summary>
    /// <exception cref="SnapshotDamagedException">It is not there, not what was written, or not the one that its name says.</exception>
    /// <exception cref="UnsupportedSnapshotException">This program does not know its format or its rules.</exception>
    /// <exception cref="IOException">The disk failed.</exception>
    public StateSnapshotFile Open(SnapshotMark mark) => Open(mark, wasChecked: false);

    /// <summary>As above; when all of the file was checked a moment ago, it is not once more.</summary>
    internal StateSnapshotFile Open(SnapshotMark mark, bool wasChecked)
    {
        string path = PathOf(mark);
        if (!_disk.FileExists(path))
        {
            throw new SnapshotDamagedException(path, 0, "the snapshot is missing");
        }

        StateSnapshotFile snapshot = StateSnapshotFile.Open(_disk, path, wasChecked);
        if (snapshot.Mark != mark)
        {
            SnapshotMark found = snapshot.Mark;
            snapshot.Dispose();
            throw new SnapshotDamagedException(path, 0, $"it is the snapshot of entry {found.Index} of term {found.Term}");
        }

        return snapshot;
    }

    /// <summary>Opens the newest snapshot that is whole; null when there is none.</summary>
    /// <param name="damaged">The newer ones that are not whole. Whether it is right to go on without them is for the caller to say.</param>
    /// <exception cref="UnsupportedSnapshotException">This program does not know the format or the rules of a newer one.</exception>
    /// <exception cref="IOException">The disk failed.</exception>
    public StateSnapshotFile? OpenNewest(out IReadOnlyList<SnapshotDamagedException> damaged)
    {
        List<SnapshotDamagedException> found = [];
        damaged = found;
        foreach (SnapshotMark mark in List())
        {
            try
            {
                return Open(mark);
            }
            catch (SnapshotDamagedException e)
            {
                found.Add(e);
            }
        }

        return null;
    }

    /// <summary>
    /// Makes what was received a snapshot, durably: every byte of it is checked, flushed by whoever wrote it, and renamed.
    /// </summary>
    /// <returns>The snapshot, open.</returns>
    /// <exception cref="SnapshotDamagedException">It is not whole, or not the one announced. It is still there under its old name.</exception>
    /// <exception cref="UnsupportedSnapshotException">This program does not know its format or its rules.</exception>
    /// <exception cref="IOException">The disk failed.</exception>
    public StateSnapshotFile Accept(SnapshotMark mark)
    {
        string received = ReceivingPathOf(mark);
        using (StateSnapshotFile snapshot = StateSnapshotFile.Open(_disk, received))
        {
            if (snapshot.Mark != mark)
            {
                throw new SnapshotDamagedException(
                    received, 0, $"it is the snapshot of entry {snapshot.Mark.Index} of term {snapshot.Mark.Term}, not of entry {mark.Index} of term {mark.Term}");
            }

            snapshot.Verify();
        }

        _disk.Rename(received, PathOf(mark));
        _disk.FlushFolder(Folder);
        return Open(mark, wasChecked: true);
    }

    /// <summary>
    /// Deletes, durably, what a newer snapshot has made superfluous: every file, finished or not, of an entry at or before that of the
    /// newest snapshot kept, but for those kept.
    /// </summary>
    /// <param name="keep">The one in force, and one that is still being sent.</param>
    /// <exception cref="IOException">The disk failed.</exception>
    public void DeleteAllBut(params IReadOnlyCollection<SnapshotMark> keep)
    {
        ArgumentNullException.ThrowIfNull(keep);
        LogIndex newest = keep.Select(mark => mark.Index).DefaultIfEmpty().Max();
        bool deleted = false;
        foreach (string name in _disk.ListFiles(Folder))
        {
            string stem = Path.GetFileNameWithoutExtension(name);
            if (TryParseFileName(stem, out SnapshotMark mark) && mark.Index <= newest && (name.Length > stem.Length || !keep.Contains(mark)))
            {
                _disk.Delete(Path.Combine(Folder, name));
                deleted = true;
            }
        }

        if (deleted)
        {
            _disk.FlushFolder(Folder);
        }
    }
}
