using System.Collections.Immutable;
using System.Globalization;
using Converge.Core;

namespace Converge.Raft.Tests.Exhaustion;

/// <summary>
/// Tries everything that can happen in a small cluster, in every order: elections, proposals, heartbeats, writes of each disk, deliveries,
/// losses and crashes, breadth first, over the real <see cref="RaftNode"/>; in every state what Raft promises is checked. A defect that needs
/// no more than the scope gives is found for certain, and by a shortest way.
/// </summary>
/// <remarks>
/// <para>
/// Asynchronous storage, one disk a node that writes in order; a crash loses what is not written, and the node starts again at once. Pre-vote
/// and check-quorum are off, because both only forbid elections. An election timeout is an action: clocks play no part.
/// </para>
/// <para>
/// Messages may be overtaken and lost. A loss only makes room, since a message that is never delivered is as good as lost: it is only tried
/// where something else wants to send more than may be under way, and deliveries that change nothing are not tried at all. No state of the
/// nodes is missed by that. Messages of terms, candidacies and leaderships that are over for their recipients, for good, are not kept.
/// </para>
/// <para>
/// Checked in each state: one leader a term over all history; same index and term, same prefix; a leader holds all that was committed in
/// earlier terms; what is committed never changes and is durable on a majority. Checked in each step of a node: its durable term and vote,
/// its term and its commit index never go back; a leader never rewrites its log and commits by counting in its own term alone; votes and
/// acknowledgements leave only when what they promise is durable; and all that the protocol itself asserts.
/// </para>
/// </remarks>
internal sealed class StateSpace
{
    private const int NoMessage = int.MaxValue;

    private readonly ExhaustionOptions _options;
    private readonly Relabellings _relabellings;
    private readonly LogTree _logs = new();
    private readonly MessageTable _messages;
    private readonly NodeStates _nodes;
    private readonly Histories _histories;
    private readonly VisitedStates _visited = new();
    private readonly ChunkedInts _parents = new();
    private readonly ChunkedInts _actions = new();
    private readonly int _width;
    private ChunkedInts _next = new();
    private long _transitions;
    private long _elected;
    private long _committed;
    private long _truncated;
    private bool _lacksRoom;
    private Limit _limit;
    private string? _violation;

    private StateSpace(ExhaustionOptions options)
    {
        _options = options;
        _relabellings = new Relabellings(options.Nodes, options.FoldsSymmetricStates);
        _messages = new MessageTable(_relabellings);
        _nodes = new NodeStates(options, _logs, _messages, _relabellings);
        _histories = new Histories(_logs, _relabellings, options.MaxTerm);

        // The nodes, the past, what was used up, the number of the state, what is under way.
        _width = options.Nodes + 3 + options.MaxUnderWay;
    }

    private enum Limit
    {
        None = 0,
        States,
        NodeStates,
        Time,
    }

    private enum Act
    {
        Campaign,
        Propose,
        Heartbeat,
        Write,
        Crash,
        Deliver,
        Lose,
    }

    private int HistoryAt => _options.Nodes;

    private int SpentAt => _options.Nodes + 1;

    private int NumberAt => _options.Nodes + 2;

    private int UnderWayAt => _options.Nodes + 3;

    /// <summary>Tries everything.</summary>
    /// <param name="options">The scope.</param>
    /// <param name="stop">When the caller has no more time.</param>
    /// <param name="progress">Told after each level: its depth, its states, all states so far. May be null.</param>
    /// <exception cref="ArgumentException">The scope is not one.</exception>
    public static ExhaustionReport Explore(
        ExhaustionOptions options, CancellationToken stop = default, Action<int, long, long>? progress = null)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (options.Validate() is { Count: > 0 } faults)
        {
            throw new ArgumentException(string.Join(' ', faults), nameof(options));
        }

        return new StateSpace(options).Explore(stop, progress);
    }

    private ExhaustionReport Explore(CancellationToken stop, Action<int, long, long>? progress)
    {
        int[] state = new int[_width];
        Array.Fill(state, NoMessage, UnderWayAt, _options.MaxUnderWay);
        for (int i = 0; i < _options.Nodes; i++)
        {
            state[i] = _nodes.First(new NodeId((ulong)i + 1));
        }

        state[HistoryAt] = _histories.NumberOf(new History(0, LogTree.Root, 0));
        Remember(state, parent: -1, action: 0);

        var level = new ChunkedInts();
        List<long> sizes = [];
        while (_next.Count > 0 && _limit == Limit.None && _violation is null)
        {
            (level, _next) = (_next, level);
            _next.Clear();
            sizes.Add(level.Count / _width);
            progress?.Invoke(sizes.Count - 1, sizes[^1], _visited.Count);
            if (sizes.Count > _options.MaxDepth)
            {
                break;
            }

            for (long at = 0; at < level.Count && _limit == Limit.None && _violation is null; at += _width)
            {
                level.CopyTo(at, state);
                Expand(state);
                if ((at / _width & 1023) == 0 && stop.IsCancellationRequested)
                {
                    _limit = Limit.Time;
                }
            }
        }

        return Report(sizes, isDepthReached: sizes.Count > _options.MaxDepth);
    }

    private ExhaustionReport Report(List<long> sizes, bool isDepthReached)
    {
        ExhaustionOutcome outcome = (_violation, _limit) switch
        {
            (not null, _) => ExhaustionOutcome.Violated,
            (_, Limit.States) => ExhaustionOutcome.StatesReached,
            (_, Limit.NodeStates) => ExhaustionOutcome.NodeStatesReached,
            (_, Limit.Time) => ExhaustionOutcome.Stopped,
            _ => isDepthReached ? ExhaustionOutcome.DepthReached : ExhaustionOutcome.Exhausted,
        };
        return new ExhaustionReport(
            outcome,
            _visited.Count,
            _transitions,
            _nodes.Count,
            _messages.Count,
            _nodes.Steps,
            sizes.Count - 1,
            [.. sizes],
            _elected,
            _committed,
            _truncated,
            _violation,
            _violation is null ? [] : Trace(_parents.Count - 1));
    }

    private void Expand(ReadOnlySpan<int> state)
    {
        _lacksRoom = false;
        int spent = state[SpentAt];
        for (int node = 0; node < _options.Nodes; node++)
        {
            int own = state[node];
            Follow(state, node, Act.Campaign, 0, _nodes.Campaign(own), delivered: -1, spent);
            Follow(state, node, Act.Write, 0, _nodes.Write(own), delivered: -1, spent);
            if (Proposals(spent) < _options.MaxProposals)
            {
                Follow(state, node, Act.Propose, Proposals(spent), _nodes.Propose(own, Proposals(spent)), delivered: -1, spent + 1);
            }

            if (Heartbeats(spent) < _options.MaxHeartbeats)
            {
                Follow(state, node, Act.Heartbeat, 0, _nodes.Heartbeat(own), delivered: -1, spent + 8);
            }

            if (Crashes(spent) < _options.MaxCrashes)
            {
                Follow(state, node, Act.Crash, 0, _nodes.Crash(own), delivered: -1, spent + 64);
            }
        }

        for (int i = 0; i < _options.MaxUnderWay && state[UnderWayAt + i] != NoMessage; i++)
        {
            int message = state[UnderWayAt + i];
            if (i == 0 || state[UnderWayAt + i - 1] != message)
            {
                int node = (int)_messages[message].To.Value - 1;
                Follow(state, node, Act.Deliver, message, _nodes.Deliver(state[node], message), delivered: i, spent);
            }
        }

        for (int i = 0; _lacksRoom && i < _options.MaxUnderWay && state[UnderWayAt + i] != NoMessage; i++)
        {
            if (i == 0 || state[UnderWayAt + i - 1] != state[UnderWayAt + i])
            {
                Lose(state, i);
            }
        }
    }

    private static int Proposals(int spent) => spent & 7;

    private static int Heartbeats(int spent) => (spent >> 3) & 7;

    private static int Crashes(int spent) => (spent >> 6) & 7;

    private void Follow(ReadOnlySpan<int> state, int node, Act act, int argument, NodeTransition transition, int delivered, int spent)
    {
        if (_violation is not null || _limit != Limit.None || ReferenceEquals(transition, NodeTransition.Impossible))
        {
            return;
        }

        int action = Encode(act, node, argument);
        if (transition.Violation is not null)
        {
            Violate(transition.Violation, state, action);
            return;
        }

        if (transition.Next == state[node] && transition.Sent.Length == 0 && spent == state[SpentAt])
        {
            return;
        }

        Span<int> next = stackalloc int[_width];
        state.CopyTo(next);
        next[node] = transition.Next;
        next[SpentAt] = spent;
        if (!TrySend(next, delivered, transition.Sent))
        {
            _lacksRoom = true;
            return;
        }

        _transitions++;
        if (Check(state, next, node) is { } violation)
        {
            Violate(violation, state, action);
            return;
        }

        Remember(next, state[NumberAt], action);
    }

    private void Lose(ReadOnlySpan<int> state, int at)
    {
        if (_violation is null && _limit == Limit.None)
        {
            Span<int> next = stackalloc int[_width];
            state.CopyTo(next);
            int message = state[UnderWayAt + at];
            TrySend(next, at, []);
            _transitions++;
            Remember(next, state[NumberAt], Encode(Act.Lose, (int)_messages[message].To.Value - 1, message));
        }
    }

    /// <summary>Takes a message out and puts others in, in ascending order; false when there is no room.</summary>
    private bool TrySend(Span<int> state, int delivered, ReadOnlySpan<int> sent)
    {
        Span<int> underWay = state[UnderWayAt..];
        int kept = 0;
        for (int i = 0; i < underWay.Length && underWay[i] != NoMessage; i++)
        {
            if (i != delivered && !IsDead(state, underWay[i]))
            {
                underWay[kept++] = underWay[i];
            }
        }

        underWay[kept..].Fill(NoMessage);
        foreach (int message in sent)
        {
            if (IsDead(state, message))
            {
                continue;
            }

            if (underWay[^1] != NoMessage)
            {
                return false;
            }

            int at = underWay.Length - 1;
            while (at > 0 && underWay[at - 1] > message)
            {
                underWay[at] = underWay[at - 1];
                at--;
            }

            underWay[at] = message;
        }

        return true;
    }

    /// <summary>
    /// A message that will never change anything: of an earlier term than the one that its recipient can never go back behind, or the answer to
    /// a candidate or leader that is none any more in that term, and cannot become one again.
    /// </summary>
    private bool IsDead(ReadOnlySpan<int> state, int message)
    {
        int recipient = state[_messages.RecipientOf(message)];
        NodeState node = _nodes[recipient];
        Term term = _messages.TermOf(message);
        bool isOver = term < node.DurableTerm || (term == node.DurableTerm && _messages.KindOf(message) switch
        {
            MessageKind.VoteResp => node.Role != RaftRole.Candidate,
            MessageKind.AppendResp or MessageKind.HeartbeatResp => node.Role == RaftRole.Follower,
            _ => false,
        });
        if (!isOver)
        {
            return false;
        }

        NodeTransition transition = _nodes.Deliver(recipient, message);
        Invariant.Check(
            transition.Next == recipient && transition.Sent.Length == 0,
            $"{_messages[message]} is over for its recipient and changes it all the same.");
        return true;
    }

    private void Remember(Span<int> state, int parent, int action)
    {
        if (!_visited.Add(Fingerprint(state)))
        {
            return;
        }

        state[NumberAt] = (int)_parents.Count;
        _parents.Add(parent);
        _actions.Add(action);
        _next.Add(state);
        if (_visited.Count >= _options.MaxStates)
        {
            _limit = Limit.States;
        }
        else if (_nodes.Count >= _options.MaxNodeStates)
        {
            _limit = Limit.NodeStates;
        }
    }

    /// <summary>The least of the fingerprints under all relabellings: states that differ in names alone have the same.</summary>
    private ulong Fingerprint(ReadOnlySpan<int> state)
    {
        ulong least = ulong.MaxValue;
        for (int relabelling = 0; relabelling < _relabellings.Count; relabelling++)
        {
            // Sums, since neither nodes nor messages have an order; each term is mixed before.
            ulong sum = _histories.PrintsOf(state[HistoryAt])[relabelling] + ((ulong)state[SpentAt] * 0x9E3779B97F4A7C15);
            for (int node = 0; node < _options.Nodes; node++)
            {
                sum += _nodes[state[node]].Prints[relabelling];
            }

            ulong messages = 0;
            for (int i = UnderWayAt; i < state.Length && state[i] != NoMessage; i++)
            {
                messages += _messages.PrintsOf(state[i])[relabelling];
            }

            least = Math.Min(least, Mix(sum + (Mix(messages) * 3)));
        }

        return least;
    }

    private static ulong Mix(ulong value)
    {
        value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9;
        value = (value ^ (value >> 27)) * 0x94D049BB133111EB;
        return value ^ (value >> 31);
    }

    /// <summary>What must hold in a state to which a change of one node has led; takes note of what the past must not be forgotten for.</summary>
    private string? Check(ReadOnlySpan<int> before, Span<int> after, int changed)
    {
        NodeState old = _nodes[before[changed]];
        NodeState node = _nodes[after[changed]];
        History history = _histories[after[HistoryAt]];
        History past = history;
        if (node.Role == RaftRole.Leader && !(old.Role == RaftRole.Leader && old.Term == node.Term))
        {
            _elected++;
            NodeId known = history.LeaderOf(node.Term);
            if (!known.IsNone && known != node.Node)
            {
                return $"Election safety: {known} and {node.Node} lead term {node.Term}.";
            }

            history = history.WithLeader(node.Term, node.Node);
            if (FindMissing(history, node) is { } missing)
            {
                return missing;
            }
        }

        if (node.Log != old.Log)
        {
            if (!_logs.IsPrefix(old.Log, node.Log))
            {
                _truncated++;
            }

            for (int other = 0; other < _options.Nodes; other++)
            {
                if (!_logs.Match(node.Log, _nodes[after[other]].Log))
                {
                    return $"Log matching: {node.Node} and {_nodes[after[other]].Node} hold entries of the same index and term behind different prefixes.";
                }
            }
        }

        int committed = _logs.Prefix(node.Log, node.Committed);
        if (_logs.Length(committed) > _logs.Length(history.Committed))
        {
            if (!_logs.IsPrefix(history.Committed, committed))
            {
                return $"State machine safety: {node.Node} commits something else than was committed before.";
            }

            _committed++;
            history = history.WithCommitted(_logs, committed, node.Term);
            for (int other = 0; other < _options.Nodes; other++)
            {
                if (_nodes[after[other]].Role == RaftRole.Leader && FindMissing(history, _nodes[after[other]]) is { } missing)
                {
                    return missing;
                }
            }
        }
        else if (!_logs.IsPrefix(committed, history.Committed))
        {
            return $"State machine safety: {node.Node} commits something else than was committed before.";
        }

        if (history != past)
        {
            after[HistoryAt] = _histories.NumberOf(history);
        }

        return (history.Committed != past.Committed || node.DurableLog != old.DurableLog) && !IsDurableOnMajority(history.Committed, after)
            ? $"Durability: what is committed up to {_logs.Length(history.Committed) + 1} is not on the disks of a majority."
            : null;
    }

    /// <summary>A leader must hold everything that was committed in earlier terms (Raft paper, section 5.4.3).</summary>
    private string? FindMissing(in History history, NodeState leader)
    {
        int length = _logs.Length(history.Committed);
        while (length > 0 && history.TermOfCommit(length - 1) >= leader.Term)
        {
            length--;
        }

        return _logs.IsPrefix(_logs.Prefix(history.Committed, length), leader.Log)
            ? null
            : $"Leader completeness: {leader.Node} leads term {leader.Term} without an entry that was committed before.";
    }

    private bool IsDurableOnMajority(int committed, ReadOnlySpan<int> state)
    {
        int holding = 0;
        for (int node = 0; node < _options.Nodes; node++)
        {
            holding += _logs.IsPrefix(committed, _nodes[state[node]].DurableLog) ? 1 : 0;
        }

        return holding >= MajorityQuorum.Size(_options.Nodes);
    }

    private void Violate(string violation, ReadOnlySpan<int> state, int action)
    {
        _violation = violation;
        _parents.Add(state[NumberAt]);
        _actions.Add(action);
    }

    private static int Encode(Act act, int node, int argument) => (argument << 6) | (node << 3) | (int)act;

    private ImmutableArray<string> Trace(long last)
    {
        List<string> lines = [];
        for (long at = last; at > 0; at = _parents[at])
        {
            int action = _actions[at];
            int argument = action >> 6;
            int node = ((action >> 3) & 7) + 1;
            lines.Add((Act)(action & 7) switch
            {
                Act.Campaign => string.Create(CultureInfo.InvariantCulture, $"{node} campaigns"),
                Act.Propose => string.Create(CultureInfo.InvariantCulture, $"{node} is asked to append entry {argument}"),
                Act.Heartbeat => string.Create(CultureInfo.InvariantCulture, $"{node} sends heartbeats"),
                Act.Write => string.Create(CultureInfo.InvariantCulture, $"{node} writes its oldest work"),
                Act.Crash => string.Create(CultureInfo.InvariantCulture, $"{node} crashes and starts again"),
                Act.Deliver => string.Create(CultureInfo.InvariantCulture, $"{node} receives {_messages[argument]}"),
                Act.Lose or _ => $"lost: {_messages[argument]}",
            });
        }

        lines.Reverse();
        return [.. lines];
    }
}
