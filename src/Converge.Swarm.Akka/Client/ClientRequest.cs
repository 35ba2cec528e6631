using Converge.Core;
using Converge.Swarm.Actors;

namespace Converge.Swarm.Akka;

/// <summary>The messages to a node that come from clients.</summary>
internal static class ClientRequest
{
    public static bool Is(NodeMessage message) =>
        message is NodeMessage.Submit or NodeMessage.Read or NodeMessage.GetStatus or NodeMessage.TransferLeadership;

    /// <summary>Whether a request is of no use before a leader is known.</summary>
    public static bool NeedsLeader(NodeMessage message) => message is NodeMessage.Submit or NodeMessage.Read { Consistency: ReadConsistency.Linearizable };

    public const string ShuttingDown = "The node is shutting down.";

    /// <summary>Answers a request that has not reached the node, or a question that has not reached its state: nothing was or will be done.</summary>
    public static void Refuse(object request, NotCommittedReason reason, string message)
    {
        switch (request)
        {
            case NodeMessage.Submit submit:
                var answers = new CommitAnswer[submit.Commands.Count];
                Array.Fill(answers, new FactNotCommitted(reason, message));
                submit.Reply.Send(answers);
                break;
            case NodeMessage.Read read:
                read.Query.Refuse(reason, message);
                break;
            case NodeMessage.GetStatus status:
                status.Reply.Abandon(new SwarmUnavailableException(reason, message));
                break;
            case NodeMessage.TransferLeadership transfer:
                transfer.Reply.Send(new LeadershipTransferRefused(
                    reason == NotCommittedReason.Stopping ? TransferRefusal.Stopping : TransferRefusal.Busy, message));
                break;
            case StateMachineMessage.Query query:
                query.Refuse(reason, message);
                break;
            case StateMachineMessage.CompleteStatus status:
                status.Reply.Abandon(new SwarmUnavailableException(reason, message));
                break;
        }
    }

    /// <summary>Answers a request of which it is not known how far it got. If it was answered already, that stands.</summary>
    public static void Abandon(NodeMessage request)
    {
        if (request is NodeMessage.Submit submit)
        {
            var answers = new CommitAnswer[submit.Commands.Count];
            Array.Fill(answers, new FactOutcomeUnknown("The node stopped before the outcome was known."));
            submit.Reply.Send(answers);
        }
        else if (request is NodeMessage.TransferLeadership transfer)
        {
            transfer.Reply.Send(new LeadershipTransferUnknown("The node stopped before it was known who leads."));
        }
        else
        {
            Refuse(request, NotCommittedReason.Stopping, ShuttingDown);
        }
    }
}

/// <summary>Counts what is under way in one direction, and lets no more in than may be. For any thread.</summary>
internal sealed class Gate(int capacity)
{
    private int _inside;
    private volatile bool _closed;

    /// <summary>False when there is no room, or nobody is inside to serve.</summary>
    public bool TryEnter()
    {
        if (_closed)
        {
            return false;
        }

        if (Interlocked.Increment(ref _inside) <= capacity)
        {
            return true;
        }

        Interlocked.Decrement(ref _inside);
        return false;
    }

    public void Leave() => Interlocked.Decrement(ref _inside);

    /// <summary>True when nobody is let in any more.</summary>
    public bool IsClosed => _closed;

    /// <summary>Lets nobody in any more.</summary>
    public void Close() => _closed = true;
}
