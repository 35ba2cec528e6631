using Converge.Core;
using Converge.Raft.Tests.Cluster;

namespace Converge.Raft.Tests.Protocol;

/// <summary>A few nodes with synchronous storage whose messages are delivered when a test says so.</summary>
internal sealed class TestCluster
{
    private readonly List<Message> _network = [];
    private readonly Func<RaftOptions, RaftOptions>? _configure;

    public TestCluster(int voters, Func<RaftOptions, RaftOptions>? configure = null)
    {
        _configure = configure;
        var configuration = ConfigurationState.OfVoters([.. Enumerable.Range(1, voters).Select(id => new NodeId((ulong)id))]);
        for (int i = 1; i <= voters; i++)
        {
            AddNode(InMemoryRaftStorage.Bootstrap(configuration));
        }
    }

    public List<RaftNode> Nodes { get; } = [];

    public List<InMemoryRaftStorage> Storages { get; } = [];

    public List<ReadState> Reads { get; } = [];

    /// <summary>Data of the entries that each node has applied.</summary>
    public Dictionary<NodeId, List<byte[]>> Applied { get; } = [];

    /// <summary>Whose messages are lost, in both directions.</summary>
    public HashSet<int> CutOff { get; } = [];

    /// <summary>Further messages that are lost.</summary>
    public Func<Message, bool> IsLost { get; set; } = _ => false;

    public RaftNode this[int id] => Nodes[id - 1];

    /// <summary>A node that starts from this storage: an empty one for a node that is to be added.</summary>
    public RaftNode AddNode(InMemoryRaftStorage storage)
    {
        ulong id = (ulong)Nodes.Count + 1;
        var options = new RaftOptions { Id = new NodeId(id), Random = new SeededRandom(id) };
        Storages.Add(storage);
        Nodes.Add(new RaftNode(_configure is null ? options : _configure(options), storage));
        return Nodes[^1];
    }

    /// <summary>The node is started again from its storage; its state machine keeps what it has applied.</summary>
    public void Restart(int id)
    {
        RaftOptions options = new() { Id = new NodeId((ulong)id), Random = new SeededRandom((ulong)id), Applied = this[id].AppliedIndex };
        Storages[id - 1].SetConfiguration(this[id].Configuration);
        Nodes[id - 1] = new RaftNode(_configure is null ? options : _configure(options), Storages[id - 1]);
    }

    /// <summary>Handles all that is ready and delivers until nothing moves.</summary>
    public void Settle()
    {
        bool isBusy = true;
        while (isBusy)
        {
            isBusy = false;
            foreach (RaftNode node in Nodes)
            {
                while (node.HasReady)
                {
                    isBusy = true;
                    Handle(node);
                }
            }

            Message[] messages = [.. _network];
            _network.Clear();
            foreach (Message message in messages)
            {
                if (!CutOff.Contains((int)message.To.Value) && !CutOff.Contains((int)message.From.Value) && !IsLost(message))
                {
                    isBusy = true;
                    this[(int)message.To.Value].Step(message);
                }
            }
        }
    }

    public void Elect(int id)
    {
        this[id].Campaign();
        Settle();
        Assert.Equal(RaftRole.Leader, this[id].Role);
    }

    public void Tick(params ReadOnlySpan<int> ids)
    {
        foreach (int id in ids)
        {
            this[id].Tick();
        }
    }

    public void Handle(RaftNode node)
    {
        InMemoryRaftStorage storage = Storages[(int)node.Id.Value - 1];
        Ready ready = node.Ready();
        if (ready.HardState is { } state)
        {
            storage.SetHardState(state);
        }

        if (ready.Snapshot is { } snapshot)
        {
            Assert.Equal(StorageChange.Done, storage.ApplySnapshot(snapshot));
        }

        Assert.Equal(StorageChange.Done, storage.Append(ready.Entries.Span));
        foreach (Entry entry in ready.CommittedEntries.ToArray())
        {
            if (entry.ChangesConfiguration)
            {
                node.ApplyConfigurationChange(entry, out _);
            }
            else
            {
                (Applied.TryGetValue(node.Id, out List<byte[]>? applied) ? applied : Applied[node.Id] = []).Add(entry.Data.ToArray());
            }
        }

        Reads.AddRange(ready.ReadStates.Span);
        _network.AddRange(ready.Messages.Span);
        node.Advance();
    }
}
