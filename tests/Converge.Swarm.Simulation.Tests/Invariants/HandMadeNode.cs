using Converge.Core;
using Converge.Raft;
using Converge.Swarm.Actors;
using Converge.Swarm.Storage;

namespace Converge.Swarm.Simulation.Tests.Invariants;

/// <summary>A node that is as a test says, possible or not. Its log begins after the founding entry, like that of a real one.</summary>
internal sealed class HandMadeNode : NodeObservation
{
    private readonly ulong _id;

    public HandMadeNode(ulong id)
    {
        _id = id;
        Disk.Apply(Founding.Batch(Disk.Outline)!);
        AppliedIndex = Founding.Mark.Index;
    }

    public override NodeId Id => new(_id);

    public override int Position => (int)_id - 1;

    public override bool IsRunning => Runs;

    public override uint Life => Lives;

    public override RaftRole Role => Plays;

    public override Term Term => InTerm;

    public override NodeId Leader => Follows;

    public override NodeId Vote => VotedFor;

    public override int ElectionElapsedTicks => Waited;

    public override LogIndex CommitIndex => Committed;

    public override LogIndex LastIndex => Founding.Mark.Index + (ulong)Log.Count;

    public override LogIndex FirstIndex => Purged.Next;

    public override ConfigurationState Configuration => Members;

    public override LogModel Durable => Disk;

    public override ulong LedgerSequence => Head?.Sequence ?? 0;

    public override LedgerHead? LedgerHead => Head;

    public bool Runs { get; set; } = true;

    public uint Lives { get; set; } = 1;

    public RaftRole Plays { get; set; }

    public Term InTerm { get; set; } = new(1);

    public NodeId Follows { get; set; }

    public NodeId VotedFor { get; set; }

    public int Waited { get; set; }

    public LogIndex Committed { get; set; } = Founding.Mark.Index;

    public LogIndex Purged { get; set; } = Founding.Mark.Index;

    public ConfigurationState Members { get; set; } = Three;

    public LedgerHead? Head { get; set; }

    public LogModel Disk { get; } = new();

    /// <summary>Entries from index 2 on.</summary>
    public List<Entry> Log { get; } = [];

    public static ConfigurationState Three { get; } = ConfigurationState.OfVoters(new NodeId(1), new NodeId(2), new NodeId(3));

    public override bool TryGetEntry(LogIndex index, out Entry entry)
    {
        bool has = index > Purged && index <= LastIndex;
        entry = has ? Log[(int)(index.Value - 2)] : default;
        return has;
    }

    public override bool TryGetTerm(LogIndex index, out Term term)
    {
        bool has = TryGetEntry(index, out Entry entry);
        term = has ? entry.Term : index == Founding.Mark.Index ? Founding.Mark.Term : Term.Zero;
        return has || index == Founding.Mark.Index;
    }

    public void Leads(ulong term)
    {
        (Plays, InTerm, Follows, VotedFor) = (RaftRole.Leader, new Term(term), Id, Id);
    }

    /// <summary>Its log holds entries of these terms, from index 2 on.</summary>
    public void Holds(params ulong[] terms)
    {
        Log.Clear();
        Log.AddRange(terms.Select((term, at) => EntryOf((ulong)at + 2, term)));
    }

    /// <summary>Its disk holds entries of these terms, from index 2 on, and term and vote.</summary>
    public void Stores(ulong term, ulong vote, params ulong[] terms)
    {
        LogEntry[] entries = [.. terms.Select((of, at) => EntryOf((ulong)at + 2, of)).Select(entry => new LogEntry(entry.Index, entry.Term, (byte)entry.Kind, entry.Data))];
        Disk.Apply(Disk.Outline.Storing(new DurableState(new Term(term), new NodeId(vote), Disk.State.Commit), entries));
    }

    public static Entry EntryOf(ulong index, ulong term, byte content = 1, EntryKind kind = EntryKind.Normal) =>
        new(new Term(term), new LogIndex(index), kind, new[] { content });
}
