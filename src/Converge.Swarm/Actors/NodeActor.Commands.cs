using System.Runtime.InteropServices;
using Converge.Core;
using Converge.Raft;
using Converge.Swarm.Governance;
using Converge.Swarm.Storage;

namespace Converge.Swarm.Actors;

/// <summary>What clients submit: stamped and proposed on the leader, handed on to it elsewhere.</summary>
public sealed partial class NodeActor
{
    private readonly List<NodeMessage.Submit> _submitted = [];
    private readonly List<(NodeId From, ForwardedCommands Commands)> _submittedByPeers = [];
    private readonly List<ReadOnlyMemory<byte>> _proposed = [];
    private readonly EntryMemory _entryMemory = new();
    private readonly List<(int Count, Action<IReadOnlyList<CommitAnswer>> Complete)> _proposers = [];
    private int _gatheredCommands;
    private readonly PendingCommands _pending = new();
    private readonly Dictionary<ulong, Forward> _forwards = [];
    private readonly Dictionary<NodeId, ulong> _lastForwarded = [];
    private CommandStamp _stamp;
    private uint _forwardNumber;
    private int _forwardedCommands;
    private Term _authorityTerm;

    /// <summary>More commands than this are not handed on in one message: an answer may be larger than its command.</summary>
    private const int MaxForwardedCommands = 256;

    /// <summary>Commands handed on to a leader in one message, until it answers: a stretch of a client's request.</summary>
    private sealed record Forward(NodeId Leader, PendingRequest Request, int FirstSlot, int Count)
    {
        public void Answer(IReadOnlyList<CommitAnswer> answers)
        {
            for (int i = 0; i < Count; i++)
            {
                Request.Answer(FirstSlot + i, answers[i]);
            }
        }
    }

    /// <summary>
    /// A leader proposes nothing more while so many of its writes are not confirmed: one that the disk works on, and one that it finds
    /// when it has done that. What comes meanwhile gathers here and becomes one batch: one flush, and one message to each follower. A
    /// command that finds the disk at rest never waits.
    /// </summary>
    private const int MaxUnconfirmedAppends = 2;

    /// <summary>Takes a client's commands in, until the turn. What gathers is bounded together with what waits for its outcome.</summary>
    private void Gather(NodeMessage.Submit submit)
    {
        if (IsFull(submit.Commands.Count))
        {
            submit.Reply.Send(Same(submit.Commands.Count, NotCommittedReason.Busy, "Too many commands are waiting on this node."));
            return;
        }

        _submitted.Add(submit);
        _gatheredCommands += submit.Commands.Count;
    }

    private void Gather(NodeId from, ForwardedCommands forwarded)
    {
        if (IsRepeated(from, forwarded.Request))
        {
            return;
        }

        if (IsFull(forwarded.Commands.Count))
        {
            _port.ToPeer(from, new ForwardedAnswers(
                forwarded.Request, Same(forwarded.Commands.Count, NotCommittedReason.Busy, "Too many commands are waiting on the leader.")));
            return;
        }

        _submittedByPeers.Add((from, forwarded));
        _gatheredCommands += forwarded.Commands.Count;
    }

    private bool IsFull(int more) => _pending.Count + _forwardedCommands + _gatheredCommands + more > _options.MaxPendingCommands;

    private void ProposeGathered()
    {
        BeginAuthority();
        if (IsLeader && HasRoom && _draining is null && _unconfirmed.Count >= MaxUnconfirmedAppends)
        {
            return;
        }

        _gatheredCommands = 0;
        foreach (NodeMessage.Submit submit in _submitted)
        {
            Submit(submit);
        }

        _submitted.Clear();
        foreach ((NodeId from, ForwardedCommands commands) in _submittedByPeers)
        {
            SubmitForwarded(from, commands);
        }

        _submittedByPeers.Clear();
        ProposeTogether();
    }

    /// <summary>
    /// The first command of a term says whose it is. It comes before any client's, so that every fact in the ledger stands behind the
    /// authority under which it became fact.
    /// </summary>
    private void BeginAuthority()
    {
        if (IsLeader && _authorityTerm != _raft.Term)
        {
            _stamp = Stamper.Next(LastStampInLog(), _now.UnixMilliseconds, _options.Self);
            if (_raft.Propose(CommandCodec.EncodeAuthority(_options.Self, _stamp)) == ProposeResult.Accepted)
            {
                _authorityTerm = _raft.Term;
            }
        }
    }

    private void Submit(NodeMessage.Submit submit)
    {
        if (submit.Commands.Count == 0)
        {
            submit.Reply.Send([]);
        }
        else if (_draining is not null)
        {
            submit.Reply.Send(Same(submit.Commands.Count, NotCommittedReason.Stopping, "The node is shutting down."));
        }
        else if (_removal is { } removal)
        {
            submit.Reply.Send(Same(submit.Commands.Count, NotCommittedReason.NoLeader, WasRemoved(removal)));
        }
        else if (!HasRoom)
        {
            submit.Reply.Send(Same(submit.Commands.Count, NotCommittedReason.NoSpace, "The node's disk has no room."));
        }
        else if (IsLeader)
        {
            Propose(submit.Commands, submit.Reply.Send);
        }
        else if (_raft.Leader.IsNone)
        {
            submit.Reply.Send(Same(submit.Commands.Count, NotCommittedReason.NoLeader, "No leader is known at the moment."));
        }
        else if (!_port.IsConnected(_raft.Leader))
        {
            submit.Reply.Send(Same(submit.Commands.Count, NotCommittedReason.NoLeader, "The leader cannot be reached at the moment."));
        }
        else
        {
            HandOn(submit);
        }
    }

    /// <summary>Hands commands on to the leader, in messages of bounded size.</summary>
    private void HandOn(NodeMessage.Submit submit)
    {
        var whole = new PendingRequest(submit.Commands.Count, _tick + _options.RequestTimeoutTicks, submit.Reply.Send);
        for (int first = 0; first < submit.Commands.Count;)
        {
            int count = CountInOneMessage(submit.Commands, first);
            ulong request = ((ulong)_options.Life << 32) | ++_forwardNumber;
            _forwards.Add(request, new Forward(_raft.Leader, whole, first, count));
            _forwardedCommands += count;
            _port.ToPeer(_raft.Leader, new ForwardedCommands(request, [.. submit.Commands.Skip(first).Take(count)]));
            first += count;
        }
    }

    private int CountInOneMessage(IReadOnlyList<UnstampedCommand> commands, int first)
    {
        long bytes = 0;
        int count = 0;
        while (first + count < commands.Count && count < MaxForwardedCommands)
        {
            bytes += commands[first + count].Body.Length;
            if (count > 0 && bytes > _options.MaxMessageBytes)
            {
                break;
            }

            count++;
        }

        return count;
    }

    private void SubmitForwarded(NodeId from, ForwardedCommands forwarded)
    {
        void Answer(IReadOnlyList<CommitAnswer> answers) => _port.ToPeer(from, new ForwardedAnswers(forwarded.Request, answers));

        if (!IsLeader || _draining is not null)
        {
            Answer(Same(forwarded.Commands.Count, NotCommittedReason.NoLeader, $"Node {_options.Self} does not lead (any more)."));
        }
        else if (!HasRoom)
        {
            Answer(Same(forwarded.Commands.Count, NotCommittedReason.NoSpace, "The leader's disk has no room."));
        }
        else
        {
            Propose(forwarded.Commands, Answer);
        }
    }

    /// <summary>
    /// A node numbers what it hands on; a number that does not grow within one life of it came a second time, or too late to be told
    /// from that. It is dropped, and the client learns that its outcome is unknown.
    /// </summary>
    private bool IsRepeated(NodeId from, ulong request)
    {
        bool repeated = _lastForwarded.TryGetValue(from, out ulong last) && last >> 32 == request >> 32 && request <= last;
        if (!repeated)
        {
            _lastForwarded[from] = request;
        }

        return repeated;
    }

    /// <summary>Stamps commands, in their order, for the proposal that the turn ends with.</summary>
    private void Propose(IReadOnlyList<UnstampedCommand> commands, Action<IReadOnlyList<CommitAnswer>> complete)
    {
        for (int i = 0; i < commands.Count; i++)
        {
            _stamp = Stamper.Next(_stamp, _now.UnixMilliseconds, _options.Self, commands[i].LamportClaim);
            ReadOnlySpan<byte> command = commands[i].Body.Span;
            Memory<byte> entry = _entryMemory.Take(command.Length);
            CommandCodec.WriteWithStamp(command, _stamp, entry.Span);
            _proposed.Add(entry);
        }

        _proposers.Add((commands.Count, complete));
    }

    /// <summary>Proposes what the turn gathered, all of it at once; when that is too much, what fits, request by request.</summary>
    private void ProposeTogether()
    {
        if (_proposers.Count == 0)
        {
            return;
        }

        ReadOnlySpan<ReadOnlyMemory<byte>> entries = CollectionsMarshal.AsSpan(_proposed);
        LogIndex before = _raft.LastIndex;
        bool together = _proposers.Count > 1 && TryPropose(entries) == ProposeResult.Accepted;
        int first = 0;
        foreach ((int count, Action<IReadOnlyList<CommitAnswer>> complete) in _proposers)
        {
            LogIndex last = together ? before + (ulong)first : _raft.LastIndex;
            ProposeResult result = together ? ProposeResult.Accepted : TryPropose(entries.Slice(first, count));
            first += count;
            if (result == ProposeResult.Accepted)
            {
                AddPending(last, count, complete);
            }
            else
            {
                complete(Same(count, Reason(result), Explain(result)));
            }
        }

        _proposed.Clear();
        _proposers.Clear();
    }

    private ProposeResult TryPropose(ReadOnlySpan<ReadOnlyMemory<byte>> entries) =>
        _authorityTerm == _raft.Term ? _raft.Propose(entries) : ProposeResult.TooManyUncommitted;

    private void AddPending(LogIndex before, int count, Action<IReadOnlyList<CommitAnswer>> complete)
    {
        var request = new PendingRequest(count, _tick + _options.RequestTimeoutTicks, complete);
        for (int i = 0; i < count; i++)
        {
            _pending.Add(before + (ulong)(i + 1), _raft.Term, request, i);
        }
    }

    private static NotCommittedReason Reason(ProposeResult result) =>
        result == ProposeResult.TooManyUncommitted ? NotCommittedReason.Busy : NotCommittedReason.NoLeader;

    private static string Explain(ProposeResult result) => result switch
    {
        ProposeResult.TooManyUncommitted => "Too many bytes are waiting to be committed.",
        ProposeResult.Transferring => "Leadership is being handed over.",
        _ => "This node does not lead (any more).",
    };

    private void CompleteForward(ForwardedAnswers answers)
    {
        // An answer that nobody waits for came too late: the client was told that the outcome is unknown.
        if (_forwards.Remove(answers.Request, out Forward? forward))
        {
            _forwardedCommands -= forward.Count;
            forward.Answer(answers.Answers.Count == forward.Count ? answers.Answers : Unknown(forward.Count));
        }
    }

    private void AbandonForwardsTo(NodeId leader) => AbandonForwards(forward => forward.Leader == leader);

    private void AbandonAllForwards() => AbandonForwards(_ => true);

    private void ExpireForwards()
    {
        if (_forwards.Count > 0)
        {
            AbandonForwards(forward => forward.Request.DeadlineTick <= _tick);
        }
    }

    private void AbandonForwards(Func<Forward, bool> hopeless)
    {
        foreach ((ulong request, Forward forward) in _forwards)
        {
            if (hopeless(forward))
            {
                _forwards.Remove(request);
                _forwardedCommands -= forward.Count;
                forward.Answer(Unknown(forward.Count));
            }
        }
    }

    private static CommitAnswer[] Same(int count, NotCommittedReason reason, string message)
    {
        var answers = new CommitAnswer[count];
        Array.Fill(answers, new FactNotCommitted(reason, message));
        return answers;
    }

    private static CommitAnswer[] Unknown(int count)
    {
        var answers = new CommitAnswer[count];
        Array.Fill(answers, new FactOutcomeUnknown("The leader did not answer; the command may or may not be recorded."));
        return answers;
    }

    /// <summary>The last stamp in the log, committed or not: later ones must not go back behind it.</summary>
    private CommandStamp LastStampInLog() => LastStampUpTo(_raft.LastIndex);

    /// <summary>The last stamp in the log up to an entry; where the log has none, the last one before it.</summary>
    private CommandStamp LastStampUpTo(LogIndex last)
    {
        for (LogIndex index = last; index >= _storage.FirstIndex; index = index.Previous)
        {
            // A leader's first entry is empty and bears no stamp; nor does one that leaves a joint configuration.
            if (_storage.Entries(index, index.Next, long.MaxValue, out ReadOnlyMemory<Entry> entries) == LogReadStatus.Ok
                && CommandIn(entries.Span[0]) is { IsEmpty: false } command)
            {
                return CommandCodec.ReadStamp(command.Span);
            }
        }

        return _stampBeforeLog;
    }

    private static ReadOnlyMemory<byte> CommandIn(in Entry entry) => entry.ChangesConfiguration
        ? ConfigurationChange.Decode(entry.Kind, entry.Data)?.Context ?? default
        : entry.Data;
}
