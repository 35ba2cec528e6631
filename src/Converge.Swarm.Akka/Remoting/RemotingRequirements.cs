using System.Globalization;
using Akka.Actor;
using Akka.Configuration;
using Akka.Remote;

namespace Converge.Swarm.Akka.Remoting;

/// <summary>What Akka.Remote must be set to, or the swarm would not work as promised: found out at start, not in production.</summary>
internal static class RemotingRequirements
{
    private const string Frame = "akka.remote.dot-netty.tcp.maximum-frame-size";
    private const string Gate = "akka.remote.retry-gate-closed-for";
    private const int EnvelopeBytes = 8 * 1024;

    /// <summary>Everything that is wrong; nothing when the node may start.</summary>
    public static IReadOnlyList<ConfigurationFault> Check(ExtendedActorSystem system, SwarmSettings settings) =>
        Check(system.Settings.Config, system.Provider.DefaultAddress, system.Provider is IRemoteActorRefProvider, settings);

    /// <summary>The same on plain values.</summary>
    public static IReadOnlyList<ConfigurationFault> Check(Config config, Address own, bool isRemote, SwarmSettings settings)
    {
        List<ConfigurationFault> faults = [];
        if (own != settings.Members[settings.Node])
        {
            faults.Add(new(
                $"{SwarmSettings.Section}.members.{settings.Node}",
                $"{settings.Members[settings.Node]} is not the address of this ActorSystem, which is {own}. Members reach each other by these addresses."));
        }

        if (settings.Members.Count == 1)
        {
            return faults;
        }

        if (!isRemote)
        {
            faults.Add(new("akka.actor.provider", "must be 'remote' or 'cluster': the members are in other ActorSystems."));
            return faults;
        }

        // Around entries and commands there are their terms, lengths and tags: less than half as much again, however small they are.
        long needed = settings.MaxMessageBytes + (settings.MaxMessageBytes / 2) + EnvelopeBytes;
        long frame = config.GetByteSize(Frame) ?? 0;
        if (frame < needed)
        {
            faults.Add(new(Frame, string.Create(
                CultureInfo.InvariantCulture,
                $"must be at least {needed} bytes for {SwarmSettings.Section}.max-message-bytes = {settings.MaxMessageBytes}; it is {frame}. A larger message is dropped, each time it is sent.")));
        }

        TimeSpan gate = config.GetTimeSpan(Gate);
        if (gate >= settings.ElectionTimeout)
        {
            faults.Add(new(Gate, string.Create(
                CultureInfo.InvariantCulture,
                $"must be less than an election timeout ({settings.ElectionTimeout.TotalMilliseconds} ms), or whole elections are swallowed; it is {gate.TotalMilliseconds} ms. Swarm.RemotingConfig() lowers it.")));
        }

        return faults;
    }
}
