using Converge.Core;

namespace Converge.Swarm.Actors;

/// <summary>
/// How whoever waits for an answer learns that none will come from where the message went. Every host needs it at its end, and none decides
/// what is said.
/// </summary>
internal static class Unanswered
{
    public const string ShuttingDown = "The node is shutting down.";

    public const string CannotRead = "The node could not read its state and stops; its log says why.";

    public const string Busy = "Too many reads are waiting on this node.";

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
            case NodeMessage.GetMembers members:
                members.Reply.Abandon(new SwarmUnavailableException(reason, message));
                break;
            case NodeMessage.ChangeMembers change:
                change.Reply.Send(new MembershipNotChanged(
                    reason == NotCommittedReason.Stopping ? MembershipRefusal.Stopping : MembershipRefusal.Busy, message));
                break;
            case NodeMessage.Drain drain:
                drain.Reply.Send(false);
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
        else if (request is NodeMessage.ChangeMembers change)
        {
            change.Reply.Send(new MembershipChangeUnknown("The node stopped before it was known what became of the change."));
        }
        else
        {
            Refuse(request, NotCommittedReason.Stopping, ShuttingDown);
        }
    }
}
