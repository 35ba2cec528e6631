using System.Net;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using Converge.Core;
using Converge.Core.Json;
using Converge.Swarm.Ledger;

namespace Converge.Swarm.Http.Tests;

public sealed class ProofTests
{
    [Fact]
    public async Task A_receipt_is_given_for_the_ledger_as_it_stands_or_as_it_stood()
    {
        await using Api api = await Api.StartAsync();
        await api.BatchAsync(Samples.Lines(5));
        LedgerHead then = await api.Node.GetHeadAsync();
        await api.BatchAsync(Samples.Lines(20));

        LedgerReceipt now = ReceiptOf(await api.GetAsync("/v1/facts/3/receipt"));
        LedgerReceipt earlier = ReceiptOf(await api.GetAsync("/v1/facts/3/receipt?size=5"));

        Assert.Empty(ReceiptVerifier.Verify(now, await api.Node.GetHeadAsync()));
        Assert.Empty(ReceiptVerifier.Verify(earlier, then));
        Assert.Equal((3UL, 3UL), (now.Record.Sequence, earlier.Record.Sequence));
    }

    [Fact]
    public async Task Proofs_of_inclusion_and_consistency_hold()
    {
        await using Api api = await Api.StartAsync();
        await api.BatchAsync(Samples.Lines(20));

        Answer inclusion = await api.GetAsync("/v1/ledger/proof/7?size=13");
        Answer consistency = await api.GetAsync("/v1/ledger/consistency?from=13");

        Assert.True(InclusionProofJson.TryParse(Encoding.UTF8.GetBytes(inclusion.Text), out InclusionProof? one, out InputFault? fault), fault?.Message);
        Assert.True(ConsistencyProofJson.TryParse(Encoding.UTF8.GetBytes(consistency.Text), out ConsistencyProof? two, out fault), fault?.Message);
        Assert.True(ReceiptVerifier.Holds(one));
        Assert.True(ReceiptVerifier.Holds(two));
        Assert.Equal(one.Root, two.FromRoot);
        Assert.Equal((20UL, (await api.Node.GetHeadAsync()).Root), (two.To, two.ToRoot));
    }

    [Theory]
    [InlineData("/v1/facts/3/receipt", HttpStatusCode.NotFound, "beyond_ledger", "size")]
    [InlineData("/v1/facts/1/receipt?size=3", HttpStatusCode.NotFound, "beyond_ledger", "size")]
    [InlineData("/v1/facts/2/receipt?size=1", HttpStatusCode.BadRequest, "invalid_value", "size")]
    [InlineData("/v1/facts/0/receipt", HttpStatusCode.BadRequest, "invalid_value", "sequence")]
    [InlineData("/v1/facts/one/receipt", HttpStatusCode.BadRequest, "invalid_value", "sequence")]
    [InlineData("/v1/facts/1/receipt?size=0", HttpStatusCode.BadRequest, "invalid_value", "size")]
    [InlineData("/v1/facts/1/receipt?sise=1", HttpStatusCode.BadRequest, "unknown_field", "sise")]
    [InlineData("/v1/ledger/proof/9007199254740992", HttpStatusCode.BadRequest, "invalid_value", "sequence")]
    [InlineData("/v1/ledger/proof/-1", HttpStatusCode.BadRequest, "invalid_value", "sequence")]
    [InlineData("/v1/ledger/proof/3", HttpStatusCode.NotFound, "beyond_ledger", "size")]
    [InlineData("/v1/ledger/consistency", HttpStatusCode.BadRequest, "missing_field", "from")]
    [InlineData("/v1/ledger/consistency?from=x", HttpStatusCode.BadRequest, "invalid_value", "from")]
    [InlineData("/v1/ledger/consistency?from=1&from=2", HttpStatusCode.BadRequest, "duplicate_field", "from")]
    [InlineData("/v1/ledger/consistency?from=2&to=1", HttpStatusCode.BadRequest, "invalid_value", "size")]
    [InlineData("/v1/ledger/consistency?from=1&to=3", HttpStatusCode.NotFound, "beyond_ledger", "size")]
    public async Task What_cannot_be_proved_is_said_with_code_and_field(string path, HttpStatusCode status, string code, string field)
    {
        await using Api api = await Api.StartAsync();
        await api.BatchAsync(Samples.Lines(2));

        Answer answer = await api.GetAsync(path);

        Assert.Equal(field, answer.AssertProblem(status, code).GetProperty("field").GetString());
    }

    [Fact]
    public async Task An_accepted_fact_brings_its_receipt_when_it_is_asked_for()
    {
        await using Api api = await Api.StartAsync();

        Answer with = await api.PostAsync("/v1/facts?receipt=true", Samples.CreatedJson("p1"));
        Answer without = await api.PostAsync("/v1/facts?receipt=false", Samples.CreatedJson("p2"));
        Answer refused = await api.PostAsync("/v1/facts?receipt=true", Samples.CreatedJson("p1"));

        Assert.Equal(HttpStatusCode.Created, with.Status);
        LedgerReceipt receipt = ReceiptIn(with.Json);
        Assert.Empty(ReceiptVerifier.Verify(receipt));
        Assert.Equal(with.Json.GetProperty("hash").GetString(), receipt.Record.Hash);
        Assert.True(CommitAnswerJson.TryParse(Encoding.UTF8.GetBytes(with.Text), out CommitAnswer? answer, out _));
        Assert.Equal(1UL, Assert.IsType<FactAccepted>(answer).Sequence);
        Assert.False(without.Json.TryGetProperty("receipt", out _));
        refused.AssertProblem(HttpStatusCode.Conflict, "already_exists");
    }

    [Fact]
    public async Task A_batch_brings_the_receipts_of_what_was_accepted()
    {
        await using Api api = await Api.StartAsync();
        Answer answer = await api.PostAsync("/v1/facts/batch?receipt=true", Samples.Lines(3) + Samples.CreatedJson("p1") + "\nx\n", "application/jsonl");
        JsonElement[] lines = [.. answer.Text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonDocument.Parse(line).RootElement)];

        Assert.Equal([1UL, 2UL, 3UL], lines[..3].Select(line => ReceiptIn(line).Record.Sequence));
        Assert.All(lines[..3], line => Assert.Empty(ReceiptVerifier.Verify(ReceiptIn(line))));
        Assert.All(lines[3..], line => Assert.False(line.TryGetProperty("receipt", out _)));
        Assert.All((await api.BatchAsync(Samples.CreatedJson("p9"))), line => Assert.False(line.TryGetProperty("receipt", out _)));
    }

    [Theory]
    [InlineData("/v1/facts?receipt=yes")]
    [InlineData("/v1/facts/batch?receipt=1")]
    public async Task Receipts_are_asked_for_by_true_and_nothing_else(string path)
    {
        await using Api api = await Api.StartAsync();
        Answer answer = await api.PostAsync(path, Samples.CreatedJson("p1"), path.Contains("batch", StringComparison.Ordinal) ? "application/jsonl" : "application/json");
        Assert.Equal("receipt", answer.AssertProblem(HttpStatusCode.BadRequest, "invalid_value").GetProperty("field").GetString());
        Assert.Empty(api.Node.Batches);
    }

    [Fact]
    public async Task A_receipt_that_cannot_be_had_takes_nothing_back()
    {
        await using Api api = await Api.StartAsync();
        api.Node.ProofFault = new SwarmUnavailableException(NotCommittedReason.NoLeader, "No quorum.");

        Answer answer = await api.PostAsync("/v1/facts?receipt=true", Samples.CreatedJson("p1"));

        Assert.Equal(HttpStatusCode.Created, answer.Status);
        Assert.False(answer.Json.TryGetProperty("receipt", out _));
        (await api.GetAsync("/v1/facts/1/receipt")).AssertProblem(HttpStatusCode.ServiceUnavailable, "no_leader");
    }

    [Fact]
    public async Task The_client_gives_what_the_node_gives()
    {
        await using Api api = await Api.StartAsync();
        using HttpSwarmClient client = new(api.Host.Url);
        await api.BatchAsync(Samples.Lines(9));

        foreach (ulong? size in new ulong?[] { null, 7 })
        {
            Assert.Equal(LedgerReceiptJson.ToUtf8(await api.Node.GetReceiptAsync(4, size)), LedgerReceiptJson.ToUtf8(await client.GetReceiptAsync(4, size)));
            Assert.Equal(
                InclusionProofJson.ToUtf8(await api.Node.GetInclusionProofAsync(4, size)), InclusionProofJson.ToUtf8(await client.GetInclusionProofAsync(4, size)));
            Assert.Equal(
                ConsistencyProofJson.ToUtf8(await api.Node.GetConsistencyProofAsync(4, size)), ConsistencyProofJson.ToUtf8(await client.GetConsistencyProofAsync(4, size)));
        }

        Assert.True((await Assert.ThrowsAsync<LedgerRangeException>(() => client.GetReceiptAsync(10))).IsBeyondLedger);
        Assert.False((await Assert.ThrowsAsync<LedgerRangeException>(() => client.GetInclusionProofAsync(4, 2))).IsBeyondLedger);
        Assert.Equal("sequence", (await Assert.ThrowsAsync<LedgerRangeException>(() => client.GetReceiptAsync(0))).Parameter);
        Assert.True((await Assert.ThrowsAsync<LedgerRangeException>(() => client.GetConsistencyProofAsync(4, 10))).IsBeyondLedger);
        api.Node.ProofFault = new SwarmUnavailableException(NotCommittedReason.NoLeader, "No quorum.");
        await Assert.ThrowsAsync<SwarmUnavailableException>(() => client.GetReceiptAsync(4));
    }

    private static LedgerReceipt ReceiptIn(JsonElement accepted)
    {
        Assert.True(
            LedgerReceiptJson.TryParse(JsonMarshal.GetRawUtf8Value(accepted.GetProperty("receipt")), out LedgerReceipt? receipt, out InputFault? fault), fault?.Message);
        return receipt;
    }

    private static LedgerReceipt ReceiptOf(Answer answer)
    {
        Assert.Equal(HttpStatusCode.OK, answer.Status);
        Assert.True(LedgerReceiptJson.TryParse(Encoding.UTF8.GetBytes(answer.Text), out LedgerReceipt? receipt, out InputFault? fault), fault?.Message);
        return receipt;
    }
}
