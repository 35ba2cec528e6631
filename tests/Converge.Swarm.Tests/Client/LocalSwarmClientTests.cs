using Converge.Core;
using Converge.Swarm.Ledger;
using Converge.Swarm.Tests.Ledger;
using Converge.Swarm.Tests.Storage;

namespace Converge.Swarm.Tests.Client;

/// <summary>The client in the node's own process, when the node takes no message or has ended.</summary>
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

    [Fact]
    public async Task Of_a_node_that_has_ended_neither_records_nor_proofs_can_be_had()
    {
        GovernanceLedger ledger = GovernanceLedger.Open(new FaultyDisk(), "ledger", new GovernanceLedgerOptions());
        foreach (EncodedRecord record in SampleLedger.Records(5))
        {
            ledger.Append(record);
        }

        ledger.Flush();
        ledger.Dispose();
        NodeNews news = new();
        news.Close();
        LocalSwarmClient client = new(_ => false, ledger, news);

        foreach (Func<Task> ask in new Func<Task>[]
        {
            () => client.ReadAsync(1, 5), () => client.GetReceiptAsync(2), () => client.GetInclusionProofAsync(2), () => client.GetConsistencyProofAsync(2),
        })
        {
            Assert.Equal(NotCommittedReason.Stopping, (await Assert.ThrowsAsync<SwarmUnavailableException>(ask)).Reason);
        }
    }
}
