using Akka.Actor;
using Akka.Configuration;

namespace Converge.Swarm.Akka;

/// <summary>
/// The swarm as an extension of an ActorSystem: this ActorSystem is one node. <c>Swarm.Get(system)</c> starts it, once.
/// </summary>
/// <remarks>
/// To have it started with the system, name it in <c>akka.extensions</c>:
/// <c>["Converge.Swarm.Akka.Swarm, Converge.Swarm.Akka"]</c>.
/// </remarks>
public sealed class Swarm : ExtensionIdProvider<SwarmExtension>
{
    private static readonly Swarm _provider = new();

    /// <summary>The node of this ActorSystem; started if it is not.</summary>
    /// <exception cref="SwarmSettingsException">The configuration is wrong, of the swarm or of what it needs in Akka.Remote.</exception>
    /// <exception cref="JournalNotDurableException">The journal does not have a write on disk when it confirms it.</exception>
    /// <exception cref="IOException">The data folder cannot be used: taken, another node's, damaged or unreachable.</exception>
    public static new SwarmExtension Get(ActorSystem system) => _provider.Apply(system);

    /// <summary>Every setting with its default: one root, <c>converge.swarm</c>.</summary>
    public static Config DefaultConfig() => Resource("reference.conf");

    /// <summary>
    /// What the swarm needs of Akka.Remote, to stand behind an application's own configuration when its ActorSystem is created:
    /// Akka.Remote reads its settings before any extension starts.
    /// </summary>
    public static Config RemotingConfig() => Resource("remoting.conf");

    /// <inheritdoc/>
    public override SwarmExtension CreateExtension(ExtendedActorSystem system)
    {
        ArgumentNullException.ThrowIfNull(system);
        system.Settings.InjectTopLevelFallback(DefaultConfig());
        system.Settings.InjectTopLevelFallback(Resource("serialization.conf"));
        return SwarmExtension.Start(system);
    }

    private static Config Resource(string name) => ConfigurationFactory.FromResource($"Converge.Swarm.Akka.{name}", typeof(Swarm).Assembly);
}
