using BenchmarkDotNet.Attributes;
using Converge.Raft;

namespace Converge.Swarm.Benchmarks;

/// <summary>The protocol core alone: no disk, no network, one thread.</summary>
[MemoryDiagnoser]
public class ProtocolCore
{
    private const int Rounds = 1000;

    private readonly Entry[] _entry = new Entry[1];
    private SteadyMembers _leader = SteadyMembers.Leader();
    private SteadyMembers _follower = SteadyMembers.Follower();

    [GlobalSetup]
    public void SetUp() => (_leader, _follower) = (SteadyMembers.Leader(), SteadyMembers.Follower());

    /// <summary>One step of a leader: a heartbeat's answer or an acknowledgement that says nothing new.</summary>
    [Benchmark(OperationsPerInvoke = 4 * Rounds)]
    public void A_step_without_entries()
    {
        for (int i = 0; i < Rounds; i++)
        {
            _leader.Acknowledge();
        }
    }

    /// <summary>An entry on the leader, from its proposal to its application: seven steps, and all output.</summary>
    [Benchmark(OperationsPerInvoke = Rounds)]
    public void An_entry_on_the_leader()
    {
        for (int i = 0; i < Rounds; i++)
        {
            _leader.CommitOne();
        }
    }

    /// <summary>An entry on a follower: three steps, and all output.</summary>
    [Benchmark(OperationsPerInvoke = Rounds)]
    public void An_entry_on_a_follower()
    {
        for (int i = 0; i < Rounds; i++)
        {
            _follower.FollowOne(_entry);
        }
    }
}
