using Converge.Core;
using Converge.Swarm.Ledger;
using Converge.Swarm.Tests.Storage;

namespace Converge.Swarm.Tests.Client;

/// <summary>The client in the node's own process, when the node takes no message.</summary>
public sealed class LocalSwarmClientTests
{
    [Theory]
    [InlineData(false, NotCommittedReason.Busy)]
    [InlineData(true, NotCommittedReason.Stopping)]
    public async Task A_node_that_takes_no_message_is_busy_unless_it_has_ended(bool ended, NotCommittedReason reason)
    {
        using GovernanceLedger ledger = GovernanceLedger.Open(new FaultyDisk(), "ledger", new GovernanceLedgerOptions());
        NodeNews news = new();
        if (ended)
        {
            news.Close();
        }

        LocalSwarmClient client = new(_ => false, ledger, news);

        Assert.Equal(reason, (await Assert.ThrowsAsync<SwarmUnavailableException>(() => client.GetMembersAsync())).Reason);
        Assert.Equal(reason, (await Assert.ThrowsAsync<SwarmUnavailableException>(() => client.GetStatusAsync())).Reason);
        Assert.Equal(reason, (await Assert.ThrowsAsync<SwarmUnavailableException>(() => client.GetHeadAsync())).Reason);
        Assert.Equal(reason, (await Assert.ThrowsAsync<SwarmUnavailableException>(() => client.GetProposalAsync("p"))).Reason);
    }
}
