using Converge.Core;

namespace Converge.Swarm.Benchmarks;

/// <summary>Something that facts can be committed to, and what it costs.</summary>
internal interface ISwarmUnderLoad : IAsyncDisposable
{
    /// <summary>For the table.</summary>
    string Name { get; }

    /// <summary>A way to commit one fact as client so-and-so.</summary>
    Func<int, FactSubmission, Task<CommitAnswer>> Connect(int clients);

    /// <summary>What everything that takes part has used so far.</summary>
    Task<Usage> UseAsync();
}

/// <summary>What a swarm and its loader have used.</summary>
/// <param name="Loader">Processor time of the process that makes the load; of everything, where all is one process.</param>
/// <param name="Leader">Processor time of the leader's process; zero where all is one process.</param>
/// <param name="Followers">Processor time of the other nodes' processes together.</param>
/// <param name="LogFlushes">Flushes of the Raft log on the leader.</param>
/// <param name="NodesAllocatedBytes">Bytes allocated by all nodes; with the loader's, where all is one process.</param>
internal readonly record struct Usage(TimeSpan Loader, TimeSpan Leader, TimeSpan Followers, long LogFlushes, long NodesAllocatedBytes)
{
    /// <summary>All processor time.</summary>
    public TimeSpan Total => Loader + Leader + Followers;

    /// <summary>What was used in between.</summary>
    public static Usage operator -(Usage later, Usage earlier) => new(
        later.Loader - earlier.Loader,
        later.Leader - earlier.Leader,
        later.Followers - earlier.Followers,
        later.LogFlushes - earlier.LogFlushes,
        later.NodesAllocatedBytes - earlier.NodesAllocatedBytes);
}
