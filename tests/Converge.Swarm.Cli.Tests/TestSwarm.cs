using System.Net;
using Converge.Core;
using Converge.Core.Json;
using Converge.Swarm.Http;
using Converge.Swarm.Http.Tests;
using Microsoft.Extensions.Logging.Abstractions;

namespace Converge.Swarm.Cli.Tests;

/// <summary>A swarm of one in memory, with as many addresses as wanted.</summary>
internal sealed class TestSwarm : IAsyncDisposable
{
    private readonly List<HttpHost> _hosts = [];

    public SingleNode Node { get; } = new();

    public string Url => Urls[0];

    public IReadOnlyList<string> Urls => [.. _hosts.Select(host => host.Url.GetLeftPart(UriPartial.Authority))];

    public static async Task<TestSwarm> StartAsync(int addresses = 1)
    {
        TestSwarm swarm = new();
        for (int i = 0; i < addresses; i++)
        {
            swarm._hosts.Add(await HttpHost.StartAsync(swarm.Node, new IPEndPoint(IPAddress.Loopback, 0), NullLoggerFactory.Instance));
        }

        return swarm;
    }

    /// <summary>An address at which nobody answers.</summary>
    public static string NobodyThere()
    {
        using System.Net.Sockets.TcpListener listener = new(IPAddress.Loopback, 0);
        listener.Start();
        return $"http://{listener.LocalEndpoint}";
    }

    public Task<CommandResult> RunAsync(params string[] arguments) => ConvergeRun.InProcessAsync([.. arguments, "--url", Url]);

    public async ValueTask DisposeAsync()
    {
        foreach (HttpHost host in _hosts)
        {
            await host.DisposeAsync();
        }
    }
}

/// <summary>Facts for files.</summary>
internal static class Facts
{
    public static string Line(GovernanceFact fact, CommandId? command = null) =>
        System.Text.Encoding.UTF8.GetString(FactJson.ToUtf8(new FactSubmission(fact, CommandId: command))) + "\n";

    /// <summary>A file in which each proposal is created, validated and approved, the steps of all of them interleaved.</summary>
    public static string Interleaved(int proposals) => string.Concat(
    [
        .. Enumerable.Range(1, proposals).Select(i => Line(new ProposalCreated($"p{i}", "ann"))),
        .. Enumerable.Range(1, proposals).Select(i => Line(new ValidationPassed($"p{i}", "ci"))),
        .. Enumerable.Range(1, proposals).Select(i => Line(new PromotionApproved($"p{i}", "bob"))),
    ]);
}
