using Converge.Core;

namespace Converge.Swarm.Engine;

/// <summary>A node asked for the votes of all others and did not get a majority: it lacks entries that they have. Nothing was changed.</summary>
public sealed class ElectionLostException : Exception
{
    internal ElectionLostException(NodeId candidate, LogIndex lastIndex, LogIndex longest)
        : base($"Node {candidate} was not elected: its log ends with entry {lastIndex}, and a majority has a log that ends later, up to entry {longest}.")
    {
        Candidate = candidate;
        LastIndex = lastIndex;
    }

    /// <summary>The node that was not elected.</summary>
    public NodeId Candidate { get; }

    /// <summary>The end of its log.</summary>
    public LogIndex LastIndex { get; }
}

/// <summary>A store's file is not what was saved. Nothing was changed.</summary>
public sealed class RaftStoreDamagedException : IOException
{
    /// <summary>The file cannot be used, for the reason given.</summary>
    public RaftStoreDamagedException(string path, string why, Exception? inner = null)
        : base($"{path} is damaged: {why}", inner) => Path = path;

    /// <summary>The file.</summary>
    public string Path { get; }
}

/// <summary>A store holds the nodes of another cluster. Nothing was changed.</summary>
public sealed class WrongRaftStoreException : IOException
{
    internal WrongRaftStoreException(IEnumerable<NodeId> stored, IEnumerable<NodeId> members)
        : base($"The store holds the nodes {string.Join(", ", stored)}; the cluster has {string.Join(", ", members)}.")
    {
    }
}
