using Converge.Core;
using Converge.Raft;
using Converge.Swarm.Governance;
using Converge.Swarm.Ledger;

namespace Converge.Swarm.Engine;

/// <summary>
/// A whole cluster in one process, for learning and for unit tests: the protocol of <see cref="RaftNode"/> and the rules of
/// <see cref="GovernanceState"/> as they are in a real swarm, but the caller plays the network. Nothing is replicated before
/// <see cref="AcknowledgeReplication"/> says so, and nothing ever happens by itself.
/// </summary>
/// <remarks>
/// <para>Every method saves to the store once, at its end: all nodes live in this process and die with it, so that a call has happened
/// for all of them or for none. After a failed save the engine refuses to go on; one made anew takes up from what was saved.</para>
/// <para>Not safe for concurrent use. Bounded: a log has at most <see cref="MaxEntries"/>.</para>
/// </remarks>
public sealed class InMemoryRaftGovernanceEngine
{
    /// <summary>No log has more entries, those that begin a leader's term included.</summary>
    public const int MaxEntries = 10_000;

    private const int EntriesOfElection = 2;

    private readonly IRaftStore? _store;
    private readonly TimeProvider _time;
    private readonly GovernanceState _state = new();
    private readonly RecordChain _chain = new();
    private readonly List<LedgerRecord> _records = [];
    private readonly Dictionary<LogIndex, CommitAnswer> _answers = [];
    private readonly SortedList<NodeId, EngineMember> _members = [];
    private readonly Queue<Message> _arriving = [];
    private Exception? _failure;

    /// <summary>A cluster as its store remembers it; without a leader.</summary>
    /// <param name="cluster">Who takes part.</param>
    /// <param name="store">Where it is kept; null for not at all.</param>
    /// <param name="time">Where the leader's time comes from; null for the system's clock.</param>
    /// <exception cref="RaftStoreDamagedException">The store's content is not what was saved.</exception>
    /// <exception cref="WrongRaftStoreException">The store holds the nodes of another cluster.</exception>
    /// <exception cref="IOException">The store cannot be read.</exception>
    public InMemoryRaftGovernanceEngine(RaftGovernanceCluster cluster, IRaftStore? store = null, TimeProvider? time = null)
    {
        ArgumentNullException.ThrowIfNull(cluster);
        Cluster = cluster;
        _store = store;
        _time = time ?? TimeProvider.System;
        RaftStoreContent? stored = store?.Load();
        if (stored is not null && !stored.Nodes.Select(node => node.Node).Order().SequenceEqual(cluster.Members))
        {
            throw new WrongRaftStoreException(stored.Nodes.Select(node => node.Node), cluster.Members);
        }

        foreach (NodeId member in cluster.Members)
        {
            _members.Add(member, new EngineMember(member, cluster, stored?.Nodes.Single(node => node.Node == member)));
        }

        ClusterState = new ClusterState(this, stored?.Clock ?? 0);
        foreach (EngineMember member in Members)
        {
            Work(member);
        }
    }

    /// <summary>Who takes part.</summary>
    public RaftGovernanceCluster Cluster { get; }

    /// <summary>How the cluster stands.</summary>
    public ClusterState ClusterState { get; }

    /// <summary>The ledger that the committed entries make, in order.</summary>
    public IReadOnlyList<LedgerRecord> Records => _records;

    /// <summary>The end of that ledger.</summary>
    public LedgerHead Head => _chain.Head;

    internal IEnumerable<EngineMember> Members => _members.Values;

    internal EngineMember? Leader => Members.Where(member => member.Raft.Role == RaftRole.Leader).MaxBy(member => member.Raft.Term);

    /// <summary>
    /// Lets a node ask all others for their votes, and lets them answer. A leader's term begins with two entries of its own, one empty and
    /// one that records its authority; they are replicated like all others.
    /// </summary>
    /// <returns>The term in which it leads. Nothing changes when it leads already.</returns>
    /// <exception cref="ElectionLostException">The node lacks entries that a majority has.</exception>
    /// <exception cref="SwarmUnavailableException">There is no room for a leader's entries (<see cref="MaxEntries"/>). Nothing was changed.</exception>
    /// <exception cref="ArgumentException">It is no member.</exception>
    /// <exception cref="IOException">The store failed; the engine must be made anew.</exception>
    public Term ElectLeader(NodeId node)
    {
        EngineMember candidate = Find(node);
        if (Leader == candidate)
        {
            CheckSound();
            return candidate.Raft.Term;
        }

        CheckRoom(candidate, EntriesOfElection);
        Change(() =>
        {
            candidate.Raft.Campaign();
            Work(candidate);
            if (candidate.Raft.Role == RaftRole.Leader)
            {
                foreach (EngineMember member in Members)
                {
                    member.LoseBefore(candidate.Raft.Term);
                }

                CommandStamp stamp = NextStamp(candidate, claimedCounter: 0);
                Propose(candidate, CommandCodec.EncodeAuthority(candidate.Id, stamp));
            }
        });
        return candidate.Raft.Role == RaftRole.Leader
            ? candidate.Raft.Term
            : throw new ElectionLostException(node, candidate.LastIndex, Members.Max(member => member.LastIndex));
    }

    /// <summary>Puts a fact into the leader's log. It is committed once a majority has acknowledged it, the leader's own log included.</summary>
    /// <exception cref="ArgumentException">The fact has a fault (<see cref="SubmissionRules"/>). Nothing was changed.</exception>
    /// <exception cref="SwarmUnavailableException">There is no leader, or no room (<see cref="MaxEntries"/>). Nothing was changed.</exception>
    /// <exception cref="IOException">The store failed; the engine must be made anew.</exception>
    public GovernanceLogEntry AppendGovernanceEvent(GovernanceFact fact) => AppendGovernanceEvent(new FactSubmission(fact));

    /// <summary>As above, with what a client says about the fact.</summary>
    /// <exception cref="ArgumentException">The submission has a fault (<see cref="SubmissionRules"/>). Nothing was changed.</exception>
    /// <exception cref="SwarmUnavailableException">There is no leader, or no room (<see cref="MaxEntries"/>). Nothing was changed.</exception>
    /// <exception cref="IOException">The store failed; the engine must be made anew.</exception>
    public GovernanceLogEntry AppendGovernanceEvent(FactSubmission submission)
    {
        ArgumentNullException.ThrowIfNull(submission);
        if (SubmissionRules.Check(submission) is { } fault)
        {
            throw new ArgumentException(fault.Message, nameof(submission));
        }

        EngineMember leader = RequireLeader();
        CheckRoom(leader, 1);
        CommandStamp stamp = NextStamp(leader, submission.Lamport?.Counter ?? 0);
        Change(() => Propose(leader, CommandCodec.EncodeFact(submission, stamp)));
        return new GovernanceLogEntry(leader.LastIndex, leader.Raft.Term, submission, stamp.TimeUnixMilliseconds, stamp.Lamport);
    }

    /// <summary>
    /// Lets the leader's entries up to an index arrive at a node and be acknowledged by it: everything before it that the node lacks, and
    /// nothing behind it. What differs in the node's log from the leader's is replaced. Nothing changes when the node has them already.
    /// </summary>
    /// <exception cref="ArgumentException">The node is no member.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The leader has no such entry.</exception>
    /// <exception cref="SwarmUnavailableException">There is no leader.</exception>
    /// <exception cref="IOException">The store failed; the engine must be made anew.</exception>
    public void AcknowledgeReplication(NodeId node, LogIndex index)
    {
        EngineMember follower = Find(node);
        EngineMember leader = RequireLeader();
        ArgumentOutOfRangeException.ThrowIfEqual(index.Value, 0UL, nameof(index));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(index, leader.LastIndex);
        if (leader.AcknowledgedBy(node) >= index)
        {
            CheckSound();
            return;
        }

        Change(() =>
        {
            while (leader.AcknowledgedBy(node) < index)
            {
                if (!follower.TryArrive(index))
                {
                    throw new InvariantViolationException($"Nothing is on its way to node {node}, which lacks entry {index} of leader {leader.Id}.");
                }

                Work(follower);
            }
        });
    }

    /// <summary>What became of the fact at a place of the log: accepted, or refused with a reason. Null while it is not committed, and for other entries.</summary>
    public CommitAnswer? GetAnswer(LogIndex index) => _answers.GetValueOrDefault(index);

    /// <summary>The proposal as recorded up to the commit index; null when it was never created.</summary>
    public ProposalView? GetProposal(string proposalId) => _state.Get(proposalId);

    /// <summary>Does something and saves what came of it; whatever fails on the way ends the engine.</summary>
    internal void Change(Action change)
    {
        CheckSound();
        try
        {
            change();
            _store?.Save(new RaftStoreContent(ClusterState.Counter, [.. Members.Select(member => member.Stored)]));
        }
        catch (Exception fault)
        {
            _failure = fault;
            throw;
        }
    }

    private void CheckSound()
    {
        if (_failure is not null)
        {
            throw new InvalidOperationException($"The engine failed before and must be made anew: {_failure.Message}", _failure);
        }
    }

    private EngineMember Find(NodeId node) => _members.TryGetValue(node, out EngineMember? member)
        ? member
        : throw new ArgumentException($"Node {node} is not a member of {string.Join(", ", Cluster.Members)}.", nameof(node));

    private EngineMember RequireLeader() =>
        Leader ?? throw new SwarmUnavailableException(NotCommittedReason.NoLeader, "No leader was elected.");

    private static void CheckRoom(EngineMember leader, int entries)
    {
        if (leader.LastIndex.Value + (ulong)entries > MaxEntries)
        {
            throw new SwarmUnavailableException(NotCommittedReason.NoSpace, $"A log has at most {MaxEntries} entries, and there are {leader.LastIndex}.");
        }
    }

    private CommandStamp NextStamp(EngineMember leader, ulong claimedCounter) =>
        Stamper.Next(LastStamp(leader), _time.GetUtcNow().ToUnixTimeMilliseconds(), leader.Id, claimedCounter, ClusterState.Counter);

    private static CommandStamp LastStamp(EngineMember leader)
    {
        for (LogIndex index = leader.LastIndex; index > LogIndex.Zero; index = index.Previous)
        {
            if (leader.EntryAt(index).Data is { IsEmpty: false } data)
            {
                return CommandCodec.ReadStamp(data.Span);
            }
        }

        return CommandStamp.None;
    }

    private void Propose(EngineMember leader, byte[] command)
    {
        ProposeResult result = leader.Raft.Propose(command);
        if (result != ProposeResult.Accepted)
        {
            throw new InvariantViolationException($"Leader {leader.Id} did not take an entry behind {leader.LastIndex}: {result}.");
        }

        ClusterState.Observe(CommandCodec.ReadStamp(command).Lamport.Counter);
        Work(leader);
    }

    /// <summary>Lets a node do what it wants, then all those to whom that matters at once.</summary>
    private void Work(EngineMember member)
    {
        member.Work(Send, Apply);
        while (_arriving.TryDequeue(out Message message))
        {
            EngineMember to = _members[message.To];
            to.Raft.Step(message);
            to.Work(Send, Apply);
        }
    }

    /// <summary>Votes and answers arrive at once; what a leader sends its followers waits for the caller.</summary>
    private void Send(Message message)
    {
        if (!_members.TryGetValue(message.To, out EngineMember? to))
        {
            return;
        }

        switch (message.Kind)
        {
            case MessageKind.Append or MessageKind.Heartbeat:
                to.Hold(message);
                break;
            default:
                _arriving.Enqueue(message);
                break;
        }
    }

    private void Apply(Entry entry)
    {
        if (entry.Index <= _state.AppliedIndex)
        {
            // Another node told first; all of them apply the same.
            return;
        }

        ApplyOutcome outcome = _state.Apply(entry.Index, entry.Term, entry.Data);
        if (outcome.Record is not null)
        {
            _chain.Extend(_state.Record);
            _records.Add(LedgerRecordCodec.Decode(_state.Record));
        }

        if (outcome.ToAnswer() is { } answer)
        {
            _answers.Add(entry.Index, answer);
        }
    }
}
