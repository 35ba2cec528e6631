namespace Converge.Swarm.Akka.Tests;

public sealed class PlaceholderTests : global::Akka.TestKit.Xunit2.TestKit
{
    [Fact]
    public void It_runs() => Assert.Equal("testActor1", Probe.Name(TestActor));
}
