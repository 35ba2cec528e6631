using Converge.Core;
using Converge.Swarm.Actors;
using Converge.Swarm.Governance;
using Converge.Swarm.Storage;

namespace Converge.Swarm.Tests.Actors;

/// <summary>Snapshots taken, the log compacted behind them, and followers brought up by them, with the real actors in virtual time.</summary>
public sealed class SnapshotTests
{
    private const int MaxLogEntries = 400;

    private static readonly SnapshotOptions Often = new() { Entries = 100, Bytes = 1 << 20, KeepEntries = 20 };

    private int _proposals;

    [Fact]
    public void A_snapshot_is_taken_when_so_many_entries_were_applied_and_the_log_is_cut_behind_it()
    {
        var swarm = new TestSwarm(snapshots: Often);
        swarm.ElectLeader();

        Commit(swarm, 250);
        swarm.RunUntil(() => swarm.Alive.All(node => node.Status().SnapshotIndex.Value >= 200));

        foreach (TestSwarm.Node node in swarm.Alive)
        {
            SwarmStatus status = node.Status();
            Assert.Contains(node.Events, happened => happened is SwarmEvent.SnapshotTaken taken && taken.Index == status.SnapshotIndex);
            Assert.Equal(status.SnapshotIndex.Value - (ulong)Often.KeepEntries + 1, status.FirstIndex.Value);
            Assert.Single(node.SnapshotNames);
        }

        swarm.AssertAgreement();
    }

    [Fact]
    public void A_snapshot_is_taken_when_the_entries_came_to_so_many_bytes()
    {
        var swarm = new TestSwarm(snapshots: new SnapshotOptions { Entries = 1_000_000, Bytes = 64 * 1024, KeepEntries = 1_000 });
        swarm.ElectLeader();

        Commit(swarm, 80, title: new string('x', 1_000));

        swarm.RunUntil(() => swarm.Alive.All(node => node.Status().SnapshotIndex > LogIndex.Zero));
        Assert.All(swarm.Alive, node => Assert.True(node.Status().FirstIndex.Value > 2, "Of the log more stayed than a quarter of the bytes."));
    }

    /// <summary>All of a state is written at each snapshot; what that costs a commit must not grow with the state.</summary>
    [Fact]
    public void A_large_state_waits_for_more_but_for_four_times_as_much_at_most()
    {
        const int bytes = 32 * 1024;
        var swarm = new TestSwarm(snapshots: new SnapshotOptions { Entries = 1_000_000, Bytes = bytes, KeepEntries = 10 });
        swarm.ElectLeader();

        for (int i = 0; i < 150; i++)
        {
            Commit(swarm, 8, longIds: true);
        }

        SwarmEvent.SnapshotTaken[] taken = [.. swarm.Alive.First().Events.OfType<SwarmEvent.SnapshotTaken>()];
        ulong[] gaps = [taken[0].Index.Value, .. taken.Zip(taken.Skip(1), (one, next) => next.Index.Value - one.Index.Value)];
        Assert.InRange(gaps[^1], 3 * gaps[0], 5 * gaps[0]);
        Assert.All(gaps, gap => Assert.InRange(gap, gaps[0], 5 * gaps[0]));
        swarm.AssertAgreement();
    }

    [Theory]
    [InlineData(0, 100, 1_000)]
    [InlineData(125, 100, 1_000)]
    [InlineData(312, 249, 2_496)]
    [InlineData(501, 400, 4_000)]
    [InlineData(long.MaxValue, 400, 4_000)]
    public void What_makes_a_snapshot_due_grows_with_the_last_one_within_bounds(long snapshotBytes, long entries, long bytes) =>
        Assert.Equal((entries, bytes), new SnapshotOptions { Entries = 100, Bytes = 1_000 }.DueAfter(snapshotBytes));

    /// <summary>Where a snapshot took the place of the whole log, the time and the Lamport clock of the next leader still follow what is in it.</summary>
    [Fact]
    public void A_leader_whose_log_is_all_in_a_snapshot_stamps_behind_it()
    {
        var swarm = new TestSwarm(snapshots: new SnapshotOptions { Entries = 1_000, Bytes = 1_024, KeepEntries = 1 });
        swarm.ElectLeader();
        for (int i = 0; swarm.Alive.Any(node => node.Status() is var status && (status.FirstIndex <= status.AppliedIndex || status.SnapshotIndex < status.AppliedIndex)); i++)
        {
            Assert.True(i < 100, "No snapshot ever covered the whole log.");
            Commit(swarm, 1, title: new string('x', 500));
            swarm.Run(ticks: 30);
        }

        TestSwarm.Node[] nodes = [.. swarm.Alive];
        foreach (TestSwarm.Node node in nodes)
        {
            node.Crash();
        }

        foreach (TestSwarm.Node node in nodes)
        {
            node.Start();
        }

        swarm.ElectLeader();
        Commit(swarm, 1);
        swarm.AssertAgreement();
    }

    [Fact]
    public void The_log_stays_bounded_however_long_the_load_lasts()
    {
        var swarm = new TestSwarm(snapshots: Often);
        swarm.ElectLeader();

        for (int i = 0; i < 30; i++)
        {
            Commit(swarm, 60);
            Assert.All(swarm.Alive, node => Assert.InRange((int)(node.Log.LastIndex.Value - node.Log.FirstIndex.Value), 0, MaxLogEntries));
        }

        Assert.All(swarm.Alive, node => Assert.InRange(node.SnapshotNames.Count, 1, 2));
        swarm.AssertAgreement();
    }

    [Fact]
    public void Commits_go_on_while_a_snapshot_is_being_written()
    {
        var swarm = new TestSwarm(snapshots: Often);
        swarm.ElectLeader();
        foreach (TestSwarm.Node node in swarm.Alive)
        {
            node.LaneStandsStill = SnapshotLane.Writing;
        }

        Commit(swarm, 300);
        Assert.All(swarm.Alive, node => Assert.Equal(2UL, node.Status().FirstIndex.Value));

        foreach (TestSwarm.Node node in swarm.Alive)
        {
            node.LaneStandsStill = null;
        }

        swarm.RunUntil(() => swarm.Alive.All(node => node.Status().FirstIndex.Value > 50));
        swarm.AssertAgreement();
    }

    [Fact]
    public void A_node_starts_from_its_newest_snapshot_and_applies_only_what_is_behind_it()
    {
        var swarm = new TestSwarm(snapshots: Often);
        TestSwarm.Node leader = swarm.ElectLeader();
        Commit(swarm, 330);
        swarm.RunUntil(() => swarm.Alive.All(node => node.Status().SnapshotIndex.Value >= 300));
        LogIndex snapshot = leader.Status().SnapshotIndex;
        string digest = leader.Status().Digest;

        foreach (TestSwarm.Node node in swarm.Alive.ToArray())
        {
            node.Crash();
            node.Start();
        }

        Assert.Equal(snapshot, leader.StartedFrom);
        swarm.ElectLeader();
        swarm.AssertAgreement();
        Assert.NotEqual(digest, leader.Status().Digest);
        Commit(swarm, 10);
        swarm.AssertAgreement();
    }

    [Fact]
    public void A_leader_whose_log_has_no_stamp_left_stamps_behind_that_of_its_snapshot()
    {
        var swarm = new TestSwarm(nodes: 1, snapshots: Often with { KeepEntries = 0 });
        TestSwarm.Node node = swarm.ElectLeader();
        Commit(swarm, 120);
        swarm.RunUntil(() => node.Status().FirstIndex.Value > 100);
        swarm.NowUnixMilliseconds -= 1_000_000;
        node.Crash();
        node.Start();

        swarm.ElectLeader();
        Commit(swarm, 5);

        ulong last = node.Ledger.LastSequence;
        for (ulong sequence = 2; sequence <= last; sequence++)
        {
            LedgerRecord before = node.Record(sequence - 1);
            LedgerRecord record = node.Record(sequence);
            Assert.True(record.TimeUnixMilliseconds >= before.TimeUnixMilliseconds && record.Lamport.Counter > before.Lamport.Counter);
        }
    }

    [Fact]
    public void A_follower_that_was_down_while_the_log_was_compacted_catches_up_by_a_snapshot_and_the_records_that_it_lacks()
    {
        var swarm = new TestSwarm(snapshots: Often);
        TestSwarm.Node leader = swarm.ElectLeader();
        Commit(swarm, 40);
        swarm.AssertAgreement();
        TestSwarm.Node behind = Follower(swarm, leader);
        swarm.Run(ticks: 10);
        ulong had = behind.Ledger.LastSequence;
        behind.Crash();
        Commit(swarm, 400);
        swarm.RunUntil(() => leader.Status().FirstIndex.Value > 300);
        List<ulong> sent = [];
        swarm.Carries = (_, _, message) =>
        {
            if (message is SnapshotRecords records)
            {
                sent.Add(records.FirstSequence);
            }

            return true;
        };

        behind.Start();
        swarm.RunUntil(() => behind.Events.Any(happened => happened is SwarmEvent.SnapshotInstalled));

        swarm.AssertAgreement();
        RequireSameLedger(leader, behind);
        Assert.True(sent[0] > 1 && sent.Min() <= had + 1, $"Records from {sent.Min()} on were sent; {had} were there.");
        Assert.Contains(leader.Events, happened => happened is SwarmEvent.SnapshotSent { Delivered: true } done && done.Peer == behind.Id);
        Commit(swarm, 20);
        swarm.AssertAgreement();
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void A_transfer_survives_the_loss_of_messages(int seed)
    {
        (TestSwarm swarm, TestSwarm.Node leader, TestSwarm.Node behind) = LeaveOneBehind(facts: 1_200, longIds: true, seed: seed);
        var random = new Random(seed);
        swarm.Carries = (_, _, message) => message is not SnapshotTransferMessage || random.Next(4) > 0;

        behind.Start();
        swarm.RunUntil(() => behind.Events.Any(happened => happened is SwarmEvent.SnapshotInstalled), maxTicks: 3_000);

        swarm.AssertAgreement();
        RequireSameLedger(leader, behind);
    }

    [Fact]
    public void A_transfer_that_broke_off_goes_on_where_it_was()
    {
        (TestSwarm swarm, TestSwarm.Node leader, TestSwarm.Node behind) = LeaveOneBehind(facts: 1_200, longIds: true);
        long arrived = 0;
        long least = long.MaxValue;
        bool broken = false;
        swarm.Carries = (_, _, message) =>
        {
            if (message is SnapshotBytes bytes)
            {
                broken |= !broken && bytes.Offset >= 4 * SnapshotTransferMessage.MaxPartBytes;
                (arrived, least) = broken ? (arrived, least) : (bytes.Offset + bytes.Bytes.Length, least);
                return !broken;
            }

            return !broken || message is not SnapshotTransferMessage;
        };
        behind.Start();
        swarm.RunUntil(() => leader.Events.Any(happened => happened is SwarmEvent.SnapshotSent { Delivered: false }));

        swarm.Carries = (_, _, message) =>
        {
            least = message is SnapshotBytes bytes ? Math.Min(least, bytes.Offset) : least;
            return true;
        };
        swarm.RunUntil(() => behind.Events.Any(happened => happened is SwarmEvent.SnapshotInstalled));

        Assert.Equal(arrived, least);
        swarm.AssertAgreement();
        RequireSameLedger(leader, behind);
    }

    [Fact]
    public void A_new_leader_takes_a_transfer_over_and_the_records_that_arrived_are_not_sent_again()
    {
        (TestSwarm swarm, TestSwarm.Node leader, TestSwarm.Node behind) = LeaveOneBehind(facts: 3_000);
        behind.Start();
        swarm.RunUntil(() => behind.Ledger.LastSequence > 1_024);
        ulong arrived = behind.Ledger.LastSequence;

        leader.Crash();
        swarm.RunUntil(() => swarm.Leader is { } next && next.Id != leader.Id);
        ulong least = ulong.MaxValue;
        swarm.Carries = (_, to, message) =>
        {
            least = message is SnapshotRecords records && to == behind.Id ? Math.Min(least, records.FirstSequence) : least;
            return true;
        };
        swarm.RunUntil(() => behind.Events.Any(happened => happened is SwarmEvent.SnapshotInstalled), maxTicks: 2_000);

        Assert.True(least > arrived, $"Record {least} was sent again; {arrived} were there.");
        leader.Start();
        swarm.AssertAgreement();
        RequireSameLedger(leader, behind);
    }

    /// <summary>openraft 1706: refusing to compact because a peer is down fills the disk of those that are up.</summary>
    [Fact]
    public void A_peer_that_is_down_does_not_keep_the_log_from_being_compacted()
    {
        var swarm = new TestSwarm(snapshots: Often);
        TestSwarm.Node leader = swarm.ElectLeader();
        Follower(swarm, leader).Crash();

        for (int i = 0; i < 10; i++)
        {
            Commit(swarm, 100);
        }

        Assert.All(swarm.Alive, node => Assert.InRange((int)(node.Log.LastIndex.Value - node.Log.FirstIndex.Value), 0, MaxLogEntries));
    }

    /// <summary>openraft 2116: a follower that installs slowly finds that the log has gone on without it, again and again.</summary>
    [Fact]
    public void The_log_keeps_what_a_follower_needs_that_is_being_sent_a_snapshot()
    {
        (TestSwarm swarm, TestSwarm.Node leader, TestSwarm.Node behind) = LeaveOneBehind();
        behind.LaneStandsStill = SnapshotLane.Transfers;
        behind.Start();
        LogIndex offered = default;
        swarm.Carries = (_, _, message) =>
        {
            offered = message is SnapshotOffer offer ? offer.Mark.Index : offered;
            return true;
        };
        swarm.RunUntil(() => offered > LogIndex.Zero);

        Commit(swarm, 200);
        swarm.RunUntil(() => leader.Status().SnapshotIndex > offered);
        Assert.True(leader.Log.FirstIndex <= offered.Next, $"The log begins with {leader.Log.FirstIndex}; the follower gets {offered}.");
        behind.LaneStandsStill = null;
        swarm.RunUntil(() => behind.Status().AppliedIndex == leader.Status().AppliedIndex);

        Assert.Equal(offered, Assert.Single(behind.Events.OfType<SwarmEvent.SnapshotInstalled>()).Index);
        swarm.AssertAgreement();
        swarm.RunUntil(() => leader.Log.FirstIndex > offered.Next, maxTicks: 2_000);
    }

    [Fact]
    public void A_follower_that_takes_too_long_gets_a_newer_snapshot_and_the_log_does_not_wait_for_it()
    {
        (TestSwarm swarm, TestSwarm.Node leader, TestSwarm.Node behind) = LeaveOneBehind();
        behind.LaneStandsStill = SnapshotLane.Transfers;
        behind.Start();
        swarm.Run(ticks: 30);

        for (int i = 0; i < 30; i++)
        {
            Commit(swarm, 100);
        }

        Assert.InRange((int)(leader.Log.LastIndex.Value - leader.Log.FirstIndex.Value), 0, 3 * MaxLogEntries);
        behind.LaneStandsStill = null;
        swarm.RunUntil(() => behind.Status().AppliedIndex == leader.Status().AppliedIndex, maxTicks: 2_000);
        swarm.AssertAgreement();
        RequireSameLedger(leader, behind);
    }

    /// <summary>NuRaft at ClickHouse 112405: an installation that outlasts the deadline of the transfer was thrown away, for ever.</summary>
    [Fact]
    public void However_long_a_follower_checks_and_installs_its_success_counts()
    {
        (TestSwarm swarm, TestSwarm.Node leader, TestSwarm.Node behind) = LeaveOneBehind();
        behind.Start();

        // Step by step: at the next tick all would be done.
        for (int steps = 0; !behind.WorksDone.Any(work => work is SnapshotWork.KeepBytes); steps++)
        {
            Assert.True(steps < 100_000, "No part of a snapshot was kept.");
            if (!swarm.Step())
            {
                swarm.Tick();
            }
        }

        behind.LaneStandsStill = SnapshotLane.Transfers;
        swarm.Run(ticks: 100 * TestSwarm.ElectionTicks);
        Assert.DoesNotContain(behind.WorksDone, work => work is SnapshotWork.Complete);
        Assert.DoesNotContain(leader.Events, happened => happened is SwarmEvent.SnapshotSent { Delivered: false });
        behind.LaneStandsStill = null;
        swarm.RunUntil(() => behind.Events.Any(happened => happened is SwarmEvent.SnapshotInstalled));

        swarm.AssertAgreement();
    }

    [Fact]
    public void A_node_that_ended_between_the_snapshot_and_the_logs_mark_goes_on_from_the_snapshot()
    {
        (TestSwarm swarm, TestSwarm.Node leader, TestSwarm.Node behind) = LeaveOneBehind();
        behind.Start();
        swarm.RunUntil(() =>
        {
            behind.DiskStandsStill |= behind.WorksDone.Any(work => work is SnapshotWork.Complete);
            return behind.Events.Any(happened => happened is SwarmEvent.SnapshotInstalled);
        });
        LogIndex installed = behind.Events.OfType<SwarmEvent.SnapshotInstalled>().Single().Index;

        behind.Crash();
        behind.DiskStandsStill = false;
        behind.Start();

        Assert.Equal(installed, behind.StartedFrom);
        swarm.AssertAgreement();
        RequireSameLedger(leader, behind);
    }

    [Fact]
    public void A_damaged_snapshot_stops_the_start_with_its_file_and_offset()
    {
        var swarm = new TestSwarm(nodes: 1, snapshots: Often);
        TestSwarm.Node node = swarm.ElectLeader();
        Commit(swarm, 120);
        swarm.RunUntil(() => node.Status().SnapshotIndex > LogIndex.Zero);
        swarm.Run(ticks: 20);
        string path = Path.Combine("data", StateSnapshotFolder.FolderName, node.SnapshotNames.Single());
        node.Crash();
        using (IDiskFile file = node.Disk.Open(path, DiskFileMode.ReadWrite))
        {
            byte[] one = new byte[1];
            file.Read(40, one);
            file.Write(40, [(byte)~one[0]]);
            file.Flush();
        }

        SnapshotDamagedException damage = Assert.Throws<SnapshotDamagedException>(node.Start);

        Assert.Equal(path, damage.File);
        Assert.Contains("byte", damage.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_log_that_begins_behind_a_snapshot_that_is_gone_stops_the_start()
    {
        var swarm = new TestSwarm(nodes: 1, snapshots: Often);
        TestSwarm.Node node = swarm.ElectLeader();
        Commit(swarm, 120);
        swarm.RunUntil(() => node.Status().FirstIndex.Value > 2);
        swarm.Run(ticks: 20);
        string name = node.SnapshotNames.Single();
        node.Crash();
        node.Disk.Delete(Path.Combine("data", StateSnapshotFolder.FolderName, name));

        SnapshotDamagedException damage = Assert.Throws<SnapshotDamagedException>(node.Start);

        Assert.Contains("no snapshot", damage.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_snapshot_that_finds_no_room_is_written_when_there_is_some()
    {
        var swarm = new TestSwarm(nodes: 1, snapshots: Often);
        TestSwarm.Node node = swarm.ElectLeader();
        Commit(swarm, 90);
        swarm.Run(ticks: 10);
        node.Disk.CapacityBytes = 1;
        Commit(swarm, 30);
        swarm.RunUntil(() => node.Events.Any(happened => happened is SwarmEvent.SnapshotPostponed));
        Assert.Empty(node.SnapshotNames);

        node.Disk.CapacityBytes = long.MaxValue;
        swarm.RunUntil(() => node.Status().SnapshotIndex > LogIndex.Zero);

        Assert.Single(node.SnapshotNames);
        Commit(swarm, 150);
        swarm.RunUntil(() => node.Status().SnapshotIndex.Value > 200);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_new_member_with_an_empty_disk_gets_its_state_and_the_whole_ledger(bool wereSnapshotsTaken)
    {
        var swarm = new TestSwarm(snapshots: wereSnapshotsTaken ? Often : new SnapshotOptions());
        TestSwarm.Node leader = swarm.ElectLeader();
        Commit(swarm, 250);
        TestSwarm.Node joining = swarm.AddNode(new NodeId(4), joins: true);

        TestSwarm.Captured<MembershipOutcome> added = leader.Change(MembershipStep.Add(joining.Id, MemberRole.Learner, "test:4"));
        swarm.RunUntil(() => joining.Status().AppliedIndex == leader.Status().AppliedIndex && leader.Events.Any(happened => happened is SwarmEvent.SnapshotSent));

        Assert.IsType<MembershipChanged>(added.Value);
        Assert.Contains(joining.Events, happened => happened is SwarmEvent.SnapshotInstalled);
        swarm.AssertAgreement();
        RequireSameLedger(leader, joining);
        Assert.Equal(leader.MembersKnown().ChangedAt, joining.MembersKnown().ChangedAt);
        joining.Crash();
        joining.Start();
        Commit(swarm, 20);
        swarm.AssertAgreement();
    }

    [Fact]
    public void Who_takes_part_outlives_the_log_that_told_of_it()
    {
        var swarm = new TestSwarm(snapshots: Often);
        TestSwarm.Node leader = swarm.ElectLeader();
        TestSwarm.Node fourth = swarm.AddNode(new NodeId(4), joins: true);
        TestSwarm.Captured<MembershipOutcome> added = leader.Change(MembershipStep.Add(fourth.Id, MemberRole.Learner, "test:4"));
        swarm.RunUntil(() => added.HasValue);
        LogIndex changedAt = leader.MembersKnown().ChangedAt;
        Commit(swarm, 300);
        swarm.RunUntil(() => swarm.Alive.All(node => node.Status().FirstIndex > changedAt));

        foreach (TestSwarm.Node node in swarm.Alive.ToArray())
        {
            node.Crash();
            node.Start();
        }

        swarm.ElectLeader();
        Commit(swarm, 20);
        swarm.AssertAgreement();
        Assert.All(swarm.Alive, node => Assert.Equal(changedAt, node.MembersKnown().ChangedAt));
    }

    /// <summary>Crashes in every stage of writing, sending, receiving and installing; after each the disk is what a power loss leaves.</summary>
    [Theory]
    [MemberData(nameof(Seeds))]
    public void Whatever_ends_when_the_nodes_agree_afterwards_and_no_record_differs(int seed)
    {
        var swarm = new TestSwarm(seed: seed, snapshots: Often with { Entries = 40, KeepEntries = 5 });
        var random = new Random(seed);
        swarm.ElectLeader();
        swarm.Carries = (_, _, message) => message is not SnapshotTransferMessage || random.Next(12) > 0;
        for (int round = 0; round < 12; round++)
        {
            TestSwarm.Node victim = swarm[swarm.Members[random.Next(swarm.Members.Count)]];
            victim.Crash();
            Commit(swarm, 20 + random.Next(150));
            victim.Start();
            for (int steps = random.Next(600); steps > 0; steps--)
            {
                if (!swarm.Step())
                {
                    swarm.Tick();
                }
            }
        }

        swarm.Carries = (_, _, _) => true;
        swarm.RunUntil(() => swarm.Leader is not null);
        Commit(swarm, 10);
        swarm.AssertAgreement();
        TestSwarm.Node[] nodes = [.. swarm.Alive];
        Assert.Equal(3, nodes.Length);
        RequireSameLedger(nodes[0], nodes[1]);
        RequireSameLedger(nodes[0], nodes[2]);
    }

    public static TheoryData<int> Seeds => [.. Enumerable.Range(1, 20)];

    /// <summary>A follower that is down, and a leader whose log begins behind what that follower has.</summary>
    private (TestSwarm Swarm, TestSwarm.Node Leader, TestSwarm.Node Behind) LeaveOneBehind(int facts = 300, bool longIds = false, int seed = 1)
    {
        var swarm = new TestSwarm(seed: seed, snapshots: Often);
        TestSwarm.Node leader = swarm.ElectLeader();
        TestSwarm.Node behind = Follower(swarm, leader);
        behind.Crash();
        Commit(swarm, facts, longIds: longIds);
        swarm.RunUntil(() => leader.Status().FirstIndex.Value > (ulong)facts * 2 / 3);
        return (swarm, leader, behind);
    }

    private static TestSwarm.Node Follower(TestSwarm swarm, TestSwarm.Node leader) => swarm[swarm.Members.First(id => id != leader.Id)];

    private static void RequireSameLedger(TestSwarm.Node one, TestSwarm.Node other)
    {
        Assert.Equal(one.Ledger.LastSequence, other.Ledger.LastSequence);
        for (ulong sequence = 1; sequence <= one.Ledger.LastSequence; sequence++)
        {
            Assert.True(
                one.Ledger.Read(sequence, 1)[0].Bytes.Span.SequenceEqual(other.Ledger.Read(sequence, 1)[0].Bytes.Span), $"Record {sequence} differs.");
        }
    }

    /// <summary>So many facts become committed, whoever leads. Of a proposal a snapshot has the id, not the title.</summary>
    private void Commit(TestSwarm swarm, int count, string? title = null, bool longIds = false)
    {
        int idLength = longIds ? FactLimits.MaxProposalIdLength : 0;
        for (int left = count; left > 0;)
        {
            swarm.RunUntil(() => swarm.Leader is not null);
            FactSubmission[] batch = [.. Enumerable.Range(0, Math.Min(left, 50)).Select(_ => new FactSubmission(new ProposalCreated($"p{++_proposals}".PadRight(idLength, '-'), "author", title)))];
            TestSwarm.Answers answers = swarm.Leader!.Submit(batch);
            swarm.RunUntil(() => answers.All is not null || swarm.Leader is null);
            left -= answers.All?.Count(answer => answer is FactAccepted) ?? 0;

            // Time passes, or all of it would be one moment.
            swarm.Run(ticks: 2);
        }
    }
}
