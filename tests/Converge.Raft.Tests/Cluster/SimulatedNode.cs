using System.Buffers.Binary;
using Converge.Core;

namespace Converge.Raft.Tests.Cluster;

/// <summary>
/// One node with a disk that writes when it is told to and a state machine that folds all entries into a number. A crash loses what the
/// disk had not written yet; what was applied is kept.
/// </summary>
internal sealed class SimulatedNode
{
    private RaftNode? _raft;

    /// <summary>One of the first members, or, without a configuration, a node that may be added.</summary>
    public SimulatedNode(RaftOptions options, ConfigurationState? configuration)
    {
        Options = options;
        Disk = configuration is null ? new InMemoryRaftStorage() : InMemoryRaftStorage.Bootstrap(configuration, new byte[sizeof(ulong)]);
        Configuration = configuration ?? ConfigurationState.Empty;
        Applied = Disk.LastIndex;
        AppliedTerm = configuration is null ? Term.Zero : new Term(1);
        _raft = new RaftNode(options, Disk);
    }

    public RaftOptions Options { get; }

    public NodeId Id => Options.Id;

    public InMemoryRaftStorage Disk { get; }

    public Queue<Message> AppendWork { get; } = [];

    public Queue<Message> ApplyWork { get; } = [];

    public bool IsUp => _raft is not null;

    public RaftNode Raft => _raft ?? throw new InvalidOperationException($"{Id} is down.");

    public LogIndex Applied { get; private set; }

    /// <summary>Stands for all that was applied, in its order.</summary>
    public ulong State { get; private set; }

    public ConfigurationState Configuration { get; private set; }

    /// <summary>The term of the last entry applied.</summary>
    public Term AppliedTerm { get; private set; }

    public static ulong Fold(ulong state, in Entry entry)
    {
        StateFingerprint fingerprint = default;
        fingerprint.Add(state);
        fingerprint.Add(entry);
        return (ulong)fingerprint.Value;
    }

    public void Crash()
    {
        _raft = null;
        AppendWork.Clear();
        ApplyWork.Clear();
    }

    public void Restart()
    {
        Disk.SetConfiguration(Configuration);
        _raft = new RaftNode(Options with { Applied = Applied }, Disk);
    }

    /// <summary>Writes the oldest work to the disk and returns what is to be answered then.</summary>
    public ReadOnlyMemory<Message> Append()
    {
        Message work = AppendWork.Dequeue();
        if (work.Term > Term.Zero)
        {
            Disk.SetHardState(new HardState(work.Term, work.Vote, work.Commit));
        }

        if (work.Snapshot is { } snapshot)
        {
            Assert.Equal(StorageChange.Done, Disk.ApplySnapshot(snapshot));
            Applied = snapshot.Index;
            AppliedTerm = snapshot.Term;
            State = BinaryPrimitives.ReadUInt64LittleEndian(snapshot.Data.Span);
            Configuration = snapshot.Configuration;
        }

        Assert.Equal(StorageChange.Done, Disk.Append(work.Entries.Span));
        return work.Responses;
    }

    /// <summary>Applies the oldest work and returns what is to be answered then.</summary>
    public ReadOnlyMemory<Message> Apply(Action<Entry> observe)
    {
        Message work = ApplyWork.Dequeue();
        foreach (Entry entry in work.Entries.Span)
        {
            if (entry.Index <= Applied)
            {
                // A snapshot that was installed in the meantime stands for it.
                continue;
            }

            Assert.Equal(Applied.Next, entry.Index);
            State = Fold(State, entry);
            Applied = entry.Index;
            AppliedTerm = entry.Term;
            if (entry.ChangesConfiguration)
            {
                Configuration = Raft.ApplyConfigurationChange(entry, out _);
            }

            observe(entry);
        }

        return work.Responses;
    }

    /// <summary>Takes a snapshot of the state and drops entries that it stands for, but for a few.</summary>
    public void Compact(ulong kept)
    {
        byte[] state = new byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64LittleEndian(state, State);
        if (Disk.SetSnapshot(new Snapshot(Applied, AppliedTerm, Configuration, state)) == StorageChange.Done && Applied.Value > kept)
        {
            Disk.Compact(Applied - kept);
        }
    }
}
