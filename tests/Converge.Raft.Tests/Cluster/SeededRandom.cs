namespace Converge.Raft.Tests.Cluster;

/// <summary>A stream of numbers that is the same for the same seed, on every platform (xorshift).</summary>
internal sealed class SeededRandom(ulong seed) : IRandomSource
{
    private ulong _state = (seed * 0x9E3779B97F4A7C15) | 1;

    public int Next(int exclusiveMax)
    {
        _state ^= _state << 13;
        _state ^= _state >> 7;
        _state ^= _state << 17;
        return (int)((_state >> 11) % (ulong)exclusiveMax);
    }

    public bool Chance(int percent) => Next(100) < percent;
}
