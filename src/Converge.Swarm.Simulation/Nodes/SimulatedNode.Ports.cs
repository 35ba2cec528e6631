using Converge.Core;
using Converge.Swarm.Actors;
using Converge.Swarm.Governance;
using Converge.Swarm.Ledger;
using Converge.Swarm.Storage;

namespace Converge.Swarm.Simulation;

/// <summary>The actors' ports, and the process around a handler.</summary>
public sealed partial class SimulatedNode
{
    /// <summary>Each call is one message carried.</summary>
    private sealed class Ports(SimulatedNode node) : INodePort, ILogPort, IStateMachinePort, ISnapshotPort
    {
        public void ToPeer(NodeId peer, PeerMessage message)
        {
            node._swarm.CurrentStep.SentList.Add(new SentMessage(peer, message));
            node._swarm.Send(node, peer, message);
        }

        public void ToLog(LogMessage message)
        {
            if (message is LogMessage.Append append)
            {
                node._swarm.CurrentStep.HandedToLogList.Add(append);
            }

            if (node._knownLogIncarnation == node._logIncarnation)
            {
                node.PostLog(message);
            }
        }

        public void ToNode(NodeMessage message)
        {
            if (message is NodeMessage.Applied applied)
            {
                node.NoteApplied(applied);
            }
            else if (message is NodeMessage.SnapshotInstalled installed)
            {
                node.NoteInstalled(installed.Snapshot);
            }

            node.Post(message);
        }

        public void ToStateMachine(StateMachineMessage message)
        {
            if (node._answersStatus)
            {
                node._statusQuestion = message;
            }
            else
            {
                node._swarm.CurrentStep.HandedToStateMachineList.Add(message);
                node.PostState(message);
            }
        }

        public void ToSnapshots(SnapshotMessage message) => node.PostSnapshots(message);

        public void Do(SnapshotWork work) => node.PostWork(work);

        void INodePort.WantTurn() => node._nodeBox.TurnWanted = true;

        void ILogPort.WantTurn() => node._logBox.TurnWanted = true;

        public void WantLedgerFlush() => node._ledgerFlushWanted = true;

        public void Store(IReadOnlyList<LogBatch> batches)
        {
            try
            {
                int taken = node._store!.Append(batches);
                node._flushing = [.. batches.Take(taken)];
                (long least, long greatest) = node._swarm.Options.FlushMicroseconds;
                long done = Math.Max(node._swarm.NowMicroseconds, node.DiskStallsUntilMicroseconds) + node._latency.Between(least, greatest);
                node._swarm.Schedule(done, node.FlushDone());
            }
            catch (DiskFullException)
            {
                node._swarm.Count(SimulationCoverage.LogWithoutRoom);
                node.PostLog(LogMessage.NoRoom.Instance);
            }
        }

        public void RemoveObsolete() => node._store!.RemoveObsolete();

        public bool IsConnected(NodeId peer) => node._swarm.IsConnected(node, peer);

        public void Publish(SwarmEvent happened) => node._swarm.NotePublished(node, happened);

        public void Fail(Exception reason) => node._failReason ??= reason;
    }

    private void NoteInstalled(StateSnapshotFile snapshot)
    {
        Observation.AppliedIndex = snapshot.Mark.Index;
        Observation.Digest = snapshot.Header.Digest;
    }

    private void NoteApplied(NodeMessage.Applied applied)
    {
        foreach (AppliedEntry entry in applied.Entries)
        {
            Observation.AppliedIndex = entry.Index;
            Observation.Digest = entry.Digest;
            _swarm.CurrentStep.AppliedList.Add(entry);
        }
    }

    internal void Tell(SwarmEvent happened)
    {
        if (_process is { } process)
        {
            process.Enqueue(() => process.Handler.Happened(happened));
        }
    }

    /// <summary>Hands commands to the node actor, as the client service of a real host does.</summary>
    internal void Submit(FactSubmission submission, Action<CommitAnswer> answered) =>
        Post(new NodeMessage.Submit(
            [new UnstampedCommand(CommandCodec.EncodeFact(submission, CommandStamp.None), submission.Lamport?.Counter ?? 0)],
            new CallbackReply<IReadOnlyList<CommitAnswer>>(answers => answered(answers[0]))));

    internal void Read(StateMachineMessage.Query query, ReadConsistency consistency) => Post(new NodeMessage.Read(query, consistency));

    /// <summary>What a handler has of its process: everything it waits for is void once the process has ended.</summary>
    private sealed class Process(SimulatedNode node, ISimulatedHandler handler, SimulationRandom random) : ISimulatedProcess
    {
        public ISimulatedHandler Handler { get; } = handler;

        public NodeId Node => node.Id;

        public TimeSpan Now => TimeSpan.FromMicroseconds(node._swarm.NowMicroseconds);

        public SimulationRandom Random { get; } = random;

        public void Submit(FactSubmission submission, Action<CommitAnswer> answered) =>
            node.Submit(submission, answer => Enqueue(() => answered(answer)));

        public void Read(string proposalId, ReadConsistency consistency, Action<QueryAnswer<ProposalView?>> answered) =>
            node.Read(
                new StateMachineMessage.GetProposal(proposalId, new CallbackReply<QueryAnswer<ProposalView?>>(answer => Enqueue(() => answered(answer)))),
                consistency);

        public IReadOnlyList<LedgerRecord> Records(ulong fromSequence, int limit) =>
            [.. node.Ledger!.Read(fromSequence, limit).Select(LedgerRecordCodec.Decode)];

        public void After(TimeSpan delay, Action action)
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(delay, TimeSpan.Zero);
            uint life = node.Life;
            node._swarm.Call((long)delay.TotalMicroseconds, () =>
            {
                if (node.Life == life && node.IsRunning)
                {
                    action();
                }
            });
        }

        /// <summary>Runs code of the process soon, in a step of its own.</summary>
        public void Enqueue(Action action) => After(TimeSpan.Zero, action);
    }
}
