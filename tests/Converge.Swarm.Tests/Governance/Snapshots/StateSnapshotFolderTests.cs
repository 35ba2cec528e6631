using Converge.Core;
using Converge.Swarm.Actors;
using Converge.Swarm.Governance;
using Converge.Swarm.Storage;

namespace Converge.Swarm.Tests.Governance;

public sealed class StateSnapshotFolderTests : IDisposable
{
    private readonly SnapshotLedger _ledger = new();

    public void Dispose() => _ledger.Dispose();

    [Fact]
    public void A_snapshot_is_named_after_its_entry()
    {
        var mark = new SnapshotMark(new LogIndex(0x2a), new Term(3));
        Assert.Equal("snapshot-000000000000002a-0000000000000003", StateSnapshotFolder.FileName(mark));
        Assert.True(StateSnapshotFolder.TryParseFileName(StateSnapshotFolder.FileName(mark), out SnapshotMark parsed));
        Assert.Equal(mark, parsed);
        Assert.All(
            ["snapshot-000000000000002A-0000000000000003", "snapshot-2a-3", "snapshot-000000000000002a-0000000000000003.writing", "snapshot-000000000000002a_0000000000000003"],
            name => Assert.False(StateSnapshotFolder.TryParseFileName(name, out _)));
    }

    [Fact]
    public void The_newest_whole_snapshot_is_found_and_newer_damage_is_said()
    {
        SnapshotMark[] marks = WriteThree();
        Assert.Equal(marks.Reverse(), _ledger.Folder.List());
        using (StateSnapshotFile newest = _ledger.Folder.OpenNewest(out IReadOnlyList<SnapshotDamagedException> none)!)
        {
            Assert.Empty(none);
            Assert.Equal(marks[2], newest.Mark);
        }

        _ledger.Disk.Bytes(_ledger.Folder.PathOf(marks[2]))[40] ^= 1;
        using StateSnapshotFile older = _ledger.Folder.OpenNewest(out IReadOnlyList<SnapshotDamagedException> damaged)!;
        Assert.Equal(marks[1], older.Mark);
        Assert.Equal(_ledger.Folder.PathOf(marks[2]), Assert.Single(damaged).File);
        Assert.Throws<SnapshotDamagedException>(() => _ledger.Folder.Open(marks[2]));
        Assert.Throws<SnapshotDamagedException>(() => _ledger.Folder.Open(new SnapshotMark(new LogIndex(99), new Term(1))));
    }

    [Fact]
    public void A_snapshot_under_the_name_of_another_is_damage()
    {
        SnapshotMark[] marks = WriteThree();
        _ledger.Disk.Put(_ledger.Folder.PathOf(marks[2]), _ledger.Disk.Bytes(_ledger.Folder.PathOf(marks[0])));
        Assert.Throws<SnapshotDamagedException>(() => _ledger.Folder.Open(marks[2]));
    }

    [Fact]
    public void Older_and_unfinished_snapshots_are_deleted_and_those_in_use_kept()
    {
        SnapshotMark[] marks = WriteThree();
        _ledger.Disk.Put(_ledger.Folder.PathOf(marks[0]) + ".writing", [1]);
        _ledger.Disk.Put(_ledger.Folder.ReceivingPathOf(marks[2]), [1]);
        var later = new SnapshotMark(new LogIndex(1_000), new Term(9));
        _ledger.Disk.Put(_ledger.Folder.ReceivingPathOf(later), [1]);
        _ledger.Disk.Put(Path.Combine(_ledger.Folder.Folder, "somebody's"), [1]);

        _ledger.Folder.DeleteAllBut(marks[2], marks[0]);
        Assert.Equal([marks[2], marks[0]], _ledger.Folder.List());
        Assert.Equal(
            [_ledger.Folder.PathOf(marks[0]), _ledger.Folder.PathOf(marks[2]), _ledger.Folder.ReceivingPathOf(later), "data/snapshots/somebody's"],
            _ledger.Disk.Files);

        // Durably: whatever a crash does, they do not come back.
        Assert.Equal(_ledger.Disk.Files, _ledger.Disk.AfterCrash(_ => 0).Files);
        _ledger.Folder.DeleteAllBut(marks[2]);
        Assert.Equal([marks[2]], _ledger.Folder.List());
    }

    [Fact]
    public void What_was_received_becomes_a_snapshot_only_when_it_is_whole_and_the_one_announced()
    {
        SnapshotMark[] marks = WriteThree();
        byte[] sent = new byte[10_000];
        using (StateSnapshotFile source = _ledger.Folder.Open(marks[1]))
        {
            sent = sent[..source.Read(0, sent)];
            Assert.Equal(source.Length, sent.Length);
        }

        _ledger.Disk.Lose(_ledger.Folder.PathOf(marks[1]));
        _ledger.Disk.Put(_ledger.Folder.ReceivingPathOf(marks[1]), sent[..^1]);
        Assert.Throws<SnapshotDamagedException>(() => _ledger.Folder.Accept(marks[1]));
        _ledger.Disk.Put(_ledger.Folder.ReceivingPathOf(marks[2]), sent);
        Assert.Throws<SnapshotDamagedException>(() => _ledger.Folder.Accept(marks[2]));
        _ledger.Disk.Put(_ledger.Folder.ReceivingPathOf(marks[1]), sent);
        using StateSnapshotFile accepted = _ledger.Folder.Accept(marks[1]);
        Assert.Equal(marks[1], accepted.Mark);
        Assert.Equal(_ledger.Folder.PathOf(marks[1]), accepted.Path);
    }

    [Fact]
    public void What_was_received_in_its_whole_length_with_zeros_where_other_bytes_were_sent_becomes_no_snapshot()
    {
        SnapshotMark mark = WriteThree()[2];
        string received = _ledger.Folder.ReceivingPathOf(mark);
        byte[] sent = _ledger.Disk.Bytes(_ledger.Folder.PathOf(mark));
        _ledger.Disk.Lose(_ledger.Folder.PathOf(mark));
        using var files = new SnapshotFiles(_ledger.Disk, "data");
        const int Lost = 16;
        for (int at = 0; at + Lost <= sent.Length; at += Lost)
        {
            byte[] kept = (byte[])sent.Clone();
            kept.AsSpan(at, Lost).Clear();
            if (kept.AsSpan().SequenceEqual(sent))
            {
                continue;
            }

            _ledger.Disk.Put(received, kept);
            Assert.Throws<SnapshotDamagedException>(() => _ledger.Folder.Accept(mark));
            Assert.DoesNotContain(mark, _ledger.Folder.List());

            // The node asks for it anew.
            Assert.Null(files.TryCheckReceived(mark, _ledger.Ledger, out Exception? fault));
            Assert.IsType<SnapshotDamagedException>(fault);
            Assert.False(_ledger.Disk.FileExists(received));
        }
    }

    /// <summary>The log begins behind the snapshot from which a node started; what was in the system's memory only must not be started from.</summary>
    [Fact]
    public void A_snapshot_whose_writer_died_before_its_name_was_durable_cannot_be_lost_any_more_once_it_is_started_from()
    {
        var log = new AgreedLog();
        _ledger.Record(log.Commit(new ProposalCreated("p", "ann")), log.State);
        FrozenState frozen = log.State.Freeze();
        _ledger.Disk.FailNextFolderFlush = true;
        Assert.Throws<IOException>(() => _ledger.Write(frozen));

        using var files = new SnapshotFiles(_ledger.Disk, "data");
        using StateSnapshotFile newest = files.OpenNewest()!;

        Assert.Equal(new SnapshotMark(frozen.Index, frozen.Term), newest.Mark);
        Assert.Equal([newest.Mark], new StateSnapshotFolder(_ledger.Disk.AfterCrash(_ => 0), "data").List());
    }

    /// <summary>
    /// Once a snapshot has its name, the log that it stands for is removed, and a node does not start from an older one: what the disk did not
    /// keep would be the end of both.
    /// </summary>
    [Fact]
    public void A_snapshot_that_the_disk_did_not_keep_as_it_was_written_never_gets_its_name()
    {
        var log = new AgreedLog();
        for (int i = 0; i < 60; i++)
        {
            _ledger.Record(log.Commit(new ProposalCreated($"p-{i}", "ann")), log.State);
        }

        FrozenState frozen = log.State.Freeze();
        using var files = new SnapshotFiles(_ledger.Disk, "data");
        long length;
        StateSnapshotFile Write() => files.Write(
            frozen, _ledger.Ledger.CheckpointAt(frozen.LastSequence), SnapshotLedger.Configuration, SnapshotLedger.MemberRecords, new SnapshotPace());
        using (StateSnapshotFile good = Write())
        {
            length = good.Length;
        }

        _ledger.Disk.Delete(_ledger.Folder.PathOf(new(frozen.Index, frozen.Term)));
        IReadOnlyList<string> before = _ledger.Disk.ListFiles("data");
        for (int at = 0; at < length; at++)
        {
            _ledger.Disk.FlippedByNextFlush = at;
            Assert.Throws<SnapshotDamagedException>(Write);
            Assert.Equal(before, _ledger.Disk.ListFiles("data"));
        }
    }

    [Fact]
    public void A_received_snapshot_whose_name_finds_no_room_gets_it_when_there_is_some()
    {
        SnapshotMark mark = WriteThree()[2];
        byte[] sent = _ledger.Disk.Bytes(_ledger.Folder.PathOf(mark));
        _ledger.Disk.Lose(_ledger.Folder.PathOf(mark));
        _ledger.Disk.Put(_ledger.Folder.ReceivingPathOf(mark), sent);
        using var files = new SnapshotFiles(_ledger.Disk, "data");
        Assert.NotNull(files.TryCheckReceived(mark, _ledger.Ledger, out _));
        var complete = new SnapshotWork.Complete(1, mark);

        _ledger.Disk.NoRoomForNextName = true;
        Assert.Null(Assert.IsType<SnapshotMessage.Completed>(complete.Run(files, _ledger.Ledger)).Snapshot);

        using StateSnapshotFile? accepted = Assert.IsType<SnapshotMessage.Completed>(complete.Run(files, _ledger.Ledger)).Snapshot;
        Assert.Equal(mark, accepted?.Mark);
    }

    private SnapshotMark[] WriteThree()
    {
        var log = new AgreedLog();
        List<SnapshotMark> marks = [];
        for (int i = 0; i < 3; i++)
        {
            _ledger.Record(log.Commit(new ProposalCreated($"p-{i}", "ann")), log.State);
            FrozenState frozen = log.State.Freeze();
            _ledger.Write(frozen);
            log.State.Thaw();
            marks.Add(new SnapshotMark(frozen.Index, frozen.Term));
        }

        return [.. marks];
    }
}
