using System.Globalization;
using Converge.Core;

namespace Converge.Swarm.Simulation;

/// <summary>
/// One run of the kind that campaigns consist of: clients at work while faults are injected; then all faults end, everything is started,
/// and within a bound all must be well: one leader, one configuration, everybody caught up, a new write served.
/// </summary>
public static class SimulationRun
{
    /// <summary>Covers what the clocks of a run drift apart within its longest election timeout, and two for their being whole numbers.</summary>
    private const int LeaseDriftTicks = 4;

    private const string Unexpected = "nothing throws";

    /// <summary>Runs it. A violation ends the run and is in the result; nothing is thrown.</summary>
    public static SimulationRunResult Run(SimulationRunOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        var random = new SimulationRandom(options.Seed).Fork(0xFA17);
        SimulatedSwarmOptions made = Draw(options, random);
        SimulatedSwarm? swarm = null;
        FaultDriver? faults = null;
        Workload? work = null;
        SimulationFailure? failure = null;
        try
        {
            swarm = new SimulatedSwarm(made);
            work = new Workload(swarm, random.Fork(2), options.MaxOperations);
            faults = new FaultDriver(swarm, random.Fork(3), options.MaxFaults);
            options.Prepare?.Invoke(swarm);
            Run(options, swarm, work, faults);
        }
        catch (CheckFailedException e)
        {
            failure = new SimulationFailure(e.Checker, e.What, swarm?.Steps ?? 0, swarm?.Now ?? default, e.ToString());
        }
#pragma warning disable CA1031 // Whatever is thrown in a run is a finding of that run.
        catch (Exception e)
#pragma warning restore CA1031
        {
            failure = new SimulationFailure(Unexpected, $"{e.GetType().Name}: {e.Message}", swarm?.Steps ?? 0, swarm?.Now ?? default, e.ToString());
        }

        if (failure is not null && options.Trace is { } trace)
        {
            trace.WriteLine(string.Create(CultureInfo.InvariantCulture, $"FAILED at step {failure.Step}: {failure.Checker}: {failure.What}"));
        }

        NetworkCounts? network = swarm?.Network.Counts;
        return new SimulationRunResult
        {
            Seed = options.Seed,
            Nodes = made.Nodes,
            Failure = failure,
            TraceHash = swarm?.TraceHash ?? 0,
            Steps = swarm?.Steps ?? 0,
            Time = swarm?.Now ?? default,
            Operations = swarm?.History.Operations.Count ?? 0,
            Faults = faults?.Injected ?? 0,
            FaultCounts = faults?.Counts ?? [],
            Coverage = swarm?.CoverageCounts ?? [],
            MessageFaults = network is null ? 0 : network.Lost + network.Delayed + network.Repeated,
        };
    }

    private static void Run(SimulationRunOptions options, SimulatedSwarm swarm, Workload work, FaultDriver faults)
    {
        work.Begin();
        faults.Begin();
        swarm.RunFor(TimeSpan.FromSeconds(options.SafetySeconds));
        faults.Heal();
        work.Stop();
        swarm.BeginHealing(TimeSpan.FromSeconds(options.HealingSeconds));
        AwaitProgress(swarm, swarm.Healing!);

        // Whoever still waits is answered now, or gives up in a while.
        swarm.RunUntil(() => work.IsIdle, TimeSpan.FromSeconds(30));
        TimeSpan rest = TimeSpan.FromSeconds(options.Seconds) - swarm.Now;
        if (rest > TimeSpan.Zero)
        {
            swarm.RunFor(rest);
        }

        swarm.CheckEnd();
    }

    /// <summary>What a run of this seed is made of: small limits and large ones, quick disks and slow ones, by chance.</summary>
    private static SimulatedSwarmOptions Draw(SimulationRunOptions options, SimulationRandom random)
    {
        int nodes = random.Next(2) == 0 ? 3 : 5;
        int segment = 8_192 << random.Next(4);
        long latency = random.Between(500, 20_000);
        long flush = random.Between(300, 15_000);
        return new SimulatedSwarmOptions
        {
            Seed = options.Seed,
            Nodes = options.Nodes == 0 ? nodes : options.Nodes,
            HeartbeatTicks = 2,
            ElectionTicks = (int)random.Between(8, 20),
            LeaseDriftTicks = random.Next(2) == 0 ? null : LeaseDriftTicks,
            RequestTimeoutTicks = (int)random.Between(20, 120),
            MaxPendingCommands = (int)random.Between(8, 64),
            MaxUncommittedBytes = (int)random.Between(4_096, 65_536),
            MaxMessageBytes = (int)random.Between(512, 8_192),
            LogSegmentBytes = segment,
            LedgerSegmentBytes = 16_384 << random.Next(4),
            PreparesSegments = random.Next(2) == 0,
            MaxSessions = (int)random.Between(4, 12),
            MaxAnswers = (int)random.Between(16, 128),
            SessionWindow = (ulong)random.Between(4, 64),
            LedgerFlushMilliseconds = (int)random.Between(50, 2_000),
            Snapshots = new SnapshotOptions
            {
                Entries = (int)random.Between(10, 300),
                Bytes = random.Between(4_096, 1 << 20),
                KeepEntries = (int)random.Between(1, 60),
            },
            SnapshotWorkMicroseconds = (100, random.Between(1_000, 300_000)),
            FlushMicroseconds = (flush / 10, flush),
            Network = new NetworkConditions
            {
                MinLatencyMicroseconds = latency / 5,
                MaxLatencyMicroseconds = latency,
                KeepsOrder = random.Next(2) == 0,
                LossMillionths = random.Next(2) == 0 ? 0 : random.Next(20_000),
                EncodedMillionths = 200_000,
            },
            Trace = options.Trace,
            Checkers = options.Checkers,
            Handler = options.Handler,
        };
    }

    /// <summary>Writes something as soon as all is well, and waits until all have it. That it was in time is for a checker to say.</summary>
    private static void AwaitProgress(SimulatedSwarm swarm, HealingPhase phase)
    {
        TimeSpan Left() => TimeSpan.FromMicroseconds(Math.Max(0, phase.EndsAtMicroseconds - swarm.NowMicroseconds));

        if (swarm.RunUntil(() => IsWell(swarm), Left()))
        {
            SimulatedClient client = swarm.AddClient(new SimulatedClientOptions { AttemptMilliseconds = 2_000, OperationMilliseconds = 60_000 });
            ClientOperation write = client.Propose(new ProposalCreated("after-healing", "healer"));
            _ = swarm.RunUntil(() => write.EndedAtMicroseconds is not null, Left()) && swarm.RunUntil(() => IsWell(swarm), Left());
        }
    }

    private static bool IsWell(SimulatedSwarm swarm) =>
        HealedSwarmsMakeProgress.IsWell(((ISimulationView)swarm).Nodes) && HasWhatIsWanted(swarm, swarm.Leader!);

    /// <summary>Every member has a machine, and those that are wanted as voters have their vote. Before that nothing is written.</summary>
    private static bool HasWhatIsWanted(SimulatedSwarm swarm, SimulatedNode leader)
    {
        foreach (MemberView member in leader.Members()!.Members)
        {
            if (member.Role != member.Wanted || swarm.Node(member.Id).IsRetired)
            {
                return false;
            }
        }

        return true;
    }
}
