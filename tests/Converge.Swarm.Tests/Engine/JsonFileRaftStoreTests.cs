using System.Text;
using Converge.Core;
using Converge.Swarm.Engine;
using Converge.Swarm.Tests.Storage;

namespace Converge.Swarm.Tests.Engine;

public sealed class JsonFileRaftStoreTests
{
    private const string FilePath = "cluster/raft.json";

    private static readonly NodeId One = new(1);
    private static readonly NodeId Two = new(2);
    private static readonly NodeId Three = new(3);
    private static readonly RaftGovernanceCluster Cluster = RaftGovernanceCluster.Bootstrap([One, Two, Three]);

    [Fact]
    public void An_engine_takes_up_from_its_file_and_needs_an_election()
    {
        using var folder = new TemporaryFolder();
        string path = Path.Combine(folder.Path, "deep", "cluster.json");
        var engine = new InMemoryRaftGovernanceEngine(Cluster, new JsonFileRaftStore(path));
        Play(engine);
        LedgerHead head = engine.Head;
        engine.ClusterState.ObserveRemoteTimestamp(new LamportTimestamp(900, Two));

        var again = new InMemoryRaftGovernanceEngine(Cluster, new JsonFileRaftStore(path));
        Assert.Equal(head, again.Head);
        Assert.Equal(engine.ClusterState.CommitIndex, again.ClusterState.CommitIndex);
        Assert.Equal(engine.ClusterState.LastIndex, again.ClusterState.LastIndex);
        Assert.Equal(900UL, again.ClusterState.Clock.Counter);
        Assert.Equal(NodeId.None, again.ClusterState.Leader);
        Assert.Throws<SwarmUnavailableException>(() => again.AppendGovernanceEvent(new ProposalCreated("q", "a")));

        Assert.Equal(new Term(2), again.ElectLeader(One));
        GovernanceLogEntry entry = again.AppendGovernanceEvent(new ProposalCreated("q", "a"));
        again.AcknowledgeReplication(Three, entry.Index);
        Assert.Equal(entry.Index, again.ClusterState.CommitIndex);
        Assert.True(entry.Lamport.Counter > 900);
    }

    [Fact]
    public void The_file_is_for_people_to_read_an_entry_a_line()
    {
        var disk = new FaultyDisk();
        Play(new InMemoryRaftGovernanceEngine(Cluster, new JsonFileRaftStore(FilePath, disk), new StandingClock()));
        string[] lines = Encoding.UTF8.GetString(disk.Bytes(FilePath)).Split('\n');

        Assert.Contains("    {\"node\":1,\"term\":1,\"vote\":1,\"commit\":3,\"log\":[", lines);
        Assert.Contains("      {\"index\":1,\"term\":1},", lines);
        Assert.Contains("      {\"index\":2,\"term\":1,\"time\":1700000000000,\"lamport\":{\"counter\":1,\"node\":1},\"leader\":1},", lines);
        Assert.Contains(
            """      {"index":4,"term":1,"time":1700000000000,"lamport":{"counter":3,"node":1},"fact":{"type":"promotion_approved","proposal_id":"p","approver":"réviseur","command_id":{"session":"s","number":1}}}]},""",
            lines);
        Assert.StartsWith("  \"digest\":\"", lines[^3], StringComparison.Ordinal);
    }

    [Fact]
    public void What_was_loaded_stays_though_its_writer_died_before_its_name_was_durable()
    {
        var disk = new FaultyDisk();
        var engine = new InMemoryRaftGovernanceEngine(Cluster, new JsonFileRaftStore(FilePath, disk), new StandingClock());
        disk.FailNextFolderFlush = true;
        Assert.Throws<IOException>(() => engine.ElectLeader(One));

        Assert.NotNull(new JsonFileRaftStore(FilePath, disk).Load());

        Assert.NotNull(new JsonFileRaftStore(FilePath, disk.AfterCrash(_ => 0)).Load());
    }

    [Fact]
    public void A_crash_at_any_moment_of_a_save_leaves_the_content_before_or_after_it_whole()
    {
        var before = new FaultyDisk();
        Play(new InMemoryRaftGovernanceEngine(Cluster, new JsonFileRaftStore(FilePath, before), new StandingClock()));
        RaftStoreContent old = new JsonFileRaftStore(FilePath, before).Load()!;
        bool finished = false;
        bool sawOld = false;
        bool sawNew = false;
        for (int operation = 0; !finished; operation++)
        {
            FaultyDisk disk = before.Copy();
            var engine = new InMemoryRaftGovernanceEngine(Cluster, new JsonFileRaftStore(FilePath, disk), new StandingClock());
            disk.StopBeforeOperation = disk.Operations + operation;
            try
            {
                engine.ElectLeader(One);
                finished = true;
            }
            catch (SimulatedCrash)
            {
                Assert.Throws<InvalidOperationException>(() => engine.ElectLeader(One));
            }

            for (int seed = 0; seed < 20; seed++)
            {
                FaultyDisk afterwards = disk.AfterCrash(Choices.Seeded(seed));
                RaftStoreContent found = new JsonFileRaftStore(FilePath, afterwards).Load()!;
                bool isOld = found.Nodes[0].State == old.Nodes[0].State;
                sawOld |= isOld;
                sawNew |= !isOld;
                Assert.True(!finished || !isOld);
                Assert.Equal(isOld ? new Term(1) : new Term(2), found.Nodes.Max(node => node.State.Term));

                // Whatever the crash left lying about, the cluster goes on and saves again.
                var resumed = new InMemoryRaftGovernanceEngine(Cluster, new JsonFileRaftStore(FilePath, afterwards));
                resumed.ElectLeader(One);
                Assert.NotNull(resumed.GetProposal("p"));
            }
        }

        Assert.True(sawOld && sawNew);
    }

    [Fact]
    public void Any_damaged_byte_and_any_cut_is_told_by_type()
    {
        var disk = new FaultyDisk();
        Play(new InMemoryRaftGovernanceEngine(Cluster, new JsonFileRaftStore(FilePath, disk)));
        byte[] sound = disk.Bytes(FilePath);
        for (int at = 0; at < sound.Length; at++)
        {
            byte[] damaged = [.. sound];
            damaged[at] ^= (byte)(1 << (at % 8));
            disk.Put(FilePath, damaged);
            Assert.Equal(FilePath, Assert.Throws<RaftStoreDamagedException>(() => new JsonFileRaftStore(FilePath, disk).Load()).Path);
            disk.Put(FilePath, sound[..at]);
            Assert.Throws<RaftStoreDamagedException>(() => new InMemoryRaftGovernanceEngine(Cluster, new JsonFileRaftStore(FilePath, disk)));
        }

        disk.Put(FilePath, new byte[JsonFileRaftStore.MaxBytes + 1]);
        Assert.Throws<RaftStoreDamagedException>(() => new JsonFileRaftStore(FilePath, disk).Load());
    }

    [Theory]
    [InlineData("""{"version":2,"clock":0,"nodes":[]""")]
    [InlineData("""{"clock":0,"nodes":[]""")]
    [InlineData("""{"version":1,"clock":0,"nodes":[{"node":1,"term":1,"vote":0,"commit":1,"log":[]}]""")]
    [InlineData("""{"version":1,"clock":0,"nodes":[{"node":1,"term":1,"vote":0,"commit":0,"log":[{"index":2,"term":1}]}]""")]
    [InlineData("""{"version":1,"clock":0,"nodes":[{"node":1,"term":1,"vote":0,"commit":0,"log":[{"index":1,"term":2}]}]""")]
    [InlineData("""{"version":1,"clock":0,"nodes":[{"node":1,"term":1,"vote":0,"commit":0,"log":[{"index":1,"term":1,"time":1,"lamport":{"counter":1,"node":1}}]}]""")]
    [InlineData("""{"version":1,"clock":0,"nodes":[{"node":1,"term":1,"vote":0,"commit":0,"log":[{"index":1,"term":1,"time":-1,"lamport":{"counter":1,"node":1},"leader":1}]}]""")]
    [InlineData("""{"version":1,"clock":0,"nodes":[{"node":1,"term":1,"vote":0,"commit":0,"log":[{"index":1,"term":1,"time":1,"lamport":{"counter":1,"node":1},"fact":{"type":"x"}}]}]""")]
    [InlineData("[1]")]
    [InlineData("{")]
    public void What_is_well_sealed_and_no_cluster_is_told_by_type(string text)
    {
        byte[] covered = Encoding.UTF8.GetBytes(text);
        string digest = Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(covered));
        var disk = new FaultyDisk();
        disk.Put(FilePath, [.. covered, .. Encoding.UTF8.GetBytes($",\n  \"digest\":\"{digest}\"\n}}\n")]);
        Assert.Throws<RaftStoreDamagedException>(() => new JsonFileRaftStore(FilePath, disk).Load());
    }

    [Fact]
    public void Another_clusters_file_is_refused()
    {
        var disk = new FaultyDisk();
        Play(new InMemoryRaftGovernanceEngine(Cluster, new JsonFileRaftStore(FilePath, disk)));
        Assert.Throws<WrongRaftStoreException>(() =>
            new InMemoryRaftGovernanceEngine(RaftGovernanceCluster.Bootstrap([One, Two, new NodeId(4)]), new JsonFileRaftStore(FilePath, disk)));
    }

    [Fact]
    public void After_a_failed_save_the_engine_refuses_to_go_on_and_a_new_one_takes_up_from_the_last_good_one()
    {
        var disk = new FaultyDisk();
        var engine = new InMemoryRaftGovernanceEngine(Cluster, new JsonFileRaftStore(FilePath, disk));
        Play(engine);
        LogIndex last = engine.ClusterState.LastIndex;
        disk.FailNextFlush = true;
        Assert.Throws<IOException>(() => engine.AppendGovernanceEvent(new ProposalCreated("q", "a")));
        Assert.Throws<InvalidOperationException>(() => engine.AppendGovernanceEvent(new ProposalCreated("q", "a")));
        Assert.Equal(last, new InMemoryRaftGovernanceEngine(Cluster, new JsonFileRaftStore(FilePath, disk)).ClusterState.LastIndex);
    }

    [Fact]
    public void A_store_that_was_never_saved_to_is_empty() => Assert.Null(new JsonFileRaftStore(FilePath, new FaultyDisk()).Load());

    private static void Play(InMemoryRaftGovernanceEngine engine)
    {
        engine.ElectLeader(One);
        GovernanceLogEntry first = engine.AppendGovernanceEvent(new ProposalCreated("p", "a", "A \"title\"\n", "c0ffee"));
        engine.AppendGovernanceEvent(new FactSubmission(new PromotionApproved("p", "réviseur"), CommandId: new CommandId("s", 1)));
        engine.AcknowledgeReplication(Two, first.Index);
    }

    private sealed class StandingClock : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => DateTimeOffset.FromUnixTimeMilliseconds(1_700_000_000_000);
    }
}
