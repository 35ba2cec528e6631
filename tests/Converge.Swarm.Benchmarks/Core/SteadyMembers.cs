using Converge.Core;
using Converge.Raft;

namespace Converge.Swarm.Benchmarks;

/// <summary>A leader of three and one of its followers, each with a prompt disk of its own, as the protocol core sees them in the steady state.</summary>
internal sealed class SteadyMembers
{
    private static readonly NodeId Self = new(1);
    private static readonly NodeId Other = new(2);
    private static readonly NodeId Third = new(3);

    private readonly InMemoryRaftStorage _storage = InMemoryRaftStorage.Bootstrap(ConfigurationState.OfVoters(Self, Other, Third));
    private readonly byte[] _data = new byte[256];
    private readonly bool _leads;
    private LogIndex _sent;
    private Term _sentTerm;
    private int _rounds;

    private SteadyMembers(bool leads)
    {
        _leads = leads;
        Node = new RaftNode(new RaftOptions { Id = Self, Random = new First(), AsyncStorageWrites = true, PreVote = false }, _storage);
        if (leads)
        {
            Node.Campaign();
            Drain();
            Node.Step(From(Other, MessageKind.VoteResp));
            Drain();
            Acknowledge();
            Drain();
        }
        else
        {
            _storage.Term(Node.LastIndex, out _sentTerm);
            Node.Step(new Message { Kind = MessageKind.Append, From = Other, To = Self, Term = _sentTerm.Next, Index = Node.LastIndex, LogTerm = _sentTerm });
            Drain();
        }

        _sent = Node.LastIndex;
    }

    public RaftNode Node { get; }

    public static SteadyMembers Leader() => new(leads: true);

    public static SteadyMembers Follower() => new(leads: false);

    /// <summary>Both followers confirm what the leader sent, and answer its heartbeat.</summary>
    public void Acknowledge()
    {
        Node.Step(From(Other, MessageKind.HeartbeatResp));
        Node.Step(From(Other, MessageKind.AppendResp) with { Index = Node.LastIndex });
        Node.Step(From(Third, MessageKind.HeartbeatResp));
        Node.Step(From(Third, MessageKind.AppendResp) with { Index = Node.LastIndex });
    }

    /// <summary>One entry from its proposal to its application, all output included.</summary>
    public void CommitOne()
    {
        Node.Propose(_data);
        Drain();
        Acknowledge();
        Drain();
        CompactNowAndThen();
    }

    /// <summary>One entry from the leader, written, confirmed and, with the next, committed.</summary>
    public void FollowOne(Entry[] entry)
    {
        entry[0] = new Entry(Node.Term, _sent.Next, EntryKind.Normal, _data);
        Node.Step(new Message { Kind = MessageKind.Append, From = Other, To = Self, Term = Node.Term, Index = _sent, LogTerm = _sentTerm, Commit = _sent, Entries = entry });
        (_sent, _sentTerm) = (_sent.Next, Node.Term);
        Drain();
        CompactNowAndThen();
    }

    private void CompactNowAndThen()
    {
        if (++_rounds % 1000 == 0)
        {
            _storage.Compact(Node.AppliedIndex);
        }
    }

    private void Drain()
    {
        while (Node.HasReady)
        {
            Ready ready = Node.Ready();
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
                    if (response.To == Self)
                    {
                        Node.Step(response);
                    }
                }
            }
        }
    }

    private Message From(NodeId id, MessageKind kind) => new() { Kind = kind, From = id, To = Self, Term = _leads ? Node.Term : Term.Zero };

    private sealed class First : IRandomSource
    {
        public int Next(int exclusiveMax) => 0;
    }
}
