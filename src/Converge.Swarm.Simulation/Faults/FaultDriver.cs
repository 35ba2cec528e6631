using System.Globalization;
using Converge.Core;

namespace Converge.Swarm.Simulation;

/// <summary>
/// Injects faults into a run, as a stream of random numbers of its own says: which kinds a run has at all, how often, how long each lasts.
/// With fewer faults allowed it does the same up to there and then nothing, so that the shortest failing run can be looked for.
/// </summary>
internal sealed class FaultDriver
{
    private readonly SimulatedSwarm _swarm;
    private readonly SimulationRandom _random;
    private readonly List<FaultKind> _kinds = [];
    private readonly long _maxPauseMicroseconds;
    private readonly int _limit;
    private readonly NetworkConditions _usual;
    private readonly List<int> _cut = [];
    private readonly long[] _counts = new long[Enum.GetValues<FaultKind>().Length];
    private readonly MemberOperator _operator;
    private bool _stopped;

    public FaultDriver(SimulatedSwarm swarm, SimulationRandom random, int limit)
    {
        _swarm = swarm;
        _random = random;
        _limit = limit;
        _usual = swarm.Network.Conditions;

        // A run with few kinds goes deeper into each than one with all of them.
        int share = random.Next(3) switch { 0 => 250_000, 1 => 500_000, _ => 900_000 };
        foreach (FaultKind kind in Enum.GetValues<FaultKind>())
        {
            if (random.Chance(share))
            {
                _kinds.Add(kind);
            }
        }

        if (_kinds.Count < 3)
        {
            _kinds.AddRange([FaultKind.PowerLost, FaultKind.Isolated, FaultKind.NetworkDegraded]);
        }

        _maxPauseMicroseconds = random.Between(800_000, 5_000_000);
        _operator = new MemberOperator(swarm, random.Fork(1)) { StartLater = node => StartLater(node, 50, 3_000) };
    }

    /// <summary>How many faults were injected.</summary>
    public int Injected { get; private set; }

    /// <summary>How often each kind was, in the order of <see cref="FaultKind"/>.</summary>
    public IReadOnlyList<long> Counts => _counts;

    public void Begin()
    {
        // As a service manager does: what ended by itself is started again.
        _swarm.EndedByItself = node => StartLater(node, 50, 5_000);
        ScheduleNext();
    }

    /// <summary>All faults end, and everything that is down is started.</summary>
    public void Heal()
    {
        _stopped = true;
        _operator.Stop();
        _swarm.Network.Heal();
        _swarm.Network.Conditions = _usual with { LossMillionths = 0, DelayMillionths = 0 };
        foreach (SimulatedNode node in _swarm.InService.ToList())
        {
            node.Disk.CapacityBytes = long.MaxValue;
            node.DiskStallsUntilMicroseconds = 0;
            node.DriftMillionths = 0;
            node.Disk.CancelFaults();
            node.Disk.Repair();
            node.Resume();
            if (node.IsDraining)
            {
                // It takes nothing new any more: what was begun is brought to its end.
                node.Kill();
            }

            if (!node.IsRunning && !_operator.HoldsBack(node))
            {
                node.Start();
            }
        }
    }

    private void ScheduleNext() => _swarm.Call(_random.Between(_maxPauseMicroseconds / 10, _maxPauseMicroseconds), InjectNext);

    private void InjectNext()
    {
        if (_stopped || Injected >= _limit)
        {
            return;
        }

        FaultKind kind = _random.Pick(_kinds);
        if (Inject(kind) is { } what)
        {
            Injected++;
            _counts[(int)kind]++;
            if (_swarm.Trace.IsText)
            {
                _swarm.Trace.Line(_swarm.NowMicroseconds, "!", string.Create(CultureInfo.InvariantCulture, $"fault {Injected}: {kind}: {what}"));
            }
        }

        ScheduleNext();
    }

    /// <summary>Injects one; null when it has no place now.</summary>
    private string? Inject(FaultKind kind) => kind switch
    {
        FaultKind.ProcessKilled => OnRunning(node => End(node, node.Kill)),
        FaultKind.PowerLost => OnRunning(node => End(node, node.LosePower)),
        FaultKind.PowerLostWhileWriting => OnRunning(StopWhileWriting),
        FaultKind.AllPowerLost => AllLosePower(),
        FaultKind.ProcessPaused => OnRunning(Pause),
        FaultKind.ClockJumped => OnRunning(JumpClock),
        FaultKind.ClockDrifts => OnRunning(Drift),
        FaultKind.DiskStalled => OnRunning(Stall),
        FaultKind.DiskFull => OnRunning(Fill),
        FaultKind.WriteFailed => OnRunning(node => Fail(node, () => node.Disk.FailNextWrite = true)),
        FaultKind.FlushFailed => OnRunning(node => Fail(node, () => node.Disk.FailNextFlush = true)),
        FaultKind.BitFlipped => OnRunning(Flip),
        FaultKind.Split => Split(),
        FaultKind.Isolated => Isolate(),
        FaultKind.OneWayCut => CutOneWay(),
        FaultKind.Bridge => Bridge(),
        FaultKind.NetworkDegraded => Degrade(),
        FaultKind.LogActorReplaced => OnRunning(Replace),
        FaultKind.LeadershipTransferred => OnRunning(Transfer),
        FaultKind.Drained => OnRunning(Drain),
        FaultKind.MemberAdded => _operator.Add(1),
        FaultKind.TwoMembersAdded => _operator.Add(2),
        FaultKind.MemberRemoved => _operator.Remove(1),
        FaultKind.LeaderRemoved => _operator.RemoveLeader(),
        FaultKind.TwoMembersRemoved => _operator.Remove(2),
        FaultKind.MemberReplaced => _operator.Replace(),
        FaultKind.JointLeaderEnded => _operator.EndInJoint(),
        FaultKind.MachineLost => _operator.LoseMachine(),
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "Not a fault."),
    };

    /// <summary>A running node, the leader more often than its share: that is where most can go wrong.</summary>
    private string? OnRunning(Func<SimulatedNode, string?> inject)
    {
        SimulatedNode node = _random.Next(3) == 0 && _swarm.Leader is { } leader ? leader : _random.Pick(_swarm.InService);
        return node.IsRunning ? inject(node) : null;
    }

    private string End(SimulatedNode node, Action end)
    {
        end();
        StartLater(node, 50, 8_000);
        return $"node {node.Id}";
    }

    private string StopWhileWriting(SimulatedNode node)
    {
        int operations = _random.Next(40);
        node.Disk.StopAfter(operations);
        return string.Create(CultureInfo.InvariantCulture, $"node {node.Id} after {operations} operations");
    }

    private string AllLosePower()
    {
        foreach (SimulatedNode node in _swarm.InService)
        {
            if (node.IsRunning)
            {
                node.LosePower();
                StartLater(node, 50, 3_000);
            }
        }

        return "all";
    }

    private string Pause(SimulatedNode node)
    {
        node.Pause();
        uint life = node.Life;
        long milliseconds = Later(100, 6_000, () =>
        {
            if (node.Life == life)
            {
                node.Resume();
            }
        });
        return $"node {node.Id} for {milliseconds} ms";
    }

    private string JumpClock(SimulatedNode node)
    {
        long by = _random.Next(2) == 0 ? _random.Between(-5_000, 5_000) : _random.Between(-86_400_000, 86_400_000);
        node.ClockOffsetMilliseconds += by;
        return $"node {node.Id} by {by} ms";
    }

    private string Drift(SimulatedNode node)
    {
        // Leases rest on clocks that differ by less than their margin; without leases a clock may be as wrong as it likes.
        int most = _swarm.Options.LeaseDriftTicks is null ? 60_000 : 30_000;
        node.DriftMillionths = (int)_random.Between(-most, most);
        long milliseconds = Later(1_000, 20_000, () => node.DriftMillionths = 0);
        return $"node {node.Id} by {node.DriftMillionths} millionths for {milliseconds} ms";
    }

    private string Stall(SimulatedNode node)
    {
        long milliseconds = _random.Between(200, 8_000);
        node.DiskStallsUntilMicroseconds = _swarm.NowMicroseconds + (milliseconds * 1_000);
        return $"node {node.Id} for {milliseconds} ms";
    }

    private string Fill(SimulatedNode node)
    {
        node.Disk.CapacityBytes = node.Disk.UsedBytes;
        long milliseconds = Later(1_000, 15_000, () => node.Disk.CapacityBytes = long.MaxValue);
        return $"node {node.Id} for {milliseconds} ms";
    }

    private string Fail(SimulatedNode node, Action set)
    {
        set();
        node.MayFail = true;
        return $"node {node.Id}";
    }

    private string? Flip(SimulatedNode node)
    {
        // Only in one node at a time, as from a quorum no repair would be possible.
        if (_swarm.InService.Any(other => other.Disk.IsDamaged))
        {
            return null;
        }

        node.Kill();
        bool flipped = node.Disk.FlipBit(_random);
        Later(50, 2_000, () =>
        {
            // The node notices and stays down, or the bit is where nobody looks; a copy of the medium comes some time later.
            if (!node.IsRunning && !node.IsRetired && !node.Start())
            {
                Later(500, 8_000, () =>
                {
                    node.Disk.Repair();
                    StartLater(node, 0, 100);
                });
            }
        });
        return flipped ? $"node {node.Id}" : null;
    }

    private string Split()
    {
        List<SimulatedNode> one = [.. _swarm.InService.Where(_ => _random.Next(2) == 0)];
        List<SimulatedNode> other = [.. _swarm.InService.Except(one)];
        return Cut($"{Names(one)} from {Names(other)}", from => to => one.Contains(from) != one.Contains(to));
    }

    private string Isolate()
    {
        SimulatedNode alone = _random.Next(2) == 0 && _swarm.Leader is { } leader ? leader : _random.Pick(_swarm.InService);
        return Cut($"node {alone.Id}", from => to => from == alone || to == alone);
    }

    private string CutOneWay()
    {
        SimulatedNode source = _random.Pick(_swarm.InService);
        if (_random.Next(3) == 0)
        {
            // It hears everybody, and nobody hears it; or the other way round.
            bool deaf = _random.Next(2) == 0;
            return Cut($"node {source.Id} {(deaf ? "hears nobody" : "is heard by nobody")}", from => to => deaf ? to == source : from == source);
        }

        SimulatedNode target = _random.Pick(_swarm.InService);
        return Cut($"from {source.Id} to {target.Id}", from => to => from == source && to == target);
    }

    private string Bridge()
    {
        SimulatedNode bridge = _random.Pick(_swarm.InService);
        return Cut($"all but over {bridge.Id}", from => to => from != bridge && to != bridge);
    }

    private string Cut(string what, Func<SimulatedNode, Func<SimulatedNode, bool>> isCut)
    {
        int number = _cut.Count;
        _cut.Add(number);
        foreach (SimulatedNode from in _swarm.InService)
        {
            foreach (SimulatedNode to in _swarm.InService)
            {
                if (from != to)
                {
                    _swarm.Network.SetCut(from.Id, to.Id, isCut(from)(to));
                }
            }
        }

        long milliseconds = Later(200, 10_000, () =>
        {
            // A later cut took the place of this one.
            if (_cut.Count == number + 1)
            {
                _swarm.Network.Heal();
            }
        });
        return $"{what} for {milliseconds} ms";
    }

    private string Degrade()
    {
        NetworkConditions conditions = _usual with
        {
            LossMillionths = _random.Next(300_000),
            RepetitionMillionths = _random.Next(200_000),
            DelayMillionths = _random.Next(200_000),
            MaxDelayMicroseconds = _random.Between(10_000, 3_000_000),
            MaxLatencyMicroseconds = _usual.MinLatencyMicroseconds + _random.Between(1_000, 150_000),
            KeepsOrder = false,
        };
        _swarm.Network.Conditions = conditions;
        long milliseconds = Later(500, 10_000, () => _swarm.Network.Conditions = _usual);
        return $"loss {conditions.LossMillionths}, repetition {conditions.RepetitionMillionths}, delay {conditions.DelayMillionths} millionths for {milliseconds} ms";
    }

    private string Replace(SimulatedNode node)
    {
        node.ReplaceLogActor();
        return $"node {node.Id}";
    }

    private string Transfer(SimulatedNode node)
    {
        NodeId to = _random.Next(2) == 0 ? NodeId.None : _random.Pick(_swarm.InService).Id;
        node.TransferLeadership(to);
        return $"asked node {node.Id} for {(to.IsNone ? "anybody" : to.ToString())}";
    }

    private string Drain(SimulatedNode node)
    {
        node.Drain();
        uint life = node.Life;
        Later(10, 3_000, () =>
        {
            if (node.IsRunning && node.Life == life)
            {
                node.Kill();
                StartLater(node, 50, 3_000);
            }
        });
        return $"node {node.Id}";
    }

    private void StartLater(SimulatedNode node, long least, long greatest) => Later(least, greatest, () =>
    {
        if (!node.IsRunning && !node.IsRetired && !node.Start())
        {
            StartLater(node, 500, 5_000);
        }
    });

    private long Later(long least, long greatest, Action action)
    {
        long milliseconds = _random.Between(least, greatest);
        _swarm.Call(milliseconds * 1_000, () =>
        {
            if (!_stopped)
            {
                action();
            }
        });
        return milliseconds;
    }

    private static string Names(List<SimulatedNode> nodes) => nodes.Count == 0 ? "nobody" : string.Join('+', nodes.Select(node => node.Id));
}
