using Akka.Actor;
using Akka.Event;
using Converge.Core;
using Converge.Swarm.Actors;
using Converge.Swarm.Akka.Node;
using Converge.Swarm.Akka.Remoting;
using Converge.Swarm.Governance;
using Converge.Swarm.Storage;
using Microsoft.Data.Sqlite;
using LogMessage = Converge.Swarm.Actors.LogMessage;

namespace Converge.Swarm.Akka.Journal;

/// <summary>What the incarnations of a node's log actor hand on to each other.</summary>
/// <param name="isKnown">The data folder is known to be this node's, so there has been a log before this life of it.</param>
/// <param name="snapshot">The snapshot from which the node starts, or null.</param>
internal sealed class LogLife(bool isKnown, StateSnapshotFile? snapshot)
{
    private ulong _incarnation;

    /// <summary>The data folder was known to be this node's when this life began.</summary>
    public bool IsKnown { get; } = isKnown;

    /// <summary>The log has been there; an empty journal is a lost one. Never unset.</summary>
    public bool MustExist { get; set; } = isKnown;

    /// <summary>The disk had no room at the last write.</summary>
    public bool IsFull { get; set; }

    /// <summary>
    /// What a log lacks for the node to start. Later in its life, when the log comes back, the node itself knows what that lacks.
    /// </summary>
    public LogBatch? Lacking(LogOutline stored) => _incarnation == 0 ? NodeStart.Batch(stored, snapshot) : null;

    /// <summary>A number that no incarnation had. One incarnation at a time asks.</summary>
    public ulong NextIncarnation() => ++_incarnation;
}

/// <summary>A log actor is ready.</summary>
/// <param name="Log">The actor itself: what is for another incarnation does not reach it.</param>
/// <param name="Incarnation">Its number.</param>
/// <param name="Recovered">What is durable; the receiver's from now on.</param>
internal sealed record LogRecovered(IActorRef Log, ulong Incarnation, LogModel Recovered);

/// <summary>The swarm's log actor on a journal: a <see cref="LogActor"/> whose store are the events of this persistent actor.</summary>
internal sealed class RaftLogActor : RaftJournal, ILogPort
{
    /// <summary>So much is written at once; one batch is, whatever its size.</summary>
    private const long MaxWriteBytes = 4 * 1024 * 1024;

    private const int SqliteFull = 13;

    private readonly NodeId _self;
    private readonly LogLife _life;
    private readonly IActorRef _node;
    private readonly Peers _peers;
    private LogActor? _actor;
    private bool _turnQueued;

    public RaftLogActor(SwarmSettings settings, LogLife life, IActorRef node, Peers peers)
        : base($"{settings.Cluster}-{settings.Node}-log", settings.Log.JournalPluginId, settings.Log.DeletionSlice)
    {
        _self = settings.Node;
        _life = life;
        _node = node;
        _peers = peers;
        Command<LogMessage>(message =>
        {
            _turnQueued &= message is not LogMessage.Turn;
            try
            {
                _actor!.Receive(message);
            }
            catch (LogOrderException breach)
            {
                // What the node wants stored does not fit its log. It would not the next time either.
                _node.Tell(new NodeFailed(breach));
                Context.Stop(Self);
            }
        });
    }

    public static Props Props(SwarmSettings settings, LogLife life, IActorRef node, Peers peers) =>
        global::Akka.Actor.Props.Create(() => new RaftLogActor(settings, life, node, peers)).WithDispatcher(settings.Log.Dispatcher);

    protected override bool MustExist => _life.MustExist;

    void ILogPort.ToNode(NodeMessage message) => _node.Tell(message);

    void ILogPort.ToPeer(NodeId peer, PeerMessage message) => _peers.Send(peer, message);

    void ILogPort.WantTurn()
    {
        if (!_turnQueued)
        {
            _turnQueued = true;
            Self.Tell(LogMessage.Turn.Instance);
        }
    }

    void ILogPort.Store(IReadOnlyList<LogBatch> batches)
    {
        long bytes = 0;
        LogBatch[] taken = [.. batches.TakeWhile((batch, place) => (bytes += LogBatchCodec.Measure(batch)) <= MaxWriteBytes || place == 0)];
        Store(taken, () =>
        {
            if (_life.IsFull)
            {
                _life.IsFull = false;
                _node.Tell(new NodeMessage.LogSpace(true));
            }

            _actor!.Receive(new LogMessage.Stored(taken.Length));
        });
    }

    void ILogPort.RemoveObsolete() => RemoveObsolete();

    protected override void OnOpened(LogModel recovered)
    {
        LogBatch? lacking;
        try
        {
            lacking = _life.Lacking(recovered.Outline);
        }
        catch (SnapshotDamagedException missing)
        {
            _node.Tell(new NodeFailed(missing));
            return;
        }

        if (lacking is not null)
        {
            recovered.Apply(lacking);
            Store([lacking], () => Begin(recovered));
        }
        else
        {
            Begin(recovered);
        }
    }

    private void Begin(LogModel recovered)
    {
        _life.MustExist = true;
        ulong incarnation = _life.NextIncarnation();
        _actor = new LogActor(_self, incarnation, Outline, this);
        _node.Tell(new LogRecovered(Self, incarnation, recovered));
    }

    protected override void OnDamaged(JournalDamagedException damage) => _node.Tell(new NodeFailed(damage));

    protected override void OnPersistFailure(Exception cause, object @event, long sequenceNr)
    {
        Log.Error(cause, "Event {0} of the log was not confirmed. The log's actor stops and recovers: the event may be there or not.", sequenceNr);
        if (!_life.IsFull && IsDiskFull(cause))
        {
            _life.IsFull = true;
            _node.Tell(new NodeMessage.LogSpace(false));
        }
    }

    private static bool IsDiskFull(Exception? cause)
    {
        for (; cause is not null; cause = cause.InnerException)
        {
            if (cause is SqliteException { SqliteErrorCode: SqliteFull })
            {
                return true;
            }
        }

        return false;
    }
}
