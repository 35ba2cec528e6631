namespace Converge.Swarm.Simulation;

/// <summary>Everything that the clients of one run did, and what they were told: what a checker of linearizability judges.</summary>
public sealed class OperationHistory
{
    private readonly List<ClientOperation> _operations = [];

    /// <summary>All operations, in the order in which they began.</summary>
    public IReadOnlyList<ClientOperation> Operations => _operations;

    internal ClientOperation Begin(int client, ClientRequest request, long now)
    {
        var operation = new ClientOperation(_operations.Count, client, request, now);
        _operations.Add(operation);
        return operation;
    }
}
