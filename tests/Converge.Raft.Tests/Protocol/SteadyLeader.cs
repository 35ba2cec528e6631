using Converge.Core;
using Converge.Raft.Tests.Cluster;

namespace Converge.Raft.Tests.Protocol;

/// <summary>A leader of three with asynchronous storage, fed by prompt followers and a prompt disk.</summary>
internal sealed class SteadyLeader
{
    private static readonly byte[] Data = new byte[64];

    private readonly InMemoryRaftStorage _storage = InMemoryRaftStorage.Bootstrap(ConfigurationState.OfVoters(new NodeId(1), new NodeId(2), new NodeId(3)));
    private readonly RaftNode _node;

    public SteadyLeader()
    {
        var options = new RaftOptions { Id = new NodeId(1), Random = new SeededRandom(1), AsyncStorageWrites = true, PreVote = false };
        _node = new RaftNode(options, _storage);
        _node.Campaign();
        Drain();
        _node.Step(From(2, MessageKind.VoteResp));
        Drain();
        Acknowledge();
        Drain();
        Assert.Equal(RaftRole.Leader, _node.Role);
    }

    /// <summary>How many messages were stepped.</summary>
    public long Steps { get; private set; }

    public void Run(int rounds)
    {
        for (int i = 0; i < rounds; i++)
        {
            _node.Propose(Data);
            Drain();
            Acknowledge();
            Drain();
            if (i % 1000 == 999)
            {
                _storage.Compact(_node.AppliedIndex);
            }
        }

        Assert.Equal(_node.LastIndex, _node.CommitIndex);
    }

    /// <summary>What steps allocate that carry no entry: repeated acknowledgements and heartbeat responses, with their output.</summary>
    public long AllocatedByStepsAlone(int rounds)
    {
        Acknowledge();
        _node.Tick();
        _node.Ready();
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < rounds; i++)
        {
            Acknowledge();
            _node.Tick();
            _node.Ready();
        }

        return GC.GetAllocatedBytesForCurrentThread() - before;
    }

    private void Acknowledge()
    {
        for (ulong id = 2; id <= 3; id++)
        {
            _node.Step(From(id, MessageKind.HeartbeatResp));
            _node.Step(From(id, MessageKind.AppendResp) with { Index = _node.LastIndex });
            Steps += 2;
        }
    }

    private void Drain()
    {
        while (_node.HasReady)
        {
            Ready ready = _node.Ready();
            foreach (ref readonly Message message in ready.Messages.Span)
            {
                if (message.Kind == MessageKind.StorageAppend)
                {
                    _storage.Append(message.Entries.Span);
                }
                else if (message.Kind != MessageKind.StorageApply)
                {
                    continue;
                }

                foreach (ref readonly Message response in message.Responses.Span)
                {
                    _node.Step(response);
                    Steps++;
                }
            }
        }
    }

    private Message From(ulong id, MessageKind kind) => new() { Kind = kind, From = new NodeId(id), To = new NodeId(1), Term = _node.Term };
}
