using Akka.Actor;

namespace Converge.Swarm.Akka;

/// <summary>Placeholder.</summary>
public static class Probe
{
    /// <summary>Placeholder.</summary>
    public static string Name(IActorRef actor) => actor.Path.Name;
}
