using Converge.Raft;
using Converge.Swarm.Governance;
using Converge.Swarm.Ledger;
using Converge.Swarm.Storage;

namespace Converge.Swarm.Actors;

/// <summary>Which works wait for each other.</summary>
public enum SnapshotLane
{
    /// <summary>Writing a snapshot: it may take long, and nobody waits for it (<see cref="SnapshotLanes.IsInBackground"/>).</summary>
    Writing,

    /// <summary>What transfers need: short.</summary>
    Transfers,
}

/// <summary>What hosts ask of a lane.</summary>
public static class SnapshotLanes
{
    /// <summary>Whether its works are done on what processor others leave. A node that waits for a transfer should not wait longer for that.</summary>
    public static bool IsInBackground(this SnapshotLane lane) => lane == SnapshotLane.Writing;
}

/// <summary>Work with files that a snapshot actor wants done. A closed set; every host does it in the same way and only chooses when.</summary>
public abstract record SnapshotWork
{
    private protected SnapshotWork()
    {
    }

    /// <summary>Which works it waits for.</summary>
    public virtual SnapshotLane Lane => SnapshotLane.Transfers;

    /// <summary>Does it. Blocks on the disk.</summary>
    /// <param name="files">The node's snapshots.</param>
    /// <param name="ledger">The node's ledger; only read.</param>
    /// <returns>The answer for the actor.</returns>
    /// <exception cref="IOException">The disk failed, or a file is damaged. The node must stop.</exception>
    public abstract SnapshotMessage Run(SnapshotFiles files, GovernanceLedger ledger);

    /// <summary>Write a snapshot of this node's state.</summary>
    public sealed record Write(FrozenState State, ConfigurationState Configuration, ReadOnlyMemory<byte> Members, SnapshotPace Pace) : SnapshotWork
    {
        /// <inheritdoc/>
        public override SnapshotLane Lane => SnapshotLane.Writing;

        /// <inheritdoc/>
        public override SnapshotMessage Run(SnapshotFiles files, GovernanceLedger ledger)
        {
            try
            {
                // It may bear its name only when every record that it speaks of is durable.
                if (!ledger.IsDurable(State.LastSequence))
                {
                    ledger.Flush();
                }

                return new SnapshotMessage.Written(files.Write(State, ledger.CheckpointAt(State.LastSequence), Configuration, Members, Pace));
            }
            catch (DiskFullException)
            {
                return SnapshotMessage.NoRoom.Instance;
            }
        }
    }

    /// <summary>Read the next records for a follower.</summary>
    public sealed record ReadRecords(ulong Transfer, int Attempt, ulong From, ulong Through) : SnapshotWork
    {
        /// <inheritdoc/>
        public override SnapshotMessage Run(SnapshotFiles files, GovernanceLedger ledger) => new SnapshotMessage.RecordsRead(
            Transfer,
            Attempt,
            From,
            ledger.ReadEncoded(From, (int)Math.Min(SnapshotTransferMessage.MaxPartRecords, Through - From + 1), SnapshotTransferMessage.MaxPartBytes));
    }

    /// <summary>Read the next piece of a file for a follower.</summary>
    public sealed record ReadBytes(ulong Transfer, int Attempt, SnapshotMark Mark, long Offset) : SnapshotWork
    {
        /// <inheritdoc/>
        public override SnapshotMessage Run(SnapshotFiles files, GovernanceLedger ledger) =>
            new SnapshotMessage.BytesRead(Transfer, Attempt, Offset, files.Read(Mark, Offset, SnapshotTransferMessage.MaxPartBytes));
    }

    /// <summary>Keep a received piece of a file; the one at the beginning begins the file anew.</summary>
    public sealed record KeepBytes(ulong Arrival, SnapshotMark Mark, long Offset, ReadOnlyMemory<byte> Bytes) : SnapshotWork
    {
        /// <inheritdoc/>
        public override SnapshotMessage Run(SnapshotFiles files, GovernanceLedger ledger)
        {
            try
            {
                files.Keep(Mark, Offset, Bytes.Span);
                return new SnapshotMessage.BytesKept(Arrival, Offset, Offset + Bytes.Length);
            }
            catch (DiskFullException)
            {
                return new SnapshotMessage.NotKept(Arrival);
            }
        }
    }

    /// <summary>All of a file is there: check it, and see which of the records that it speaks of the ledger lacks.</summary>
    public sealed record Check(ulong Arrival, SnapshotMark Mark) : SnapshotWork
    {
        /// <inheritdoc/>
        public override SnapshotMessage Run(SnapshotFiles files, GovernanceLedger ledger)
        {
            LedgerCatchUp? records = files.TryCheckReceived(Mark, ledger, out Exception? fault);
            return new SnapshotMessage.Checked(Arrival, records?.NextSequence ?? 1, fault);
        }
    }

    /// <summary>Take received records into the ledger, as far as they are proven.</summary>
    public sealed record TakeRecords(ulong Arrival, IReadOnlyList<ReadOnlyMemory<byte>> Records) : SnapshotWork
    {
        /// <inheritdoc/>
        public override SnapshotMessage Run(SnapshotFiles files, GovernanceLedger ledger)
        {
            LedgerCatchUp catchUp = files.CatchUp(ledger);
            try
            {
                foreach (ReadOnlyMemory<byte> record in Records)
                {
                    // What is proven together may be more than the ledger keeps in memory: each flush makes room for some of it.
                    while (!catchUp.TryAdd(record.Span))
                    {
                        ledger.Flush();
                    }
                }

                return new SnapshotMessage.RecordsTaken(Arrival, catchUp.NextSequence, ledger.LastSequence, HasRoom: true, Fault: null);
            }
            catch (DiskFullException)
            {
                return new SnapshotMessage.RecordsTaken(Arrival, catchUp.NextSequence, ledger.LastSequence, HasRoom: false, Fault: null);
            }
            catch (LedgerRecordsRefusedException refused)
            {
                return new SnapshotMessage.RecordsTaken(Arrival, files.CatchUpAgain(ledger).NextSequence, ledger.LastSequence, HasRoom: true, refused);
            }
        }
    }

    /// <summary>All records are there: make them durable, and give the snapshot its name.</summary>
    public sealed record Complete(ulong Arrival, SnapshotMark Mark) : SnapshotWork
    {
        /// <inheritdoc/>
        public override SnapshotMessage Run(SnapshotFiles files, GovernanceLedger ledger)
        {
            try
            {
                LedgerCatchUp catchUp = files.CatchUp(ledger);
                while (!catchUp.IsDurable)
                {
                    ledger.Flush();
                    catchUp.TryAppend();
                }

                return new SnapshotMessage.Completed(Arrival, files.Accept(Mark));
            }
            catch (DiskFullException)
            {
                return new SnapshotMessage.Completed(Arrival, Snapshot: null);
            }
        }
    }

    /// <summary>Delete every snapshot that is superfluous, but these.</summary>
    /// <param name="Except">Those in use, the newest among them.</param>
    /// <param name="Closed">Those on which nothing rests any more: they are closed before.</param>
    public sealed record Remove(IReadOnlyCollection<SnapshotMark> Except, IReadOnlyList<StateSnapshotFile> Closed) : SnapshotWork
    {
        /// <inheritdoc/>
        public override SnapshotMessage Run(SnapshotFiles files, GovernanceLedger ledger)
        {
            foreach (StateSnapshotFile closed in Closed)
            {
                closed.Dispose();
            }

            files.RemoveExcept(Except);
            return SnapshotMessage.Removed.Instance;
        }
    }
}
