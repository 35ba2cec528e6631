using Akka.Actor;
using Akka.Configuration;
using Converge.Swarm.Akka.Remoting;

namespace Converge.Swarm.Akka.Tests.Remoting;

public sealed class RemotingRequirementsTests
{
    private static readonly Address Own = Address.Parse("akka.tcp://orders@10.0.0.1:4053");

    [Fact]
    public void The_remoting_configuration_that_is_given_meets_them() => Assert.Empty(Check(""));

    [Fact]
    public void Akka_s_own_default_of_the_retry_gate_does_not() =>
        Assert.Equal("akka.remote.retry-gate-closed-for", Assert.Single(Check("akka.remote.retry-gate-closed-for = 5s")).Key);

    [Fact]
    public void A_frame_must_hold_the_largest_message()
    {
        Assert.Equal("akka.remote.dot-netty.tcp.maximum-frame-size", Assert.Single(Check("akka.remote.dot-netty.tcp.maximum-frame-size = 64000b")).Key);
        Assert.Equal("akka.remote.dot-netty.tcp.maximum-frame-size", Assert.Single(Check("converge.swarm.max-message-bytes = 128KiB")).Key);
    }

    [Fact]
    public void The_address_must_be_the_one_that_the_members_know() =>
        Assert.Equal("converge.swarm.members.1", Assert.Single(Check("", Address.Parse("akka.tcp://orders@10.0.0.1:4054"))).Key);

    [Fact]
    public void Members_elsewhere_need_remoting() =>
        Assert.Equal("akka.actor.provider", Assert.Single(Check("", isRemote: false)).Key);

    private static IReadOnlyList<ConfigurationFault> Check(string more, Address? own = null, bool isRemote = true)
    {
        Config config = ConfigurationFactory.ParseString(more)
            .WithFallback(ConfigurationFactory.ParseString(
                """
                converge.swarm {
                  node = 1
                  data-folder = "data"
                  members { 1 = "akka.tcp://orders@10.0.0.1:4053", 2 = "akka.tcp://orders@10.0.0.2:4053", 3 = "akka.tcp://orders@10.0.0.3:4053" }
                }
                """))
            .WithFallback(Swarm.RemotingConfig())
            .WithFallback(Swarm.DefaultConfig());
        return RemotingRequirements.Check(config, own ?? Own, isRemote, SwarmSettings.Create(config.GetConfig("converge.swarm")));
    }
}
