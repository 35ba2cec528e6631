using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Converge.Core;
using Converge.Swarm.Tests;

namespace Converge.Swarm.Http.Tests;

/// <summary>
/// Every shape of answer, byte for byte, in files that are reviewed: clients rely on them. With <c>CONVERGE_WRITE_SNAPSHOTS=1</c> they are
/// written anew.
/// </summary>
public sealed class SnapshotTests
{
    private const string WriteVariable = "CONVERGE_WRITE_SNAPSHOTS";
    private const string DataField = "data: ";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private static readonly Request[] Requests =
    [
        new("fact-accepted", "POST", "/v1/facts", """{"type":"proposal_created","proposal_id":"p-1","author":"author://ann","title":"A \"title\" für alle","content_hash":"c0ffee","at":1700000000,"command_id":{"session":"s","number":1},"expected_revision":0,"lamport":{"counter":41,"node":7}}"""),
        new("fact-accepted-with-receipt", "POST", "/v1/facts?receipt=true", """{"type":"validation_failed","proposal_id":"p-1","validator":"validator://tests","reason":"line one\nline two"}"""),
        new("fact-refused", "POST", "/v1/facts", """{"type":"promotion_approved","proposal_id":"p-1","approver":"reviewer://bob"}"""),
        new("fact-malformed", "POST", "/v1/facts", """{"type":"promotion_approved","proposal_id":"p-1","colour":"red"}"""),
        new("fact-not-committed", "POST", "/v1/facts", """{"type":"override_granted","proposal_id":"no-leader","grantor":"g","reason":"r"}"""),
        new("fact-unknown", "POST", "/v1/facts", """{"type":"override_granted","proposal_id":"unknown","grantor":"g","reason":"r"}"""),
        new("fact-of-another-type", "POST", "/v1/facts", "x", "text/plain"),
        new(
            "batch",
            "POST",
            "/v1/facts/batch",
            """
            {"type":"override_granted","proposal_id":"p-1","grantor":"boss://eve","reason":"r"}
            {"type":"validation_passed","proposal_id":"p-1","validator":"validator://lint","detail":"d"}
            {"type":"promotion_approved","proposal_id":"p-1","approver":"reviewer://bob"}
            {"type":"promotion_rejected","proposal_id":"p-1","approver":"reviewer://bob","reason":"r"}
            {"type":"override_granted","proposal_id":"no-leader","grantor":"g","reason":"r"}
            {"type":"override_granted","proposal_id":"unknown","grantor":"g","reason":"r"}
            {"type":"rollback_issued","proposal_id":"p-1","issuer":"i","reason":""}
            x
            """,
            "application/jsonl"),
        new("batch-with-receipts", "POST", "/v1/facts/batch?receipt=true", """{"type":"rollback_issued","proposal_id":"p-1","issuer":"i","reason":"r"}""", "application/jsonl"),
        new("records", "GET", "/v1/facts?from=1&limit=3"),
        new("records-beyond-the-end", "GET", "/v1/facts?from=100"),
        new("records-misunderstood", "GET", "/v1/facts?limit=0"),
        new("stream", "GET", "/v1/facts/stream?from=2", Events: 3),
        new("receipt", "GET", "/v1/facts/1/receipt?size=4"),
        new("receipt-beyond-the-ledger", "GET", "/v1/facts/100/receipt"),
        new("inclusion-proof", "GET", "/v1/ledger/proof/2?size=5"),
        new("consistency-proof", "GET", "/v1/ledger/consistency?from=3&to=5"),
        new("head", "GET", "/v1/ledger/head"),
        new("proposal", "GET", "/v1/proposals/p-1"),
        new("proposal-by-query", "GET", "/v1/proposals?id=p-1&consistency=stale"),
        new("proposal-by-lease", "GET", "/v1/proposals/p-1?consistency=leased"),
        new("proposal-unknown", "GET", "/v1/proposals/p-2"),
        new("proposals", "GET", "/v1/proposals"),
        new("proposals-misunderstood", "GET", "/v1/proposals?status=lost"),
        new("leadership-transferred", "POST", "/v1/leader/transfer", """{"to":1}"""),
        new("leadership-misunderstood", "POST", "/v1/leader/transfer", """{"to":0}"""),
        new("members", "GET", "/v1/members"),
        new("members-changed", "POST", "/v1/members", """{"steps":[{"step":"added","node":4,"role":"voter","peer":"127.0.0.1:7204","http":"http://127.0.0.1:7104"}]}"""),
        new("members-misunderstood", "POST", "/v1/members", """{"steps":[{"step":"added","node":4,"role":"king","peer":"127.0.0.1:7204"}]}"""),
        new("member-removed", "DELETE", "/v1/members/4"),
        new("status", "GET", "/v1/status"),
        new("health", "GET", "/healthz"),
        new("health-head", "HEAD", "/healthz"),
        new("readiness", "GET", "/readyz"),
        new("readiness-head", "HEAD", "/readyz"),
        new("unknown-path", "GET", "/v2"),
        new("method-not-allowed", "DELETE", "/v1/facts"),
    ];

    private static readonly string Folder = Path.Combine(RepositoryFiles.Root, "tests", "Converge.Swarm.Http.Tests", "Snapshots");

    [Fact]
    public async Task Every_answer_is_as_it_always_was_and_as_it_is_described()
    {
        await using Api api = await StartAsync();
        JsonElement document = OpenApiDocument.Load();
        HashSet<string> shown = [];
        foreach (Request request in Requests)
        {
            Answer answer = await SendAsync(api, request);
            AssertSnapshot(request, answer);
            if (Described(document, request, answer) is { } operation)
            {
                shown.Add($"{operation} {(int)answer.Status}");
            }
        }

        await AssertNotReadyAsync(api, document);
        AssertEveryGoodAnswerIsShown(document, shown);
    }

    [Fact]
    public void No_snapshot_is_left_over() => Assert.Equal(
        Requests.Select(request => request.Name).Append("readiness-not-ready").Order(StringComparer.Ordinal),
        Directory.GetFiles(Folder).Select(file => Path.GetFileNameWithoutExtension(file)!).Order(StringComparer.Ordinal));

    private static async Task<Api> StartAsync()
    {
        Api api = await Api.StartAsync(proposals: new OnePageIndex());
        api.Node.Answer = submission => submission.Fact.ProposalId switch
        {
            "no-leader" => new FactNotCommitted(NotCommittedReason.NoLeader, "No leader is known."),
            "unknown" => new FactOutcomeUnknown("It may have been recorded."),
            _ => null,
        };
        return api;
    }

    private static async Task AssertNotReadyAsync(Api api, JsonElement document)
    {
        api.Node.Status = status => status with { Ready = false, Leader = NodeId.None, Problems = ["The disk is slow."] };
        Request request = new("readiness-not-ready", "GET", "/readyz");
        Answer answer = await SendAsync(api, request);
        AssertSnapshot(request, answer);
        Described(document, request, answer);
    }

    private static async Task<Answer> SendAsync(Api api, Request request)
    {
        using HttpRequestMessage message = new(new HttpMethod(request.Method), request.Path);
        if (request.Body is not null)
        {
            message.Content = new ByteArrayContent(Encoding.UTF8.GetBytes(request.Body));
            message.Content.Headers.ContentType = MediaTypeHeaderValue.Parse(request.MediaType);
        }

        if (request.Events == 0)
        {
            using HttpResponseMessage response = await api.Http.SendAsync(message);
            return await Answer.OfAsync(response);
        }

        // A stream has no end: its first events stand for it.
        using HttpResponseMessage stream = await api.Http.SendAsync(message, HttpCompletionOption.ResponseHeadersRead);
        using StreamReader lines = new(await stream.Content.ReadAsStreamAsync());
        StringBuilder text = new();
        for (int left = request.Events; left > 0;)
        {
            string line = (await lines.ReadLineAsync().WaitAsync(Patience))!;
            text.Append(line).Append('\n');
            left -= line.Length == 0 ? 1 : 0;
        }

        return new Answer(stream.StatusCode, text.ToString(), stream.Content.Headers.ContentType?.MediaType, stream.Headers, stream.Content.Headers);
    }

    private static void AssertSnapshot(Request request, Answer answer)
    {
        StringBuilder text = new();
        text.Append(request.Method).Append(' ').Append(request.Path).Append('\n');
        if (request.Body is not null)
        {
            text.Append(request.MediaType).Append("\n\n").Append(request.Body).Append('\n');
        }

        text.Append("\n=> ").Append((int)answer.Status).Append(' ').Append(answer.MediaType).Append('\n');
        foreach ((string name, IEnumerable<string> values) in answer.Headers.Concat(answer.ContentHeaders).OrderBy(header => header.Key, StringComparer.Ordinal))
        {
            if (name is "Location" or "Retry-After" or "Allow")
            {
                text.Append(name).Append(": ").AppendJoin(", ", values).Append('\n');
            }
        }

        text.Append('\n').Append(answer.Text).Append('\n');
        string file = Path.Combine(Folder, $"{request.Name}.txt");
        if (Environment.GetEnvironmentVariable(WriteVariable) is "1")
        {
            Directory.CreateDirectory(Folder);
            File.WriteAllText(file, text.ToString());
        }

        Assert.True(File.Exists(file), $"{file} is missing; {WriteVariable}=1 writes it.");
        Assert.Equal(File.ReadAllText(file), text.ToString());
    }

    /// <summary>Asserts that the answer fits its description; gives the operation, or null when there is none of that path and method.</summary>
    private static string? Described(JsonElement document, Request request, Answer answer)
    {
        string path = request.Path.Split('?')[0];
        JsonProperty described = document.GetProperty("paths").EnumerateObject().FirstOrDefault(template => Fits(template.Name, path));
        if (described.Value.ValueKind != JsonValueKind.Object || !described.Value.TryGetProperty(request.Method.ToLowerInvariant(), out JsonElement operation))
        {
            Assert.True((int)answer.Status is 404 or 405);
            Assert.Null(OpenApiDocument.Misfit(document, "Problem", answer.Json));
            return null;
        }

        Assert.True(
            operation.GetProperty("responses").TryGetProperty(((int)answer.Status).ToString(System.Globalization.CultureInfo.InvariantCulture), out JsonElement response),
            $"{request.Name}: {(int)answer.Status} is not described.");
        JsonElement schema = response.GetProperty("content").GetProperty(answer.MediaType!).GetProperty("schema");
        if (request.Events > 0)
        {
            // Events are text to OpenAPI; what their data is, its words say.
            schema = document.GetProperty("components").GetProperty("schemas").GetProperty("Record");
        }

        string[] values = request.Method is "HEAD" ? []
            : request.Events > 0 ? [.. answer.Text.Split('\n').Where(line => line.StartsWith(DataField, StringComparison.Ordinal)).Select(line => line[DataField.Length..])]
            : answer.MediaType is "application/jsonl" ? answer.Text.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            : [answer.Text];
        Assert.True(request.Events == 0 || values.Length == request.Events);
        Assert.All(values, value => Assert.Null(OpenApiDocument.Misfit(document, schema, JsonDocument.Parse(value).RootElement, request.Name)));
        return operation.GetProperty("operationId").GetString();
    }

    private static void AssertEveryGoodAnswerIsShown(JsonElement document, HashSet<string> shown)
    {
        foreach (JsonProperty operation in document.GetProperty("paths").EnumerateObject().SelectMany(path => path.Value.EnumerateObject()))
        {
            string id = operation.Value.GetProperty("operationId").GetString()!;
            Assert.All(
                operation.Value.GetProperty("responses").EnumerateObject().Where(response => response.Name[0] == '2' && id is not "getOpenApi"),
                response => Assert.Contains($"{id} {response.Name}", shown));
        }
    }

    private static bool Fits(string template, string path)
    {
        string[] parts = template.Split('/');
        string[] given = path.Split('/');
        return parts.Length == given.Length && parts.Zip(given).All(pair => pair.First.StartsWith('{') || string.Equals(pair.First, pair.Second, StringComparison.Ordinal));
    }

    private sealed record Request(string Name, string Method, string Path, string? Body = null, string MediaType = "application/json", int Events = 0);
}
