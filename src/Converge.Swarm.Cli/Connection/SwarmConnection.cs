using System.Globalization;
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

    /// <summary>
    /// Has a node carry a wish to the leader, which any can. One that knows of no leader, or stops, leaves it to the next; what the last
    /// one says is final.
    /// </summary>
    public async Task<T> CarryAsync<T>(Func<HttpSwarmClient, Task<T>> ask, Func<T, bool> isForTheNext)
    {
        T outcome = await ask(_nodes[0]);
        for (int i = 1; i < _nodes.Length && isForTheNext(outcome); i++)
        {
            outcome = await ask(_nodes[i]);
        }

        return outcome;
    }

    /// <summary>Reads records that the ledger is known to have, from the first node that has them: one that lags behind gives none.</summary>
    /// <returns>One at least.</returns>
    /// <exception cref="SwarmUnavailableException">None has them or answers; says why the first did not.</exception>
    public Task<IReadOnlyList<LedgerRecord>> ReadAsync(ulong from, int limit, CancellationToken cancellationToken) => AskAsync(async node =>
    {
        IReadOnlyList<LedgerRecord> records = await node.ReadAsync(from, limit, cancellationToken);
        return records.Count > 0
            ? records
            : throw new SwarmUnavailableException(
                NotCommittedReason.NoLeader, string.Create(CultureInfo.InvariantCulture, $"{node.Url} does not have record {from} yet."));
    });

    public void Dispose()
    {
        foreach (HttpSwarmClient node in _nodes)
        {
            node.Dispose();
        }
    }
}
