using Converge.Core;
using Converge.Swarm.Http;

namespace Converge.Swarm.Cli.Connection;

/// <summary>Several nodes of one swarm, any of which can answer.</summary>
internal sealed class SwarmConnection : IDisposable
{
    private readonly HttpSwarmClient[] _nodes;

    public SwarmConnection(IReadOnlyList<Uri> urls) => _nodes = [.. urls.Select(url => new HttpSwarmClient(url))];

    /// <summary>The nodes, in the order they were named.</summary>
    public IReadOnlyList<HttpSwarmClient> Nodes => _nodes;

    /// <summary>Asks one node after the other until one answers.</summary>
    /// <exception cref="SwarmUnavailableException">None does; says why the first did not.</exception>
    public async Task<T> AskAsync<T>(Func<HttpSwarmClient, Task<T>> ask)
    {
        SwarmUnavailableException? first = null;
        foreach (HttpSwarmClient node in _nodes)
        {
            try
            {
                return await ask(node);
            }
            catch (SwarmUnavailableException fault)
            {
                first ??= fault;
            }
        }

        throw first!;
    }

    public void Dispose()
    {
        foreach (HttpSwarmClient node in _nodes)
        {
            node.Dispose();
        }
    }
}
