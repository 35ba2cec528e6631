using System.Net;
using System.Text.Json;
using Converge.Core;
using Converge.Swarm.Http.OpenApi;
using Converge.Swarm.Http.Problems;
using Converge.Swarm.Http.Proposals;
using Converge.Swarm.Tests;
using Microsoft.AspNetCore.Routing;

namespace Converge.Swarm.Http.Tests;

public sealed class OpenApiTests
{
    [Fact]
    public async Task It_describes_every_route_and_no_other()
    {
        await using Api api = await Api.StartAsync();
        Answer answer = await api.GetAsync(OpenApiEndpoint.Path);
        Assert.Equal((HttpStatusCode.OK, "application/json"), (answer.Status, answer.MediaType));

        IEnumerable<string> described = answer.Json.GetProperty("paths").EnumerateObject()
            .SelectMany(path => path.Value.EnumerateObject().Select(operation => $"{operation.Name.ToUpperInvariant()} {path.Name}"));
        IEnumerable<string> routed = api.Host.Endpoints.Cast<RouteEndpoint>().SelectMany(endpoint =>
            endpoint.Metadata.GetRequiredMetadata<IHttpMethodMetadata>().HttpMethods.Select(method => $"{method} {PathOf(endpoint)}"));

        Assert.Equal(routed.Order(StringComparer.Ordinal), described.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Every_parameter_it_describes_is_taken_and_every_other_is_refused()
    {
        await using Api api = await Api.StartAsync(proposals: new OnePageIndex());
        await api.BatchAsync(Samples.Lines(3));
        foreach ((string path, JsonElement operation) in Operations(OpenApiDocument.Load(), "get"))
        {
            if (path.EndsWith("/stream", StringComparison.Ordinal))
            {
                // Has no end to wait for; StreamTests take its parameters one by one.
                continue;
            }

            string target = path.Replace("{sequence}", "1", StringComparison.Ordinal).Replace("{id}", "p1", StringComparison.Ordinal);
            JsonElement[] parameters = [.. operation.GetProperty("parameters").EnumerateArray().Where(parameter => parameter.GetProperty("in").GetString() is "query")];
            string[] required = [.. parameters.Where(parameter => parameter.GetProperty("required").GetBoolean()).Select(Example)];
            foreach (string parameter in parameters.Select(Example).Except(required).Append(""))
            {
                // A list and one proposal share a path.
                string[] beside = path is "/v1/proposals" && parameter.StartsWith("consistency", StringComparison.Ordinal) ? ["id=p1"] : required;
                string query = string.Join('&', beside.Append(parameter).Where(one => one.Length > 0));
                Answer answer = await api.GetAsync($"{target}?{query}");
                Assert.True(answer.Status == HttpStatusCode.OK, $"{target}?{query}: {answer.Text}");
            }

            if (!path.StartsWith("/healthz", StringComparison.Ordinal) && !path.StartsWith("/readyz", StringComparison.Ordinal))
            {
                Answer unknown = await api.GetAsync($"{target}?{string.Join('&', [.. required, "colour=red"])}");
                unknown.AssertProblem(HttpStatusCode.BadRequest, "unknown_field");
            }
        }
    }

    /// <summary>Every code that an answer can have.</summary>
    private static IEnumerable<string> Codes =>
        Enum.GetValues<InputFaultCode>().Select(code => code.Name())
            .Concat(Enum.GetValues<RefusalCode>().Select(code => code.Name()))
            .Concat(Enum.GetValues<NotCommittedReason>().Select(code => code.Name()))
            .Concat(Enum.GetValues<TransferRefusal>().Select(code => code.Name()))
            .Concat(Enum.GetValues<MembershipRefusal>().Select(code => code.Name()))
            .Concat(typeof(ProblemCodes).GetFields().Select(constant => (string)constant.GetRawConstantValue()!))
            .Distinct(StringComparer.Ordinal)
            .Order(StringComparer.Ordinal);

    [Fact]
    public void The_page_names_every_code_or_the_page_on_JSON_does()
    {
        string pages = File.ReadAllText(RepositoryFiles.Find("docs", "http-api.md")) + File.ReadAllText(RepositoryFiles.Find("docs", "formats", "json.md"));
        Assert.DoesNotContain(Codes, code => !pages.Contains($"`{code}`", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Whatever_takes_a_body_says_what_becomes_of_one_that_is_too_large_or_of_another_type()
    {
        await using Api api = await Api.StartAsync();
        foreach ((string path, JsonElement operation) in Operations(OpenApiDocument.Load(), "post"))
        {
            Assert.True(operation.GetProperty("responses").TryGetProperty("413", out _) && operation.GetProperty("responses").TryGetProperty("415", out _), path);
            using StringContent text = new("x");
            using HttpResponseMessage response = await api.Http.PostAsync(path, text);
            Assert.Equal(HttpStatusCode.UnsupportedMediaType, response.StatusCode);
        }
    }

    [Fact]
    public void It_names_every_code_that_an_answer_can_have()
    {
        JsonElement problem = OpenApiDocument.Load().GetProperty("components").GetProperty("schemas").GetProperty("Problem");
        Assert.Equal(
            Codes,
            problem.GetProperty("properties").GetProperty("code").GetProperty("enum").EnumerateArray().Select(code => code.GetString()!).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Every_schema_is_used_and_every_reference_leads_somewhere()
    {
        JsonElement document = OpenApiDocument.Load();
        HashSet<string> schemas = [.. document.GetProperty("components").GetProperty("schemas").EnumerateObject().Select(schema => $"#/components/schemas/{schema.Name}")];
        HashSet<string> used = [.. References(document)];
        Assert.Equal(schemas.Order(StringComparer.Ordinal), used.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Every_fact_fits_its_schema()
    {
        JsonElement document = OpenApiDocument.Load();
        FactSubmission[] facts =
        [
            new(new ProposalCreated("p", "a", "t", "c"), 1, new CommandId("s", 1), 2, new LamportTimestamp(3, new NodeId(4))),
            new(new ValidationPassed("p", "v", "d")),
            new(new ValidationPassed("p", "v")),
            new(new ValidationFailed("p", "v", "r")),
            new(new PromotionApproved("p", "a")),
            new(new PromotionRejected("p", "a", "r")),
            new(new RollbackIssued("p", "i", "r")),
            new(new OverrideGranted("p", "g", "r")),
        ];
        Assert.All(facts, fact => Assert.Null(OpenApiDocument.Misfit(document, "Fact", JsonDocument.Parse(Samples.Json(fact)).RootElement)));
        Assert.NotNull(OpenApiDocument.Misfit(document, "Fact", JsonDocument.Parse("""{"type":"promotion_approved","proposal_id":"p"}""").RootElement));
        Assert.NotNull(OpenApiDocument.Misfit(document, "Fact", JsonDocument.Parse("""{"type":"promotion_approved","proposal_id":"p","approver":"a","title":"t"}""").RootElement));
    }

    private static string PathOf(RouteEndpoint endpoint) => endpoint.RoutePattern.RawText!.Replace("{**", "{", StringComparison.Ordinal);

    private static IEnumerable<(string Path, JsonElement Operation)> Operations(JsonElement document, string method) =>
        document.GetProperty("paths").EnumerateObject()
            .Where(path => path.Value.TryGetProperty(method, out _))
            .Select(path => (path.Name, path.Value.GetProperty(method)));

    private static string Example(JsonElement parameter) => parameter.GetProperty("name").GetString() switch
    {
        "consistency" => "consistency=stale",
        "id" => "id=p1",
        "status" => "status=open",
        "fresh" => "fresh=true",
        "cursor" => $"cursor={new ProposalCursor(null, 0, 0)}",
        string name => $"{name}=1",
        null => throw new InvalidOperationException("A parameter has no name."),
    };

    private static IEnumerable<string> References(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.Object => element.EnumerateObject().SelectMany(property =>
            property.NameEquals("$ref") ? [property.Value.GetString()!] : References(property.Value)),
        JsonValueKind.Array => element.EnumerateArray().SelectMany(References),
        _ => [],
    };
}
