using Converge.Core;
using Converge.Raft;

namespace Converge.Swarm.Engine;

/// <summary>One node of an in-memory cluster: the protocol, its log, and the messages on their way to it.</summary>
internal sealed class EngineMember
{
    private readonly InMemoryRaftStorage _storage = new();
    private readonly LinkedList<Message> _onTheWay = new();

    public EngineMember(NodeId id, RaftGovernanceCluster cluster, StoredNode? stored)
    {
        Id = id;
        _storage.SetConfiguration(ConfigurationState.OfVoters([.. cluster.Members]));
        if (stored is not null)
        {
            _storage.Append([.. stored.Log]);
            _storage.SetHardState(stored.State);
        }

        Raft = new RaftNode(
            new RaftOptions
            {
                Id = id,
                Random = FirstOfAll.Instance,

                // Without a clock nobody is ever overdue.
                CheckQuorum = false,
                PreVote = true,
                DisableProposalForwarding = true,
            },
            _storage);
    }

    public NodeId Id { get; }

    public RaftNode Raft { get; }

    public LogIndex LastIndex => _storage.LastIndex;

    /// <summary>What the node must not forget.</summary>
    public StoredNode Stored => new(Id, _storage.HardState, Entries());

    /// <summary>Carries out what the protocol wants, until it wants nothing more.</summary>
    /// <param name="send">Takes its messages.</param>
    /// <param name="apply">Takes its committed entries, in order.</param>
    public void Work(Action<Message> send, Action<Entry> apply)
    {
        while (Raft.HasReady)
        {
            Ready ready = Raft.Ready();
            _storage.Append(ready.Entries.Span);
            if (ready.HardState is { } hardState)
            {
                _storage.SetHardState(hardState);
            }

            foreach (ref readonly Message message in ready.Messages.Span)
            {
                send(message);
            }

            foreach (ref readonly Entry entry in ready.CommittedEntries.Span)
            {
                apply(entry);
            }

            Raft.Advance();
        }
    }

    /// <summary>Keeps a message of the leader until the caller lets it arrive.</summary>
    public void Hold(Message message)
    {
        if (message.Entries.IsEmpty && _onTheWay.Last is { Value.Entries.IsEmpty: true } last)
        {
            // Both only tell how far the leader has committed; the later one says it all.
            last.Value = message;
        }
        else
        {
            _onTheWay.AddLast(message);
        }
    }

    /// <summary>Loses what leaders of earlier terms had sent.</summary>
    public void LoseBefore(Term term)
    {
        for (LinkedListNode<Message>? node = _onTheWay.First, next; node is not null; node = next)
        {
            next = node.Next;
            if (node.Value.Term < term)
            {
                _onTheWay.Remove(node);
            }
        }
    }

    /// <summary>Lets the next message arrive, without the entries behind <paramref name="last"/>: those stay on the way.</summary>
    /// <returns>False when there is none.</returns>
    public bool TryArrive(LogIndex last)
    {
        if (_onTheWay.First is not { } first)
        {
            return false;
        }

        _onTheWay.RemoveFirst();
        Message message = first.Value;
        ReadOnlySpan<Entry> entries = message.Entries.Span;
        bool fits = _storage.Term(message.Index, out Term term) == LogReadStatus.Ok && term == message.LogTerm;
        if (!fits || entries.IsEmpty || entries[^1].Index <= last)
        {
            // One that does not fit is refused as a whole, and the leader sends from further back.
            Raft.Step(message);
            return true;
        }

        int arriving = last < entries[0].Index ? 0 : (int)(last.Value - entries[0].Index.Value) + 1;
        Raft.Step(message with { Entries = message.Entries[..arriving] });
        _onTheWay.AddFirst(arriving == 0
            ? message
            : message with { Index = last, LogTerm = entries[arriving - 1].Term, Entries = message.Entries[arriving..] });
        return true;
    }

    /// <summary>On a leader: up to which entry it knows a member to have its log.</summary>
    public LogIndex AcknowledgedBy(NodeId member)
    {
        foreach (FollowerProgress progress in Raft.Status().Progress)
        {
            if (progress.Id == member)
            {
                return progress.Match;
            }
        }

        return LogIndex.Zero;
    }

    /// <summary>The entry at a place of the log.</summary>
    public Entry EntryAt(LogIndex index) =>
        _storage.Entries(index, index.Next, long.MaxValue, out ReadOnlyMemory<Entry> entries) == LogReadStatus.Ok
            ? entries.Span[0]
            : throw new InvalidOperationException($"The log of node {Id} has no entry {index}.");

    private Entry[] Entries() =>
        LastIndex < _storage.FirstIndex || _storage.Entries(_storage.FirstIndex, LastIndex.Next, long.MaxValue, out ReadOnlyMemory<Entry> entries) != LogReadStatus.Ok
            ? []
            : entries.ToArray();

    /// <summary>Election timeouts are never waited for.</summary>
    private sealed class FirstOfAll : IRandomSource
    {
        public static readonly FirstOfAll Instance = new();

        public int Next(int exclusiveMax) => 0;
    }
}
