using Converge.Core;
using Converge.Raft;
using Converge.Swarm.Storage;

namespace Converge.Swarm.Actors;

/// <summary>
/// Makes entries, term and vote durable, in batches: whatever queued while the store was busy goes into the next. What the protocol
/// wants said only afterwards (a vote, an acknowledgement) is said here, afterwards.
/// </summary>
/// <remarks>
/// The store is the host's: files behind a thread of their own, a journal, a simulated disk. A full disk is waited out: what was to be
/// stored stays, nothing of it is acknowledged. Any other failure of the store is the host's to end the node or this actor with; a write
/// is never tried again by the same actor, and its successor recovers first.
/// </remarks>
/// <param name="self">The node.</param>
/// <param name="incarnation">Another number than any earlier log actor of this node's life had.</param>
/// <param name="stored">The log as the store has it.</param>
/// <param name="port">Where its messages go.</param>
public sealed class LogActor(NodeId self, ulong incarnation, LogOutline stored, ILogPort port)
{
    private readonly Queue<LogMessage.Append> _waiting = new();
    private readonly Queue<(LogMessage.Append Append, int End)> _planned = new();
    private IReadOnlyList<LogBatch> _batches = [];
    private LogOutline _stored = stored;
    private int _storedBatches;
    private ulong _lastNumber;
    private bool _underWay;
    private bool _full;

    /// <summary>About how large a batch may get in entries' data, in bytes; one entry is taken whatever its size.</summary>
    internal int MaxBatchDataBytes { get; init; } = BatchPlan.MaxBatchDataBytes;

    /// <summary>Receives one message.</summary>
    public void Receive(LogMessage message)
    {
        switch (message)
        {
            case LogMessage.Append append:
                Invariant.Check(append.Number > _lastNumber, $"Append {append.Number} follows append {_lastNumber} in the log of node {self}.");
                _lastNumber = append.Number;
                _waiting.Enqueue(append);
                port.WantTurn();
                break;
            case LogMessage.Retry:
                port.WantTurn();
                break;
            case LogMessage.Turn:
                StoreNext();
                break;
            case LogMessage.Stored stored:
                NoteStored(stored.Batches);
                break;
            case LogMessage.NoRoom:
                _underWay = false;
                Announce(full: true);
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(message), message, "Not a message for a log actor.");
        }
    }

    private void StoreNext()
    {
        if (_underWay)
        {
            return;
        }

        if (_planned.Count == 0)
        {
            Plan();
        }

        if (_storedBatches < _batches.Count)
        {
            _underWay = true;
            port.Store([.. _batches.Skip(_storedBatches)]);
        }
    }

    private void Plan()
    {
        var plan = BatchPlan.Of(_stored, _waiting, MaxBatchDataBytes);
        foreach (int end in plan.Ends)
        {
            _planned.Enqueue((_waiting.Dequeue(), end));
        }

        (_batches, _storedBatches) = (plan.Batches, 0);
        Release();
    }

    private void NoteStored(int batches)
    {
        Invariant.Check(
            batches > 0 && batches <= _batches.Count - _storedBatches,
            $"The store of node {self} says that it stored {batches} batches of the {_batches.Count - _storedBatches} that it was given.");
        SnapshotMark mark = _stored.Mark;
        for (int i = 0; i < batches; i++)
        {
            _stored = _stored.After(_batches[_storedBatches++]);
        }

        _underWay = false;
        Announce(full: false);
        Release();
        if (_stored.Mark != mark)
        {
            port.RemoveObsolete();
        }

        if (_planned.Count + _waiting.Count > 0)
        {
            port.WantTurn();
        }
    }

    /// <summary>Lets everything go that waited for what is stored.</summary>
    private void Release()
    {
        List<Message> own = [];
        ulong through = 0;
        while (_planned.TryPeek(out (LogMessage.Append Append, int End) first) && first.End <= _storedBatches)
        {
            _planned.Dequeue();
            through = first.Append.Number;
            foreach (Message response in first.Append.Responses)
            {
                CheckPromise(response);
                if (response.To == self)
                {
                    own.Add(response);
                }
                else
                {
                    // Straight to the member: nothing remains to be decided.
                    port.ToPeer(response.To, new ProtocolMessage(response, default));
                }
            }
        }

        if (through > 0)
        {
            port.ToNode(new NodeMessage.LogAppended(incarnation, through, own));
        }
    }

    /// <summary>
    /// A vote, an acknowledgement and the term they are given in are durable before they are said (Raft paper, figure 2). In a later term
    /// that is durable, too, another leader may have taken entries back: that breaks no promise.
    /// </summary>
    private void CheckPromise(in Message response)
    {
        DurableState state = _stored.State;
        switch (response.Kind)
        {
            case MessageKind.VoteResp when !response.Reject:
                Invariant.Check(
                    state.Term > response.Term || (state.Term == response.Term && state.Vote == response.To),
                    $"Node {self} would give {response.To} its vote in term {response.Term}; its log has {state.Vote} in term {state.Term}.");
                break;
            case MessageKind.AppendResp when !response.Reject:
                Invariant.Check(
                    state.Term > response.Term || (state.Term == response.Term && response.Index <= _stored.LastIndex),
                    $"Node {self} would acknowledge entry {response.Index} in term {response.Term}; its log ends at {_stored.LastIndex} in term {state.Term}.");
                break;
            case MessageKind.VoteResp or MessageKind.AppendResp:
                Invariant.Check(state.Term >= response.Term, $"Node {self} would answer {response.Kind} in term {response.Term}; its log has term {state.Term}.");
                break;
            default:
                break;
        }
    }

    private void Announce(bool full)
    {
        if (_full != full)
        {
            _full = full;
            port.ToNode(new NodeMessage.LogSpace(!full));
        }
    }
}
