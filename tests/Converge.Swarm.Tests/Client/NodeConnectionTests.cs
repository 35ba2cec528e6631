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
        await using var node = new ScriptedNode(RefuseAll);
        using var deadline = new CancellationTokenSource(LocalSwarm.Patience);
        await using NodeConnection connection = await NodeConnection.OpenAsync(
            node.Address, "test", _ => { }, _ => { }, LocalSwarm.Patience, new ManualTime(), deadline.Token);
        PendingCommit[] commits = [.. Enumerable.Range(0, 500).Select(_ => new PendingCommit(new byte[100], 0))];

        Assert.All(commits, commit => Assert.True(connection.TryCommit(commit)));
        await Task.WhenAll(commits.Select(commit => commit.Task)).WaitAsync(deadline.Token);

        await LocalSwarm.UntilAsync(() => Task.FromResult(connection.HeldCommits == 0));
    }

    /// <summary>A <see cref="System.Collections.Concurrent.ConcurrentQueue{T}"/> that was looked into keeps what is taken from it until its place is needed again.</summary>
    [Fact]
    public async Task What_is_answered_is_not_kept_from_the_garbage_collector()
    {
        await using var node = new ScriptedNode(RefuseAll);
        using var deadline = new CancellationTokenSource(LocalSwarm.Patience);
        await using NodeConnection connection = await NodeConnection.OpenAsync(
            node.Address, "test", _ => { }, _ => { }, LocalSwarm.Patience, new ManualTime(), deadline.Token);

        WeakReference[] commits = await CommitAsync(connection, 500, deadline.Token);

        await LocalSwarm.UntilAsync(() =>
        {
            GC.Collect();
            return Task.FromResult(commits.Count(commit => commit.IsAlive) < 10);
        });
    }

    private static async Task<WeakReference[]> CommitAsync(NodeConnection connection, int count, CancellationToken cancellationToken)
    {
        PendingCommit[] commits = [.. Enumerable.Range(0, count).Select(_ => new PendingCommit(new byte[100], 0))];
        Assert.All(commits, commit => Assert.True(connection.TryCommit(commit)));
        await Task.WhenAll(commits.Select(commit => commit.Task)).WaitAsync(cancellationToken);
        return [.. commits.Select(commit => new WeakReference(commit))];
    }

    private static ClientAnswer RefuseAll(ClientRequest request)
    {
        var outcomes = new CommitOutcomes();
        outcomes.Answers.AddRange(request.Commit.Commands.Select(_ => new Answer { Refused = new Refused { Code = (uint)RefusalCode.UnknownProposal } }));
        return new ClientAnswer { Commit = outcomes };
    }
}
