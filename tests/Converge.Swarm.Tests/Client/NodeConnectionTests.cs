using Converge.Core;
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

    /// <summary>They were let go by the clock alone, with all that they had sent.</summary>
    [Fact]
    public async Task What_is_answered_is_not_held_any_longer()
    {
        await using var node = new ScriptedNode(request =>
        {
            var outcomes = new CommitOutcomes();
            outcomes.Answers.AddRange(request.Commit.Commands.Select(_ => new Answer { Refused = new Refused { Code = (uint)RefusalCode.UnknownProposal } }));
            return new ClientAnswer { Commit = outcomes };
        });
        using var deadline = new CancellationTokenSource(LocalSwarm.Patience);
        await using NodeConnection connection = await NodeConnection.OpenAsync(
            node.Address, "test", _ => { }, _ => { }, LocalSwarm.Patience, new ManualTime(), deadline.Token);
        PendingCommit[] commits = [.. Enumerable.Range(0, 500).Select(_ => new PendingCommit(new byte[100], 0))];

        Assert.All(commits, commit => Assert.True(connection.TryCommit(commit)));
        await Task.WhenAll(commits.Select(commit => commit.Task)).WaitAsync(deadline.Token);

        await LocalSwarm.UntilAsync(() => Task.FromResult(connection.HeldCommits == 0));
    }
}
