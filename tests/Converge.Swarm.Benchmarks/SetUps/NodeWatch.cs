using System.Net;
using Converge.Swarm.Nodes;
using Converge.Swarm.Transport;
using Converge.Swarm.Transport.Wire;

namespace Converge.Swarm.Benchmarks;

/// <summary>Asks one very node for its counters; a client would ask whoever leads.</summary>
internal sealed class NodeWatch : IAsyncDisposable
{
    private readonly NodeConnection _connection;

    private NodeWatch(NodeConnection connection) => _connection = connection;

    public static async Task<NodeWatch> OpenAsync(string cluster, IPEndPoint address) =>
        new(await NodeConnection.OpenAsync(address, cluster, _ => { }, _ => { }, TimeSpan.FromSeconds(10), TimeProvider.System, CancellationToken.None));

    public async Task<NodeCounters> CountersAsync()
    {
        ClientAnswer answer = await _connection.AskAsync(new ClientRequest { Status = new StatusRequest() }, CancellationToken.None);
        return ClientMessageCodec.FromWire(answer.Status).Counters ?? throw new InvalidOperationException("The node does not count.");
    }

    public ValueTask DisposeAsync() => _connection.DisposeAsync();
}
