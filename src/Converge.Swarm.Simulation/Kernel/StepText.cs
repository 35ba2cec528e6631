using Converge.Core;
using Converge.Raft;
using Converge.Swarm.Actors;

namespace Converge.Swarm.Simulation;

/// <summary>A step in one line, for whoever reads a trace.</summary>
internal static class StepText
{
    public static string Describe(SimulationStep step)
    {
        NodeObservation node = step.Node!;
        string what = step.Received switch
        {
            NodeMessage.FromPeer { Message: ProtocolMessage protocol } => $"<- {Describe(protocol)}",
            NodeMessage.FromPeer { Message: ForwardedCommands commands } from => $"<- {from.Peer} {commands.Commands.Count} commands, request {commands.Request:x}",
            NodeMessage.FromPeer { Message: ForwardedAnswers answers } from => $"<- {from.Peer} {answers.Answers.Count} answers, request {answers.Request:x}",
            NodeMessage.Tick => "tick",
            NodeMessage.Turn => "turn",
            NodeMessage.PeerLost lost => $"lost the way to {lost.Peer}",
            NodeMessage.LogAppended appended => $"appended through {appended.Through}",
            NodeMessage.LogSpace space => space.Available ? "room again" : "no room",
            NodeMessage.Applied applied => $"applied through {(applied.Entries.Count == 0 ? LogIndex.Zero : applied.Entries[^1].Index)}",
            NodeMessage.Submit submit => $"{submit.Commands.Count} commands of a client",
            NodeMessage.Read read => $"read, {read.Consistency}",
            LogMessage.Append append => $"log: append {append.Number}, {append.Entries.Count} entries",
            LogMessage.Stored stored => $"log: stored {stored.Batches}",
            LogMessage other => $"log: {other.GetType().Name}",
            StateMachineMessage.Apply apply => $"apply {apply.Entries[0].Index}..{apply.Entries[^1].Index}",
            { } other => other.GetType().Name,
            null => step.MadeDurable.Count > 0 ? $"flushed {step.MadeDurable.Count} batches" : "disk",
        };
        return $"{what}  | {node.Role} term {node.Term} commit {node.CommitIndex} last {node.LastIndex} applied {node.AppliedIndex} durable {node.Durable.Outline.LastIndex}{Sent(step)}";
    }

    private static string Sent(SimulationStep step)
    {
        if (step.Sent.Count == 0)
        {
            return "";
        }

        return " -> " + string.Join(", ", step.Sent.Select(sent => sent.Message is ProtocolMessage protocol
            ? $"{sent.To}:{Describe(protocol)}"
            : $"{sent.To}:{sent.Message.GetType().Name}"));
    }

    private static string Describe(ProtocolMessage protocol)
    {
        Message message = protocol.Message;
        string entries = message.Entries.IsEmpty ? "" : $" +{message.Entries.Length}";
        return $"{message.From} {message.Kind} t{message.Term} at {message.LogTerm}/{message.Index} commit {message.Commit}{entries}{(message.Reject ? " no" : "")}";
    }
}
