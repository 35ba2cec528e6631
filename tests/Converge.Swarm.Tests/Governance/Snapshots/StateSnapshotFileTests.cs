using Converge.Core;
using Converge.Raft;
using Converge.Swarm.Governance;
using Converge.Swarm.Ledger;
using Converge.Swarm.Storage;
using Converge.Swarm.Tests.Storage;

namespace Converge.Swarm.Tests.Governance;

public sealed class StateSnapshotFileTests : IDisposable
{
    private readonly SnapshotLedger _ledger = new();

    public void Dispose() => _ledger.Dispose();

    [Fact]
    public void A_snapshot_says_what_it_stands_for()
    {
        GovernanceState state = Sample(proposals: 3);
        using StateSnapshotFile snapshot = _ledger.WriteAndOpen(state.Freeze());
        StateSnapshotHeader header = snapshot.Header;
        Assert.Equal((state.AppliedIndex, state.AppliedTerm, state.Digest, state.LastStamp), (header.Index, header.Term, header.Digest, header.LastStamp));
        Assert.Equal(_ledger.Ledger.Head, header.Ledger);
        Assert.Equal(SnapshotLedger.Configuration, header.Configuration);
        Assert.Equal(SnapshotLedger.MemberRecords, header.MemberRecords.ToArray());
        Assert.Equal((3UL, 2U, 3U), (header.Proposals, header.Sessions, header.Answers));
        Assert.Equal(_ledger.Ledger.Head, snapshot.ReadLedgerCheckpoint().Head);
        snapshot.Verify();
    }

    [Fact]
    public void The_empty_state_has_a_snapshot_too()
    {
        var state = new GovernanceState();
        state.Apply(new LogIndex(1), new Term(1), default);
        using StateSnapshotFile snapshot = _ledger.WriteAndOpen(state.Freeze());
        snapshot.Verify();
        Assert.Equal((state.Digest, state.AppliedIndex), (new GovernanceState(snapshot).Digest, new GovernanceState(snapshot).AppliedIndex));
        Assert.Null(new GovernanceState(snapshot).Get("p"));
    }

    [Fact]
    public void A_joint_configuration_comes_back_whole()
    {
        var joint = ConfigurationState.Create(
            [new NodeId(1), new NodeId(4)], [new NodeId(1), new NodeId(2)], [new NodeId(9)], [new NodeId(2)], autoLeave: true);
        GovernanceState state = Sample(proposals: 1);
        StateSnapshotFile.Write(
            _ledger.Disk, "data/snapshot", state.Freeze(), _ledger.Ledger.CheckpointAt(state.LastSequence), joint, new byte[StateSnapshotHeader.MaxMemberRecordBytes]);
        using StateSnapshotFile snapshot = StateSnapshotFile.Open(_ledger.Disk, "data/snapshot");
        Assert.Equal(joint, snapshot.Header.Configuration);
        Assert.Equal(StateSnapshotHeader.MaxMemberRecordBytes, snapshot.Header.MemberRecords.Length);
    }

    [Fact]
    public void What_does_not_fit_the_state_is_not_written()
    {
        GovernanceState state = Sample(proposals: 2);
        FrozenState frozen = state.Freeze();
        LedgerCheckpoint other = _ledger.Ledger.CheckpointAt(state.LastSequence - 1);
        Assert.Throws<ArgumentException>(() => StateSnapshotFile.Write(_ledger.Disk, "data/x", frozen, other, SnapshotLedger.Configuration, default));
        Assert.Throws<ArgumentException>(() => StateSnapshotFile.Write(
            _ledger.Disk, "data/x", frozen, _ledger.Ledger.CheckpointAt(state.LastSequence), SnapshotLedger.Configuration, new byte[StateSnapshotHeader.MaxMemberRecordBytes + 1]));
        Assert.DoesNotContain(_ledger.Disk.Files, file => file.StartsWith("data/x", StringComparison.Ordinal));
    }

    [Fact]
    public void Proposals_of_every_size_are_found_among_many_pages()
    {
        var log = new AgreedLog();
        for (int i = 0; i < 700; i++)
        {
            _ledger.Record(log.Commit(new ProposalCreated($"p-{i}", "ann", i % 7 == 0 ? new string('t', FactLimits.MaxTitleLength) : null)), log.State);
        }

        for (int i = 0; i < 60; i++)
        {
            // One proposal larger than a page.
            _ledger.Record(log.Commit(new ValidationPassed("p-13", $"validator-{i:d3}-{new string('v', 200)}")), log.State);
        }

        using StateSnapshotFile snapshot = _ledger.WriteAndOpen(log.State.Freeze());
        snapshot.Verify();
        var state = new GovernanceState(snapshot);
        for (int i = 0; i < 700; i++)
        {
            SnapshotLedger.AssertSame(log.State.Get($"p-{i}"), state.Get($"p-{i}", _ledger.Ledger));
        }

        Assert.Equal(60, state.Get("p-13", _ledger.Ledger)!.Validators.Count);
        Assert.Equal(0, state.ChangedProposals);
    }

    [Fact]
    public void To_learn_that_a_proposal_is_new_costs_no_reading()
    {
        GovernanceState state = Sample(proposals: 2_000);
        using StateSnapshotFile snapshot = _ledger.WriteAndOpen(state.Freeze());
        var log = new AgreedLog(new GovernanceState(snapshot)) { Stamp = snapshot.Header.LastStamp };
        long before = _ledger.Disk.BytesRead;
        for (int i = 0; i < 5_000; i++)
        {
            Assert.Equal(ApplyResult.FactRecorded, log.Commit(new ProposalCreated($"new-{i}", "ann")).Result);
        }

        // One print in 65,536 is alike by chance, and a page has some forty.
        Assert.InRange(_ledger.Disk.BytesRead - before, 0, 30 * PageIndex.TargetPageBytes);

        before = _ledger.Disk.BytesRead;
        Assert.Equal(ApplyResult.FactRecorded, log.Commit(new ValidationPassed("p-7", "ci")).Result);
        Assert.InRange(_ledger.Disk.BytesRead - before, 1, PageIndex.TargetPageBytes);

        // From now on it is in memory.
        before = _ledger.Disk.BytesRead;
        Assert.Equal(ApplyResult.FactRecorded, log.Commit(new PromotionApproved("p-7", "bob")).Result);
        Assert.Equal(before, _ledger.Disk.BytesRead);
    }

    [Fact]
    public void Every_flipped_byte_is_noticed()
    {
        byte[] bytes = _ledger.Disk.Bytes(_ledger.Write(Sample(proposals: 6).Freeze()));
        for (int at = 0; at < bytes.Length; at++)
        {
            byte[] damaged = (byte[])bytes.Clone();
            damaged[at] ^= (byte)(1 << (at % 8));
            AssertDamaged(damaged, $"byte {at}");
        }
    }

    [Fact]
    public void Every_cut_and_every_addition_is_noticed()
    {
        byte[] bytes = _ledger.Disk.Bytes(_ledger.Write(Sample(proposals: 6).Freeze()));
        for (int length = 0; length < bytes.Length; length++)
        {
            AssertDamaged(bytes[..length], $"cut to {length} bytes");
        }

        AssertDamaged([.. bytes, 0], "a zero behind it");
        AssertDamaged([.. bytes, .. bytes], "itself behind it");
    }

    [Fact]
    public void Parts_of_two_snapshots_are_not_taken_for_one()
    {
        GovernanceState state = Sample(proposals: 6);
        byte[] first = _ledger.Disk.Bytes(_ledger.Write(state.Freeze()));
        state.Thaw();
        state.Apply(state.AppliedIndex.Next, state.AppliedTerm, default);
        byte[] second = _ledger.Disk.Bytes(_ledger.Write(state.Freeze()));
        Assert.Equal(first.Length, second.Length);
        AssertDamaged([.. first[..200], .. second[200..]], "two halves");
    }

    [Fact]
    public void A_damaged_page_stops_whoever_needs_it_with_file_and_offset()
    {
        string path = _ledger.Write(Sample(proposals: 1).Freeze());
        byte[] bytes = _ledger.Disk.Bytes(path);
        int at = bytes.AsSpan().IndexOf("p-0"u8);
        bytes[at] ^= 1;
        using StateSnapshotFile snapshot = StateSnapshotFile.Open(_ledger.Disk, path);
        var state = new GovernanceState(snapshot);
        SnapshotDamagedException damaged = Assert.Throws<SnapshotDamagedException>(() => state.Get("p-0"));
        Assert.Equal(path, damaged.File);
        Assert.InRange(damaged.Offset, 1, at);
    }

    /// <summary>A snapshot repeats nothing of a creation but the id.</summary>
    [Fact]
    public void What_a_creation_says_is_read_in_the_ledger_and_only_there()
    {
        GovernanceState before = Sample(proposals: 2);
        string path = _ledger.Write(before.Freeze());
        Assert.Equal(-1, _ledger.Disk.Bytes(path).AsSpan().IndexOf("A title"u8));
        using StateSnapshotFile snapshot = StateSnapshotFile.Open(_ledger.Disk, path);
        var state = new GovernanceState(snapshot);
        SnapshotLedger.AssertSame(before.Get("p-1"), state.Get("p-1", _ledger.Ledger));
        Assert.Null(state.Get("p-2", _ledger.Ledger));
        Assert.Throws<InvalidOperationException>(() => state.Get("p-1"));

        // Another ledger: the one has another fact at that place, the other ends before it.
        using var other = new SnapshotLedger();
        Assert.Throws<LedgerDivergedException>(() => state.Get("p-1", other.Ledger));
        var log = new AgreedLog();
        for (int i = 0; i < 9; i++)
        {
            other.Record(log.Commit(new ProposalCreated($"q-{i}", "ann", "A title")), log.State);
        }

        Assert.Throws<LedgerDivergedException>(() => state.Get("p-1", other.Ledger));

        // A fact about the proposal needs nothing of it.
        var next = new AgreedLog(state) { Stamp = state.LastStamp, Term = state.AppliedTerm };
        Assert.Equal(ApplyResult.FactRecorded, next.Commit(new ValidationPassed("p-1", "ci")).Result);
    }

    [Fact]
    public void A_later_format_is_told_from_damage()
    {
        string path = _ledger.Write(Sample(proposals: 1).Freeze());
        byte[] bytes = _ledger.Disk.Bytes(path);
        bytes[8] = 3;
        uint checksum = Crc32C.Finish(Crc32C.Add(Crc32C.Add(Crc32C.Start, bytes.AsSpan(0, 16)), bytes.AsSpan(20, BitConverter.ToInt32(bytes, 12))));
        BitConverter.TryWriteBytes(bytes.AsSpan(16), checksum);
        Assert.Throws<UnsupportedSnapshotException>(() => StateSnapshotFile.Open(_ledger.Disk, path));
    }

    [Fact]
    public void After_a_power_loss_at_any_moment_the_snapshot_is_whole_or_not_there()
    {
        FrozenState state = Sample(proposals: 20).Freeze();
        LedgerCheckpoint checkpoint = _ledger.Ledger.CheckpointAt(state.LastSequence);
        var random = new Random(7);
        int whole = 0;
        int missing = 0;
        bool finished = false;
        for (int operation = 0; !finished; operation++)
        {
            var disk = new FaultyDisk { StopBeforeOperation = operation };
            try
            {
                StateSnapshotFile.Write(disk, "data/snapshots/s", state, checkpoint, SnapshotLedger.Configuration, default);
                finished = true;
            }
            catch (SimulatedCrash)
            {
            }

            for (int outcome = 0; outcome < 8; outcome++)
            {
                FaultyDisk after = disk.AfterCrash(random.Next);
                if (after.FileExists("data/snapshots/s"))
                {
                    using StateSnapshotFile snapshot = StateSnapshotFile.Open(after, "data/snapshots/s");
                    snapshot.Verify();
                    whole++;
                }
                else
                {
                    Assert.False(finished);
                    missing++;
                }
            }
        }

        Assert.True(whole > 8 && missing > 8, $"{whole} whole, {missing} missing");
    }

    [Fact]
    public void A_disk_that_fails_leaves_nothing_and_the_next_attempt_succeeds()
    {
        FrozenState state = Sample(proposals: 20).Freeze();
        LedgerCheckpoint checkpoint = _ledger.Ledger.CheckpointAt(state.LastSequence);
        void Write() => StateSnapshotFile.Write(_ledger.Disk, "data/s", state, checkpoint, SnapshotLedger.Configuration, default);

        _ledger.Disk.FailNextWrite = true;
        Assert.Throws<IOException>(Write);
        _ledger.Disk.FailNextFlush = true;
        Assert.Throws<IOException>(Write);
        Assert.Throws<OperationCanceledException>(() => StateSnapshotFile.Write(
            _ledger.Disk, "data/s", state, checkpoint, SnapshotLedger.Configuration, default, new CancellationToken(canceled: true)));
        Assert.Empty(_ledger.Disk.Files);
        Write();
        Assert.Equal(["data/s"], _ledger.Disk.Files);
        Assert.Equal(0, _ledger.Disk.OpenFiles);
    }

    [Fact]
    public void A_frozen_state_does_not_see_what_comes_later()
    {
        GovernanceState state = Sample(proposals: 10);
        byte[] at = _ledger.Disk.Bytes(_ledger.Write(state.Freeze(), "data/at"));
        state.Thaw();
        FrozenState frozen = state.Freeze();
        Assert.Throws<InvalidOperationException>(state.Freeze);
        var log = new AgreedLog(state) { Stamp = state.LastStamp, Term = state.AppliedTerm };
        for (int i = 0; i < 10; i++)
        {
            log.Commit(new ValidationFailed($"p-{i}", "ci", "red"), new CommandId("later", (ulong)i + 1));
            log.Commit(new ProposalCreated($"later-{i}", "ann"));
        }

        Assert.Equal(at, _ledger.Disk.Bytes(_ledger.Write(frozen, "data/later")));
        Assert.Equal(2UL, state.Get("p-3")!.Revision);
    }

    [Fact]
    public void Frozen_answers_stay_whatever_becomes_of_their_sessions()
    {
        var log = new AgreedLog(new GovernanceState(maxSessions: 3, maxAnswers: 3_000, sessionWindow: 2_500));
        void Commit(string session, int from, int to)
        {
            for (int number = from; number < to; number++)
            {
                _ledger.Record(log.Commit(new ProposalCreated($"{session}-{number}", "ann"), new CommandId(session, (ulong)number)), log.State);
            }
        }

        for (int i = 1; i < 2_000; i += 100)
        {
            Commit("a", i, i + 100);
            Commit("b", i, i + 100);
        }

        byte[] at = _ledger.Disk.Bytes(_ledger.Write(log.State.Freeze(), "data/at"));
        log.State.Thaw();
        FrozenState frozen = log.State.Freeze();

        // Answers are evicted one by one, then by a jump of the window, then with their session.
        Commit("a", 2_001, 2_500);
        Commit("b", 9_000, 9_001);
        Commit("c", 1, 500);
        Commit("d", 1, 3_000);
        Assert.Equal((3, 3_000), (log.State.SessionCount, log.State.AnswerCount));
        Assert.Equal(at, _ledger.Disk.Bytes(_ledger.Write(frozen, "data/later")));
    }

    [Fact]
    public void Only_the_snapshot_of_the_frozen_state_is_taken_as_its_base()
    {
        GovernanceState state = Sample(proposals: 2);
        using StateSnapshotFile first = _ledger.WriteAndOpen(state.Freeze());
        Assert.Null(state.Rebase(first));
        Assert.Throws<InvalidOperationException>(() => state.Rebase(first));
        Assert.Throws<InvalidOperationException>(state.Thaw);
        state.Apply(state.AppliedIndex.Next, state.AppliedTerm, default);
        state.Freeze();
        Assert.Throws<InvalidOperationException>(() => state.Rebase(first));
        Assert.True(state.IsFrozen);
    }

    private void AssertDamaged(byte[] bytes, string how)
    {
        var disk = new FaultyDisk();
        disk.Put("damaged", bytes);
        try
        {
            using StateSnapshotFile snapshot = StateSnapshotFile.Open(disk, "damaged");
            snapshot.Verify();
        }
        catch (SnapshotDamagedException damaged)
        {
            Assert.Equal("damaged", damaged.File);
            Assert.InRange(damaged.Offset, 0, bytes.Length);
            return;
        }

        Assert.Fail($"{how} was not noticed.");
    }

    private GovernanceState Sample(int proposals)
    {
        var log = new AgreedLog();
        _ledger.Record(log.CommitNoOp(), log.State);
        _ledger.Record(log.CommitAuthority(new NodeId(2)), log.State);
        for (int i = 0; i < proposals; i++)
        {
            _ledger.Record(log.Commit(new ProposalCreated($"p-{i}", "ann", "A title"), i == 0 ? new CommandId("s", 1) : null), log.State);
        }

        _ledger.Record(log.Commit(new ValidationFailed("p-0", "ci", "red"), new CommandId("t", 7)), log.State);
        _ledger.Record(log.Commit(new PromotionApproved("p-0", "bob"), new CommandId("t", 8)), log.State);
        _ledger.Record(log.Commit(new OverrideGranted("p-0", "eve", "known")), log.State);
        _ledger.Record(log.Commit(new PromotionApproved("p-0", "bob")), log.State);
        _ledger.Record(log.Commit(new PromotionApproved("p-0", "carl")), log.State);
        _ledger.Record(log.Commit(new PromotionApproved("p-0", "dan")), log.State);
        return log.State;
    }
}
