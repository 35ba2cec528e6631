using Converge.Core;
using Converge.Raft;
using Converge.Swarm.Storage;

namespace Converge.Swarm.Actors;

/// <summary>
/// Makes entries, term and vote durable, in batches: whatever queued while one flush ran goes into the next. What the protocol wants
/// said only afterwards (a vote, an acknowledgement) is said here, afterwards.
/// </summary>
/// <remarks>
/// The only actor that waits for a disk; a host gives it a thread of its own. A full disk is waited out: the batch stays, nothing of it
/// is acknowledged. Any other failure of the store is thrown and ends the node; a flush is never tried again.
/// </remarks>
public sealed class LogActor(NodeId self, ulong incarnation, RaftLogStore store, ILogPort port)
{
    /// <summary>A batch of the store is kept to about this size; a larger append becomes several.</summary>
    private const int MaxBatchDataBytes = 4 * 1024 * 1024;

    private readonly Queue<LogMessage.Append> _waiting = new();
    private bool _full;

    /// <summary>Receives one message.</summary>
    /// <exception cref="IOException">The store failed; what of the batch is durable is not known, and nothing of it was said.</exception>
    public void Receive(LogMessage message)
    {
        switch (message)
        {
            case LogMessage.Append append:
                _waiting.Enqueue(append);
                port.WantTurn();
                break;
            case LogMessage.Retry:
                port.WantTurn();
                break;
            case LogMessage.Turn:
                WriteWaiting();
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(message), message, "Not a message for a log actor.");
        }
    }

    private void WriteWaiting()
    {
        (List<LogBatch> batches, List<int> ends) = Encode();
        int written = 0;
        int released = 0;
        while (written < batches.Count)
        {
            try
            {
                written += store.Append(batches[written..]);
            }
            catch (DiskFullException)
            {
                Announce(full: true);
                return;
            }

            store.Flush();
            Announce(full: false);
            int whole = ends.FindLastIndex(end => end <= written) + 1;
            Release(whole - released);
            released = whole;
        }
    }

    /// <summary>What waits as batches of the store, and how many batches there are up to the end of each append.</summary>
    private (List<LogBatch> Batches, List<int> Ends) Encode()
    {
        List<LogBatch> batches = [];
        List<int> ends = [];
        LogOutline outline = store.Outline;
        foreach (LogMessage.Append append in _waiting)
        {
            foreach (LogBatch batch in Split(outline, append))
            {
                outline = outline.After(batch);
                batches.Add(batch);
            }

            ends.Add(batches.Count);
        }

        return (batches, ends);
    }

    /// <summary>
    /// One append as batches of bounded size. The term and the vote stand in the first, before any entry of that term; the commit index
    /// in the last, when everything it covers is there.
    /// </summary>
    private static IEnumerable<LogBatch> Split(LogOutline outline, LogMessage.Append append)
    {
        DurableState? state = append.HardState is { } hard ? new DurableState(hard.Term, hard.Vote, hard.Commit) : null;
        List<LogEntry> chunk = [];
        long bytes = 0;
        bool first = true;
        foreach (Entry entry in append.Entries)
        {
            if (bytes + entry.Data.Length > MaxBatchDataBytes && chunk.Count > 0)
            {
                DurableState? early = first && state is { } s ? s with { Commit = outline.State.Commit } : null;
                yield return (first ? outline : LogOutline.Empty).Storing(early, chunk);
                (chunk, bytes, first) = ([], 0, false);
            }

            chunk.Add(new LogEntry(entry.Index, entry.Term, (byte)entry.Kind, entry.Data));
            bytes += entry.Data.Length;
        }

        yield return (first ? outline : LogOutline.Empty).Storing(state, chunk);
    }

    /// <summary>Lets everything go that waited for the first appends in the queue.</summary>
    private void Release(int appends)
    {
        if (appends == 0)
        {
            return;
        }

        List<Message> own = [];
        ulong through = 0;
        for (; appends > 0; appends--)
        {
            LogMessage.Append append = _waiting.Dequeue();
            through = append.Number;
            foreach (Message response in append.Responses)
            {
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

        port.ToNode(new NodeMessage.LogAppended(incarnation, through, own));
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
