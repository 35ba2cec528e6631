using System.Globalization;
using System.Net;
using System.Text;
using Converge.Core;
using Converge.Core.Json;
using Converge.Swarm.Cli.Processes;
using Converge.Swarm.Http;
using Xunit.Abstractions;

namespace Converge.Swarm.Cli.Tests.Durability;

/// <summary>More clients than there is room for.</summary>
[Collection(DurabilityCollection.Name)]
public sealed class OverloadTests(ITestOutputHelper output)
{
    private const int Clients = 500;
    private const int ManyClients = 2_000;
    private const int BatchFacts = 100;
    private const int MaxPendingCommands = 256;

    // A node that does nothing has about 100 MB; the batches together have a multiple of this.
    private const long MaxResidentBytes = 400L * 1024 * 1024;

    [Fact]
    public async Task Many_clients_with_large_batches_get_answers_or_are_told_to_come_back_and_memory_stays_bounded()
    {
        await using ProcessSwarm swarm = await ProcessSwarm.StartAsync(options => options with { MaxPendingCommands = MaxPendingCommands });
        ClientHistory history = new(Guid.NewGuid().ToString("n", CultureInfo.InvariantCulture)[..8]);
        HttpClient[] nodes = [.. swarm.Nodes.Select(Api.Client)];

        (int Answered, int SentBack)[] outcomes = await Eventually.CompletesAsync(
            "every client to be answered",
            Task.WhenAll(Enumerable.Range(0, Clients).Select(client => Task.Run(() => SubmitAsync(nodes[client % nodes.Length], history, client)))));

        Assert.All(outcomes, outcome => Assert.Equal(BatchFacts, outcome.Answered + outcome.SentBack));
        Assert.True(outcomes.Sum(outcome => outcome.Answered) > 0, "Nobody was served.");
        Assert.True(outcomes.Sum(outcome => outcome.SentBack) > 0, "Nobody was sent back: this was no overload.");
        output.WriteLine($"{outcomes.Sum(outcome => outcome.Answered)} facts answered, {outcomes.Sum(outcome => outcome.SentBack)} sent back.");
        if (OperatingSystem.IsLinux())
        {
            output.WriteLine($"Peak memory in bytes: {string.Join(", ", swarm.Nodes.Select(PeakResidentBytes))}.");
            Assert.All(swarm.Nodes, node => Assert.InRange(PeakResidentBytes(node), 1, MaxResidentBytes));
        }

        await using ClientLoad load = await ClientLoad.StartAsync(swarm);
        await swarm.ProveAsync(await load.FinishAsync());
        await swarm.ProveAsync(history);
        Array.ForEach(nodes, node => node.Dispose());
    }

    /// <summary>
    /// Two thousand clients that come at the same moment, each with a connection of its own and one fact: nobody is left without a word.
    /// </summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Two_thousand_clients_at_once_get_answers_or_busy_and_memory_stays_bounded(bool framed)
    {
        await using ProcessSwarm swarm = await ProcessSwarm.StartAsync(
            options => options with { MaxPendingCommands = MaxPendingCommands, RequestTimeout = Eventually.Patience / 2 });
        await swarm.LeaderAsync();
        ClientHistory history = new(Guid.NewGuid().ToString("n", CultureInfo.InvariantCulture)[..8]);
        using SemaphoreSlim start = new(0);
        Task<CommitAnswer>[] clients =
        [
            .. Enumerable.Range(0, ManyClients).Select(client => Task.Run(async () =>
            {
                FactSubmission fact = new(
                    new ProposalCreated(string.Create(CultureInfo.InvariantCulture, $"{history.Name}-{client}"), "author://crowd", new string('x', FactLimits.MaxTitleLength)),
                    CommandId: new CommandId(history.Name, (ulong)client + 1));
                CommitAnswer answer = framed ? await CommitFramedAsync(swarm, fact, start) : await CommitOverHttpAsync(swarm.Nodes[client % swarm.Nodes.Count], fact, start);
                history.KeepNamed(fact, answer, expected: null);
                return answer;
            })),
        ];
        start.Release(ManyClients);
        CommitAnswer[] answers = await Eventually.CompletesAsync("every client to be answered", Task.WhenAll(clients), swarm.Describe);

        ILookup<string, CommitAnswer> kinds = answers.ToLookup(answer => answer is FactNotCommitted not ? not.Reason.Name() : answer.GetType().Name);
        string told = string.Join(", ", kinds.Select(kind => string.Create(CultureInfo.InvariantCulture, $"{kind.Count()} {kind.Key}")));
        output.WriteLine($"{(framed ? "framed" : "HTTP")}: {told}.");

        // Where the processors are busy with something else, a leader may be lost meanwhile; that is said, too.
        string[] answersThereAre = [nameof(FactAccepted), nameof(FactOutcomeUnknown), .. new[] { NotCommittedReason.Busy, NotCommittedReason.NoLeader, NotCommittedReason.Superseded }.Select(reason => reason.Name())];
        Assert.All(kinds, kind => Assert.Contains(kind.Key, answersThereAre));
        Assert.True(kinds[nameof(FactAccepted)].Any(), $"Nobody was served: {told}.");
        if (OperatingSystem.IsLinux())
        {
            output.WriteLine($"Peak memory in bytes: {string.Join(", ", swarm.Nodes.Select(PeakResidentBytes))}.");
            Assert.All(swarm.Nodes, node => Assert.InRange(PeakResidentBytes(node), 1, MaxResidentBytes));
        }

        await swarm.ProveAsync(history);
    }

    private static async Task<CommitAnswer> CommitOverHttpAsync(LocalNode node, FactSubmission fact, SemaphoreSlim start)
    {
        using HttpSwarmClient client = new(node.Url, Eventually.Patience);
        await start.WaitAsync();
        return await client.CommitAsync(fact);
    }

    private static async Task<CommitAnswer> CommitFramedAsync(ProcessSwarm swarm, FactSubmission fact, SemaphoreSlim start)
    {
        await using SwarmClient client = new(new SwarmClientOptions
        {
            Cluster = "converge",
            Endpoints = [.. swarm.Layout.Members.Select(member => member.Peer)],
            Timeout = Eventually.Patience,
            AttemptTimeout = Eventually.Patience,
            DialTimeout = Eventually.Patience,
        });
        await start.WaitAsync();
        return await client.CommitAsync(fact);
    }

    private static async Task<(int Answered, int SentBack)> SubmitAsync(HttpClient node, ClientHistory history, int client)
    {
        FactSubmission[] facts =
        [
            .. Enumerable.Range(0, BatchFacts).Select(i => new FactSubmission(new ProposalCreated(
                string.Create(CultureInfo.InvariantCulture, $"{history.Name}-{client}-{i}"), "author://overload", new string('x', FactLimits.MaxTitleLength)))),
        ];
        using MemoryStream body = new();
        foreach (FactSubmission fact in facts)
        {
            body.Write(FactJson.ToUtf8(fact));
            body.WriteByte((byte)'\n');
        }

        using HttpResponseMessage answer = await node.PostAsync("/v1/facts/batch", Api.JsonLines(body.ToArray()));
        if (answer.StatusCode == HttpStatusCode.ServiceUnavailable)
        {
            Assert.Equal("busy", await Api.CodeOfAsync(answer));
            Assert.True(answer.Headers.RetryAfter?.Delta > TimeSpan.Zero);
            return (0, BatchFacts);
        }

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        string[] lines = (await answer.Content.ReadAsStringAsync()).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(BatchFacts, lines.Length);
        int sentBack = 0;
        for (int i = 0; i < lines.Length; i++)
        {
            Assert.True(CommitAnswerJson.TryParse(Encoding.UTF8.GetBytes(lines[i]), out CommitAnswer? told, out _), lines[i]);
            history.KeepAnonymous(facts[i], told);
            if (told is FactNotCommitted notCommitted)
            {
                Assert.Contains(notCommitted.Reason, new[] { NotCommittedReason.Busy, NotCommittedReason.NoLeader, NotCommittedReason.Superseded });
                sentBack++;
            }
        }

        return (lines.Length - sentBack, sentBack);
    }

    /// <summary>The most memory the process ever had, as Linux counts it.</summary>
    private static long PeakResidentBytes(LocalNode node)
    {
        const string Key = "VmHWM:";
        string line = File.ReadLines($"/proc/{node.Process!.Id}/status").First(line => line.StartsWith(Key, StringComparison.Ordinal));
        return 1024 * long.Parse(line[Key.Length..].Replace("kB", "", StringComparison.Ordinal), CultureInfo.InvariantCulture);
    }
}
