using Converge.Swarm.Actors;
using Converge.Swarm.Governance;

namespace Converge.Swarm.Simulation;

/// <summary>The snapshot actor, and the works that it wants done: each takes its time and holds up nothing but those of its lane.</summary>
public sealed partial class SimulatedNode
{
    private readonly SimulatedMailbox<SnapshotMessage> _snapshotBox = new(turn: null);

    // The works of each lane, and when the first of them is done.
    private readonly (Queue<SnapshotWork> Works, long[] DoneMicroseconds)[] _lanes = [(new(), [0]), (new(), [0])];
    private SnapshotActor? _snapshots;
    private SnapshotFiles? _snapshotFiles;

    private GovernanceState StateOf(StateSnapshotFile snapshot) =>
        new(snapshot, _swarm.Options.MaxSessions, _swarm.Options.MaxAnswers, _swarm.Options.SessionWindow);

    private void PostSnapshots(SnapshotMessage message)
    {
        _snapshotBox.Add(message);
        Wake(_snapshotBox, EventKind.ServeSnapshots);
    }

    private void PostWork(SnapshotWork work)
    {
        (Queue<SnapshotWork> works, long[] done) = _lanes[(int)work.Lane];
        works.Enqueue(work);
        if (works.Count == 1)
        {
            ScheduleWork(done);
        }
    }

    private void ServeSnapshots()
    {
        _snapshotBox.IsScheduled = false;
        if (IsPaused)
        {
            return;
        }

        SnapshotMessage message = _snapshotBox.Take();
        _swarm.BeginStep(StepKind.SnapshotActor, this, message);
        _snapshots!.Receive(message);
        Wake(_snapshotBox, EventKind.ServeSnapshots);
    }

    private void ScheduleWork(long[] done)
    {
        (long least, long greatest) = _swarm.Options.SnapshotWorkMicroseconds;
        done[0] = Math.Max(_swarm.NowMicroseconds, DiskStallsUntilMicroseconds) + _latency.Between(least, greatest);
        _swarm.Schedule(done[0], Own(EventKind.WorkWithSnapshots));
    }

    private void WorkWithSnapshots()
    {
        foreach ((Queue<SnapshotWork> works, long[] done) in _lanes)
        {
            if (works.Count == 0 || done[0] > _swarm.NowMicroseconds)
            {
                continue;
            }

            if (IsPaused)
            {
                // A process that stands still does nothing; it looks again.
                ScheduleWork(done);
                continue;
            }

            SnapshotWork work = works.Dequeue();
            _swarm.BeginStep(StepKind.Disk, this, received: null);
            SnapshotMessage answer = work.Run(_snapshotFiles!, Ledger!);
            Observation.DurableLedgerSequence = Ledger!.DurableSequence;
            PostSnapshots(answer);
            if (works.Count > 0)
            {
                ScheduleWork(done);
            }
        }
    }

    private void CloseSnapshots()
    {
        _snapshots = null;
        _snapshotFiles = null;
        _snapshotBox.Clear();
        foreach ((Queue<SnapshotWork> works, _) in _lanes)
        {
            works.Clear();
        }
    }
}
