using Converge.Swarm.Nodes;
using Converge.Swarm.Tests.Hosting;
using Converge.Swarm.Transport.Wire;

namespace Converge.Swarm.Tests.Client;

public sealed class NodeConnectionTests
{
    [Fact]
    public async Task Who_waits_for_an_answer_learns_at_once_what_broke_over_it()
    {
        await using var node = new ScriptedNode(_ => new ClientAnswer { Status = new StatusAnswer() });
        using var deadline = new CancellationTokenSource(LocalSwarm.Patience);
        await using NodeConnection connection = await NodeConnection.OpenAsync(
            node.Address, "test", _ => { }, _ => throw new InvalidOperationException("Unheard of."), LocalSwarm.Patience, TimeProvider.System, deadline.Token);

        AttemptFailedException failed = await Assert.ThrowsAsync<AttemptFailedException>(
            () => connection.AskAsync(new ClientRequest { Status = new StatusRequest() }, deadline.Token));

        Assert.True(failed.MayHaveArrived);
        Assert.Contains("Unheard of.", failed.Message, StringComparison.Ordinal);
        await LocalSwarm.UntilAsync(() => Task.FromResult(!connection.IsOpen));
    }
}
