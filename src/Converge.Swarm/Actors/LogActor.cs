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
public sealed class LogActor(NodeId self, ulong incarnation, IRaftLogStore store, ILogPort port)
{
    private readonly List<LogMessage.Append> _batch = [];
    private bool _full;

    /// <summary>Receives one message.</summary>
    /// <exception cref="IOException">The store failed; what of the batch is durable is not known, and nothing of it was said.</exception>
    public void Receive(LogMessage message)
    {
        switch (message)
        {
            case LogMessage.Append append:
                _batch.Add(append);
                port.WantTurn();
                break;
            case LogMessage.Retry:
                port.WantTurn();
                break;
            case LogMessage.Turn:
                WriteBatch();
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(message), message, "Not a message for a log actor.");
        }
    }

    private void WriteBatch()
    {
        if (_batch.Count == 0)
        {
            return;
        }

        try
        {
            store.Append([.. _batch.Select(ToLogBatch)]);
        }
        catch (DiskFullException)
        {
            Announce(full: true);
            return;
        }

        store.Flush();
        Announce(full: false);
        Release();
    }

    /// <summary>Lets everything go that waited for the batch.</summary>
    private void Release()
    {
        List<Message> own = [];
        foreach (LogMessage.Append append in _batch)
        {
            foreach (Message response in append.Responses)
            {
                if (response.To == self)
                {
                    own.Add(response);
                }
                else
                {
                    // Straight to the member: it need not pass the node actor, for nothing remains to be decided.
                    port.ToPeer(response.To, new ProtocolMessage(response, default));
                }
            }
        }

        port.ToNode(new NodeMessage.LogAppended(incarnation, _batch[^1].Number, own));
        _batch.Clear();
    }

    private void Announce(bool full)
    {
        if (_full != full)
        {
            _full = full;
            port.ToNode(new NodeMessage.LogSpace(!full));
        }
    }

    private static LogBatch ToLogBatch(LogMessage.Append append) => LogBatch.Of(append.HardState, append.Entries);
}
