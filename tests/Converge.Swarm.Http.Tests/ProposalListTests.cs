using System.Net;
using System.Text;
using System.Text.Json;
using Converge.Core;
using Converge.Swarm.Http.Proposals;
using Converge.Swarm.Http.Status;

namespace Converge.Swarm.Http.Tests;

public sealed class ProposalListTests
{
    [Fact]
    public async Task A_node_without_a_projection_says_so()
    {
        await using Api api = await Api.StartAsync();

        (await api.GetAsync("/v1/proposals?status=open")).AssertProblem(HttpStatusCode.ServiceUnavailable, "no_projection");
    }

    [Fact]
    public async Task A_page_says_what_it_is_as_of_and_where_the_next_begins()
    {
        MemoryIndex index = new();
        index.Add(5);
        await using Api api = await Api.StartAsync(proposals: index);

        Answer first = await api.GetAsync("/v1/proposals?status=open&limit=2");
        string next = first.Json.GetProperty("next").GetString()!;
        Answer second = await api.GetAsync($"/v1/proposals?status=open&limit=2&cursor={next}");
        Answer last = await api.GetAsync($"/v1/proposals?status=open&limit=2&cursor={second.Json.GetProperty("next").GetString()}");

        Assert.Equal(["p1", "p2"], IdsOf(first));
        Assert.Equal(["p3", "p4"], IdsOf(second));
        Assert.Equal(["p5"], IdsOf(last));
        Assert.Equal(JsonValueKind.Null, last.Json.GetProperty("next").ValueKind);
        Assert.Equal(5UL, last.Json.GetProperty("as_of_sequence").GetUInt64());
        JsonElement proposal = first.Json.GetProperty("proposals")[0];
        Assert.Equal("1700000000.000", proposal.GetProperty("created_at").GetRawText());
        Assert.Equal("1700000001.250", proposal.GetProperty("last_at").GetRawText());
        Assert.Equal("open", proposal.GetProperty("status").GetString());
        Assert.False(proposal.TryGetProperty("decided_by", out _));
    }

    [Fact]
    public async Task Without_a_status_all_are_listed()
    {
        MemoryIndex index = new();
        index.Add(2);
        await using Api api = await Api.StartAsync(proposals: index);

        Assert.Equal(2, IdsOf(await api.GetAsync("/v1/proposals")).Length);
        Assert.Null(index.Queries[^1].Status);
        Assert.Equal(100, index.Queries[^1].Limit);
    }

    [Fact]
    public async Task A_page_is_never_older_than_the_one_before_it()
    {
        MemoryIndex index = new();
        index.Add(5);
        await using Api api = await Api.StartAsync(proposals: index);
        Answer first = await api.GetAsync("/v1/proposals?limit=2");

        await api.GetAsync($"/v1/proposals?limit=2&cursor={first.Json.GetProperty("next").GetString()}");

        Assert.Equal(5UL, index.Queries[^1].MinSequence);
    }

    [Fact]
    public async Task A_fresh_page_waits_for_the_head_of_a_linearizable_read()
    {
        MemoryIndex index = new();
        await using Api api = await Api.StartAsync(proposals: index);
        await api.BatchAsync(Samples.Lines(3));

        await api.GetAsync("/v1/proposals?fresh=true&wait_ms=1234");

        Assert.Equal(ReadConsistency.Linearizable, api.Node.LastConsistency);
        Assert.Equal(3UL, index.Queries[^1].MinSequence);
        Assert.Equal(TimeSpan.FromMilliseconds(1234), index.Queries[^1].Wait);

        await api.GetAsync("/v1/proposals?fresh=false");
        Assert.Equal(0UL, index.Queries[^1].MinSequence);
    }

    [Fact]
    public async Task A_sequence_can_be_waited_for()
    {
        MemoryIndex index = new();
        await using Api api = await Api.StartAsync(proposals: index);

        await api.GetAsync("/v1/proposals?min_sequence=42");

        Assert.Equal(42UL, index.Queries[^1].MinSequence);
    }

    [Theory]
    [InlineData("status=closed", "status", "invalid_value")]
    [InlineData("status=", "status", "invalid_value")]
    [InlineData("limit=0", "limit", "invalid_value")]
    [InlineData("limit=1001", "limit", "invalid_value")]
    [InlineData("cursor=", "cursor", "invalid_value")]
    [InlineData("cursor=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "cursor", "invalid_value")]
    [InlineData("cursor=%2e%2e", "cursor", "invalid_value")]
    [InlineData("cursor=AQIDAAAAAAAAAKyRAAAAAAAA1eoaZ%21", "cursor", "invalid_value")]
    [InlineData("fresh=1", "fresh", "invalid_value")]
    [InlineData("min_sequence=-1", "min_sequence", "invalid_value")]
    [InlineData("wait_ms=30001", "wait_ms", "invalid_value")]
    [InlineData("status=open&status=open", "status", "duplicate_field")]
    [InlineData("state=open", "state", "unknown_field")]
    [InlineData("id=p&status=open", "status", "unknown_field")]
    public async Task A_parameter_that_is_not_understood_is_400_and_asks_nothing(string query, string field, string code)
    {
        MemoryIndex index = new();
        await using Api api = await Api.StartAsync(proposals: index);

        Answer answer = await api.GetAsync($"/v1/proposals?{query}");

        Assert.Equal(field, answer.AssertProblem(HttpStatusCode.BadRequest, code).GetProperty("field").GetString());
        Assert.Empty(index.Queries);
    }

    [Fact]
    public async Task A_cursor_goes_on_with_its_own_status_only()
    {
        MemoryIndex index = new();
        index.Add(3);
        await using Api api = await Api.StartAsync(proposals: index);
        string next = (await api.GetAsync("/v1/proposals?status=open&limit=1")).Json.GetProperty("next").GetString()!;

        Answer answer = await api.GetAsync($"/v1/proposals?status=approved&cursor={next}");

        Assert.Equal("cursor", answer.AssertProblem(HttpStatusCode.BadRequest, "invalid_value").GetProperty("field").GetString());
    }

    [Fact]
    public void A_cursor_with_a_character_that_no_cursor_has_is_refused_and_no_fault_of_the_program()
    {
        string good = new ProposalCursor(ProposalStatus.Open, 3, 7).ToString();
        for (int at = 0; at < good.Length; at++)
        {
            foreach (char strange in "!+/= %.\0\u00fc\ud800")
            {
                string text = $"{good[..at]}{strange}{good[(at + 1)..]}";
                Assert.False(ProposalCursor.TryParse(text, out _), text);
            }
        }
    }

    [Fact]
    public void A_cursor_with_any_character_changed_is_refused()
    {
        string text = new ProposalCursor(ProposalStatus.Approved, 12, 345).ToString();
        Assert.True(ProposalCursor.TryParse(text, out ProposalCursor? read));
        Assert.Equal(new ProposalCursor(ProposalStatus.Approved, 12, 345), read);
        Assert.Equal(ProposalCursor.Length, text.Length);

        for (int i = 0; i < text.Length; i++)
        {
            StringBuilder changed = new(text);
            changed[i] = changed[i] == 'A' ? 'B' : 'A';
            Assert.False(ProposalCursor.TryParse(changed.ToString(), out _), $"{changed} was taken.");
        }

        Assert.False(ProposalCursor.TryParse(text[..^1], out _));
        Assert.False(ProposalCursor.TryParse($"{text}=", out _));
        Assert.False(ProposalCursor.TryParse(new ProposalCursor(null, 346, 345).ToString(), out _));
    }

    [Theory]
    [InlineData(ProposalIndexFault.Behind, "projection_behind")]
    [InlineData(ProposalIndexFault.Failing, "projection_failing")]
    [InlineData(ProposalIndexFault.Busy, "busy")]
    public async Task An_index_that_does_not_answer_is_503_and_worth_trying_again(ProposalIndexFault fault, string code)
    {
        MemoryIndex index = new() { Fault = new ProposalIndexUnavailableException(fault, "Not now.") };
        await using Api api = await Api.StartAsync(proposals: index);

        Answer answer = await api.GetAsync("/v1/proposals");

        answer.AssertProblem(HttpStatusCode.ServiceUnavailable, code);
        Assert.NotNull(answer.Headers.RetryAfter);
    }

    [Fact]
    public async Task A_fresh_page_without_a_leader_is_503()
    {
        await using Api api = await Api.StartAsync(proposals: new MemoryIndex());
        api.Node.Fault = new SwarmUnavailableException(NotCommittedReason.NoLeader, "No leader.");

        (await api.GetAsync("/v1/proposals?fresh=true")).AssertProblem(HttpStatusCode.ServiceUnavailable, "no_leader");
        Assert.Equal(HttpStatusCode.OK, (await api.GetAsync("/v1/proposals")).Status);
    }

    [Fact]
    public async Task The_status_shows_the_projection_and_its_problem_and_stays_ready()
    {
        MemoryIndex index = new()
        {
            Status = new ProjectionStatus { Store = "sqlite", Sequence = 5, RecordsBehind = 2, RecordsPerSecond = 1234.56, Problem = "The disk is full." },
        };
        await using Api api = await Api.StartAsync(proposals: index);

        Answer answer = await api.GetAsync("/v1/status");
        SwarmStatus status = SwarmStatusJson.Parse(Encoding.UTF8.GetBytes(answer.Text));

        Assert.Equal(index.Status with { RecordsPerSecond = 1234.6 }, status.Projection);
        Assert.Contains("The disk is full.", status.Problems);
        Assert.True(status.Ready);
        Assert.Equal(HttpStatusCode.OK, (await api.GetAsync("/readyz")).Status);
    }

    [Fact]
    public async Task A_status_without_a_projection_has_no_such_section()
    {
        await using Api api = await Api.StartAsync();

        Answer answer = await api.GetAsync("/v1/status");

        Assert.False(answer.Json.TryGetProperty("projection", out _));
        Assert.Null(SwarmStatusJson.Parse(Encoding.UTF8.GetBytes(answer.Text)).Projection);
    }

    private static string[] IdsOf(Answer answer) =>
        [.. answer.Json.GetProperty("proposals").EnumerateArray().Select(one => one.GetProperty("proposal_id").GetString()!)];

    /// <summary>An index in memory that keeps what it was asked.</summary>
    private sealed class MemoryIndex : IProposalIndex
    {
        private readonly List<ProposalSummary> _proposals = [];

        public List<ProposalQuery> Queries { get; } = [];

        public Exception? Fault { get; init; }

        public ProjectionStatus Status { get; init; } = new() { Store = "memory", Sequence = 0, RecordsBehind = 0, RecordsPerSecond = null, Problem = null };

        public void Add(int count)
        {
            for (ulong i = 1; i <= (ulong)count; i++)
            {
                _proposals.Add(new ProposalSummary($"p{i}", ProposalStatus.Open, 1, "ann", null, null, null, i, i, 1_700_000_000_000, 1_700_000_001_250));
            }
        }

        public Task<ProposalPage> ListAsync(ProposalQuery query, CancellationToken cancellationToken = default)
        {
            Queries.Add(query);
            if (Fault is not null)
            {
                throw Fault;
            }

            List<ProposalSummary> found = [.. _proposals.Where(one => one.CreatedSequence > query.AfterCreated && (query.Status ?? one.Status) == one.Status)];
            return Task.FromResult(new ProposalPage([.. found.Take(query.Limit)], found.Count > query.Limit, (ulong)_proposals.Count));
        }
    }
}
