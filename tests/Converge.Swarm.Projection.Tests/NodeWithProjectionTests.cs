using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Converge.Core;
using Converge.Swarm.Http;
using Microsoft.Extensions.Logging.Abstractions;

namespace Converge.Swarm.Projection.Tests;

/// <summary>A node, its projection and its API together.</summary>
public sealed class NodeWithProjectionTests
{
    [Fact]
    public async Task What_was_acknowledged_is_in_every_fresh_list()
    {
        await using RunningNode node = await RunningNode.StartAsync();
        for (int i = 1; i <= 20; i++)
        {
            await node.CommitAsync(new ProposalCreated($"p{i}", "ann"));
            JsonElement page = await node.GetAsync("/v1/proposals?status=open&fresh=true&limit=1000&wait_ms=30000");
            Assert.Equal(i, page.GetProperty("proposals").GetArrayLength());
        }

        FactAccepted approval = await node.CommitAsync(new PromotionApproved("p7", "bob"));
        JsonElement approved = await node.GetAsync($"/v1/proposals?status=approved&min_sequence={approval.Sequence}&wait_ms=30000");

        Assert.Equal("p7", Assert.Single(approved.GetProperty("proposals").EnumerateArray()).GetProperty("proposal_id").GetString());
        Assert.True(approved.GetProperty("as_of_sequence").GetUInt64() >= approval.Sequence);
        JsonElement projection = (await node.GetAsync("/v1/status")).GetProperty("projection");
        Assert.Equal("sqlite", projection.GetProperty("store").GetString());
        Assert.Equal(0UL, projection.GetProperty("records_behind").GetUInt64());
    }

    [Fact]
    public async Task A_projection_that_fails_stops_no_commit()
    {
        await using RunningNode node = await RunningNode.StartAsync(folder =>
        {
            Directory.CreateDirectory(folder);
            File.WriteAllText(Path.Combine(folder, LedgerProjection.FolderName), "in the way");
        });

        await node.CommitAsync(new ProposalCreated("p", "ann"));
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await node.Http.GetAsync("/v1/proposals")).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await node.Http.GetAsync("/readyz")).StatusCode);

        JsonElement status = await node.GetAsync("/v1/status");
        Assert.Contains(status.GetProperty("problems").EnumerateArray(), one => one.GetString()!.Contains("projection", StringComparison.Ordinal));
        Assert.True(status.GetProperty("projection").GetProperty("records_behind").GetUInt64() > 0);
        await node.CommitAsync(new PromotionApproved("p", "bob"));
    }

    private sealed class RunningNode : IAsyncDisposable
    {
        private readonly TemporaryFolder _folder;
        private readonly SwarmNode _node;
        private readonly LedgerProjection _projection;
        private readonly HttpHost _host;

        private RunningNode(TemporaryFolder folder, SwarmNode node, LedgerProjection projection, HttpHost host)
        {
            (_folder, _node, _projection, _host) = (folder, node, projection, host);
            Http = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = host.Url };
        }

        public HttpClient Http { get; }

        public static async Task<RunningNode> StartAsync(Action<string>? prepare = null)
        {
            TemporaryFolder folder = new();
            prepare?.Invoke(folder.Sub("node"));
            SwarmOptions options = new()
            {
                Cluster = "test",
                Node = new NodeId(1),
                DataFolder = folder.Sub("node"),
                Members = [new MemberOptions(new NodeId(1), FreePort(), null)],
                Tick = TimeSpan.FromMilliseconds(10),
                LogSegmentBytes = 32 * 1024 * 1024,
                LedgerSegmentBytes = 1024 * 1024,
            };
            SwarmNode node = await SwarmNode.StartAsync(options, NullLoggerFactory.Instance);
            LedgerProjection projection = LedgerProjection.Follow(node, options, NullLoggerFactory.Instance)!;
            HttpHost host = await HttpHost.StartAsync(node.Client, new IPEndPoint(IPAddress.Loopback, 0), NullLoggerFactory.Instance, proposals: projection);
            return new RunningNode(folder, node, projection, host);
        }

        /// <summary>Commits a fact; again while there is no leader yet, which changes nothing.</summary>
        public async Task<FactAccepted> CommitAsync(GovernanceFact fact)
        {
            using CancellationTokenSource deadline = new(TimeSpan.FromSeconds(60));
            while (true)
            {
                CommitAnswer answer = await _node.Client.CommitAsync(new FactSubmission(fact), deadline.Token);
                if (answer is FactAccepted accepted)
                {
                    return accepted;
                }

                Assert.IsType<FactNotCommitted>(answer);
                deadline.Token.ThrowIfCancellationRequested();
                await Task.Yield();
            }
        }

        public async Task<JsonElement> GetAsync(string path)
        {
            using HttpResponseMessage response = await Http.GetAsync(path);
            string body = await response.Content.ReadAsStringAsync();
            Assert.True(response.IsSuccessStatusCode, body);
            return JsonDocument.Parse(body).RootElement;
        }

        public async ValueTask DisposeAsync()
        {
            Http.Dispose();
            await _host.DisposeAsync();
            await _projection.DisposeAsync();
            await _node.DisposeAsync();
            _folder.Dispose();
        }

        private static IPEndPoint FreePort()
        {
            using Socket probe = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            probe.Bind(new IPEndPoint(IPAddress.Loopback, 0));
            return (IPEndPoint)probe.LocalEndPoint!;
        }
    }
}
