using Akka.Event;
using Akka.Pattern;
using Akka.Persistence;
using Converge.Swarm.Akka.Serialization;
using Converge.Swarm.Storage;

namespace Converge.Swarm.Akka.Journal;

/// <summary>
/// The durable Raft log as the events of a persistent actor: one event a batch, several batches one write. Akka.Persistence knows no
/// truncation of a suffix, so a conflict is part of a batch like all else, and a sequence number says nothing about an index.
/// </summary>
internal abstract class RaftJournal : ReceivePersistentActor
{
    private readonly LiveRecords _live = new();
    private readonly int _deletionSlice;
    private LogModel? _recovered = new();
    private LogRemainder? _remainder;
    private ulong _replayed;
    private ulong _deletedThrough;
    private ulong _deleteThrough;
    private bool _deleting;

    protected RaftJournal(string persistenceId, string journalPluginId, int deletionSlice)
    {
        PersistenceId = persistenceId;
        JournalPluginId = journalPluginId;
        SnapshotPluginId = "akka.persistence.no-snapshot-store";
        _deletionSlice = deletionSlice;
        Recover<LogBatchStored>(Replay);
        Recover<RecoveryCompleted>(_ => FinishRecovery());
        Command<DeleteMessagesSuccess>(deleted => NoteDeleted((ulong)deleted.ToSequenceNr));
        Command<DeleteMessagesFailure>(failure =>
        {
            _deleting = false;
            Log.Warning(failure.Cause, "Obsolete events up to {0} could not be deleted; they will be with the next ones.", failure.ToSequenceNr);
        });
    }

    /// <inheritdoc/>
    public sealed override string PersistenceId { get; }

    /// <summary>What is stored; without the entries' data.</summary>
    protected LogOutline Outline { get; private set; } = LogOutline.Empty;

    /// <summary>True when the log was there before: an empty journal is then a lost one.</summary>
    protected abstract bool MustExist { get; }

    /// <summary>The log is open; called once, with all there is.</summary>
    protected abstract void OnOpened(LogModel recovered);

    /// <summary>What the journal holds is no log. The actor stops; recovering again would find the same.</summary>
    protected abstract void OnDamaged(JournalDamagedException damage);

    /// <summary>Stores batches, all of them or, when the actor ends meanwhile, possibly none. Must not be called again before it is done.</summary>
    /// <param name="batches">At least one.</param>
    /// <param name="stored">Called when all are durable.</param>
    /// <exception cref="LogOrderException">One does not fit; none is stored.</exception>
    protected void Store(IReadOnlyList<LogBatch> batches, Action stored)
    {
        LogOutline outline = batches.Aggregate(Outline, (log, batch) => log.After(batch));
        int left = batches.Count;
        PersistAllAsync(batches.Select(batch => new LogBatchStored(batch)), persisted =>
        {
            _live.Note((ulong)LastSequenceNr, persisted.Batch);
            if (--left == 0)
            {
                Outline = outline;
                stored();
            }
        });
    }

    /// <summary>Deletes the events in which nothing matters any more, a slice at a time.</summary>
    protected void RemoveObsolete()
    {
        _deleteThrough = _live.First - 1;
        DeleteSlice();
    }

    /// <summary>Called when nothing more is being deleted.</summary>
    protected virtual void OnObsoleteRemoved()
    {
    }

    protected override void OnRecoveryFailure(Exception reason, object? message = null)
    {
        for (Exception? cause = reason; cause is not null; cause = cause.InnerException)
        {
            if (cause is LogBatchFormatException or LogOrderException or IllegalStateException)
            {
                OnDamaged(new JournalDamagedException(PersistenceId, $"event {LastSequenceNr} cannot be replayed: {cause.Message}", reason));
                return;
            }
        }

        Log.Error(reason, "The log could not be recovered from its journal at event {0}; trying again.", LastSequenceNr);
    }

    /// <summary>A write that is rejected was not stored, and this actor's log no longer knows what comes next.</summary>
    protected override void OnPersistRejected(Exception cause, object @event, long sequenceNr)
    {
        OnPersistFailure(cause, @event, sequenceNr);
        Context.Stop(Self);
    }

    private void Replay(LogBatchStored stored)
    {
        var number = (ulong)LastSequenceNr;
        if (_replayed == 0 && number > 1)
        {
            // What was before this event was deleted, since it had no effect any more.
            _deletedThrough = number - 1;
            _remainder = new LogRemainder();
        }
        else if (number != _replayed + 1)
        {
            // A batch may hold nothing but a vote: no rule of the log would miss it.
            throw new LogOrderException($"Event {number} follows event {_replayed}.");
        }

        _replayed = number;
        _live.Note(number, stored.Batch);
        if (_remainder is null)
        {
            _recovered!.Apply(stored.Batch);
        }
        else
        {
            _remainder.Apply(stored.Batch);
        }
    }

    private void FinishRecovery()
    {
        LogModel recovered = _recovered!;
        try
        {
            if (_remainder is not null)
            {
                recovered.Apply(_remainder.ToBatch());
            }
        }
        catch (LogOrderException missing)
        {
            OnDamaged(new JournalDamagedException(PersistenceId, $"it begins with event {_deletedThrough + 1}, and {missing.Message}", missing));
            Context.Stop(Self);
            return;
        }

        if (LastSequenceNr == 0 && MustExist)
        {
            OnDamaged(new JournalDamagedException(PersistenceId, "it holds no event, although the node has had a log."));
            Context.Stop(Self);
            return;
        }

        (_recovered, _remainder) = (null, null);
        Outline = recovered.Outline;
        OnOpened(recovered);
    }

    private void NoteDeleted(ulong through)
    {
        _deleting = false;
        _deletedThrough = through;
        DeleteSlice();
    }

    private void DeleteSlice()
    {
        if (_deleting)
        {
            return;
        }

        if (_deletedThrough < _deleteThrough)
        {
            _deleting = true;
            DeleteMessages((long)Math.Min(_deletedThrough + (ulong)_deletionSlice, _deleteThrough));
        }
        else
        {
            OnObsoleteRemoved();
        }
    }
}
