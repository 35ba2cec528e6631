using System.Collections.Concurrent;
using Akka.Actor;
using Akka.Configuration;
using Akka.Dispatch;
using Akka.Dispatch.MessageQueues;
using Converge.Core;
using Converge.Swarm.Actors;
using Converge.Swarm.Akka.Serialization;

namespace Converge.Swarm.Akka.Node;

/// <summary>
/// The mailbox of the node and of those around it: several lanes, the first always emptied before the next is looked at, so that control
/// messages never queue behind client work. What peers send is bounded and dropped above that, as a network may.
/// </summary>
internal sealed class SwarmMailbox(Settings settings, Config config) : MailboxType(settings, config), IProducesMessageQueue<SwarmMailbox.Lanes>
{
    /// <summary>Its path in the configuration.</summary>
    public const string Id = SwarmSettings.Section + ".mailbox";

    public override IMessageQueue Create(IActorRef owner, ActorSystem system) => new Lanes();

    internal sealed class Lanes : IMessageQueue
    {
        /// <summary>So many messages are received before a turn that was asked for comes, whatever else is queued.</summary>
        public const int MaxBeforeTurn = 1024;

        /// <summary>More votes, heartbeats and acknowledgements than this are dropped; the protocol repeats them.</summary>
        public const int MaxPeerControl = 16_384;

        /// <summary>More appends and forwarded commands than this are dropped.</summary>
        public const int MaxPeerBulk = 4_096;

        // Ticks, the children's answers and what else nodes say to themselves; peers' control; peers' bulk; clients; the turn.
        private readonly ConcurrentQueue<Envelope>[] _lanes = [new(), new(), new(), new(), new()];
        private readonly int[] _counts = new int[TurnLane + 1];
        private int _receivedSinceTurn;

        private const int OwnLane = 0;
        private const int PeerControlLane = 1;
        private const int PeerBulkLane = 2;
        private const int ClientLane = 3;
        private const int TurnLane = 4;

        public bool HasMessages => Array.Exists(_lanes, lane => !lane.IsEmpty);

        public int Count => _lanes.Sum(lane => lane.Count);

        public void Enqueue(IActorRef receiver, Envelope envelope)
        {
            int lane = LaneOf(envelope.Message);
            if (Interlocked.Increment(ref _counts[lane]) > Capacity(lane))
            {
                Interlocked.Decrement(ref _counts[lane]);
                return;
            }

            _lanes[lane].Enqueue(envelope);
        }

        public bool TryDequeue(out Envelope envelope)
        {
            if (_receivedSinceTurn >= MaxBeforeTurn && TryTake(TurnLane, out envelope))
            {
                _receivedSinceTurn = 0;
                return true;
            }

            for (int lane = OwnLane; lane < TurnLane; lane++)
            {
                if (TryTake(lane, out envelope))
                {
                    _receivedSinceTurn++;
                    return true;
                }
            }

            _receivedSinceTurn = 0;
            return TryTake(TurnLane, out envelope);
        }

        /// <summary>The actor has ended: clients learn it, everything else has lost its meaning.</summary>
        public void CleanUp(IActorRef owner, IMessageQueue deadletters)
        {
            while (TryDequeue(out Envelope envelope))
            {
                Unanswered.Refuse(envelope.Message, NotCommittedReason.Stopping, Unanswered.ShuttingDown);
            }
        }

        private bool TryTake(int lane, out Envelope envelope)
        {
            bool taken = _lanes[lane].TryDequeue(out envelope);
            if (taken)
            {
                Interlocked.Decrement(ref _counts[lane]);
            }

            return taken;
        }

        private static int LaneOf(object message) => message switch
        {
            PeerEnvelope { Message.IsControl: true } => PeerControlLane,
            PeerEnvelope or SnapshotMessage.FromPeer => PeerBulkLane,
            NodeMessage.Turn => TurnLane,
            NodeMessage request when ClientRequest.Is(request) => ClientLane,
            _ => OwnLane,
        };

        // What is not bounded here is bounded by what was asked for, and clients by their gate.
        private static int Capacity(int lane) => lane switch
        {
            PeerControlLane => MaxPeerControl,
            PeerBulkLane => MaxPeerBulk,
            _ => int.MaxValue,
        };
    }
}
