using Converge.Core;
using Converge.Swarm.Actors;

namespace Converge.Swarm.Akka;

/// <summary>The messages to a node that come from clients.</summary>
internal static class ClientRequest
{
    public static bool Is(NodeMessage message) =>
        message is NodeMessage.Submit or NodeMessage.Read or NodeMessage.GetStatus or NodeMessage.TransferLeadership;

    /// <summary>Whether a request is of no use before a leader is known.</summary>
    public static bool NeedsLeader(NodeMessage message) => message is NodeMessage.Submit or NodeMessage.Read { Consistency: not ReadConsistency.Stale };
}
