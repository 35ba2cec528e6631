namespace Converge.Swarm.Simulation;

/// <summary>What a checker keeps of each node, by position; made when it is first asked for.</summary>
internal sealed class PerNode<T>
    where T : class, new()
{
    private readonly List<T> _kept = [];

    public T this[NodeObservation node]
    {
        get
        {
            while (_kept.Count <= node.Position)
            {
                _kept.Add(new T());
            }

            return _kept[node.Position];
        }
    }
}
