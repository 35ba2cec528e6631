using Converge.Core;
using Converge.Swarm.Tests.Hosting;

namespace Converge.Swarm.Tests.Client;

/// <summary>A subscription in the node's own process.</summary>
public sealed class LocalSubscriptionTests
{
    [Fact]
    public async Task It_gives_what_is_there_and_wakes_for_what_comes()
    {
        await using var swarm = new LocalSwarm(1);
        await swarm.StartAsync(1);
        await swarm.LeaderAsync();
        ISwarmClient client = swarm[1].Client;
        await client.CommitAsync(Created("a"));

        await using IAsyncEnumerator<LedgerRecord> records = client.SubscribeAsync(0).GetAsyncEnumerator();
        Assert.True(await records.MoveNextAsync());
        Assert.Equal((1UL, RecordKind.Authority), (records.Current.Sequence, records.Current.Kind));
        Assert.True(await records.MoveNextAsync());
        Task<bool> third = records.MoveNextAsync().AsTask();
        await client.CommitAsync(Created("b"));

        Assert.True(await third.WaitAsync(LocalSwarm.Patience));
        Assert.Equal("b", records.Current.Submission!.Fact.ProposalId);
    }

    [Fact]
    public async Task It_ends_with_the_node_and_when_it_is_given_up()
    {
        await using var swarm = new LocalSwarm(1);
        await swarm.StartAsync(1);
        await swarm.LeaderAsync();
        ISwarmClient client = swarm[1].Client;
        using var given = new CancellationTokenSource();
        await using IAsyncEnumerator<LedgerRecord> cancelled = client.SubscribeAsync(1_000, given.Token).GetAsyncEnumerator();
        await using IAsyncEnumerator<LedgerRecord> left = client.SubscribeAsync(1_000).GetAsyncEnumerator();
        Task<bool> cancelledNext = cancelled.MoveNextAsync().AsTask();
        Task<bool> leftNext = left.MoveNextAsync().AsTask();

        await given.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => cancelledNext);
        await swarm.StopAsync(1);

        Assert.Equal(NotCommittedReason.Stopping, (await Assert.ThrowsAsync<SwarmUnavailableException>(() => leftNext)).Reason);
        await Assert.ThrowsAsync<SwarmUnavailableException>(async () =>
        {
            await foreach (LedgerRecord _ in client.SubscribeAsync(1))
            {
                // What is still there may be given first.
            }
        });
    }

    private static FactSubmission Created(string proposal) => new(new ProposalCreated(proposal, "author"));
}
