namespace Converge.Swarm.Tests.Storage;

/// <summary>Goes through every sequence of choices that a piece of code can be given, or draws them from a seed.</summary>
public sealed class Choices
{
    private readonly List<(int Taken, int Of)> _path = [];
    private int _at;

    /// <summary>Choices drawn from a seed.</summary>
    public static Func<int, int> Seeded(int seed)
    {
        var random = new Random(seed);
        return random.Next;
    }

    /// <summary>Picks one of <paramref name="of"/> outcomes; the first each time a choice is met first.</summary>
    public int Choose(int of)
    {
        if (_at == _path.Count)
        {
            _path.Add((0, of));
        }

        return _path[_at++].Taken;
    }

    /// <summary>Turns to the next sequence; false when all were had.</summary>
    public bool Next()
    {
        _at = 0;
        while (_path.Count > 0 && _path[^1].Taken + 1 == _path[^1].Of)
        {
            _path.RemoveAt(_path.Count - 1);
        }

        if (_path.Count == 0)
        {
            return false;
        }

        _path[^1] = (_path[^1].Taken + 1, _path[^1].Of);
        return true;
    }
}
