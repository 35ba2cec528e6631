using System.Numerics;
using Converge.Raft;

namespace Converge.Swarm.Simulation;

/// <summary>
/// Random numbers that depend on a seed alone, on every machine and in every version of the runtime (xoshiro256**, seeded by
/// splitmix64). Streams that are forked from one seed do not disturb each other: what one of them draws leaves the others as they are.
/// </summary>
public sealed class SimulationRandom : IRandomSource
{
    private readonly ulong _seed;
    private ulong _a;
    private ulong _b;
    private ulong _c;
    private ulong _d;

    /// <summary>The stream of a seed.</summary>
    public SimulationRandom(ulong seed)
    {
        _seed = seed;
        _a = SplitMix(ref seed);
        _b = SplitMix(ref seed);
        _c = SplitMix(ref seed);
        _d = SplitMix(ref seed);
    }

    /// <summary>A stream of its own, the same one for the same number, whatever was drawn here.</summary>
    public SimulationRandom Fork(ulong number)
    {
        ulong seed = _seed ^ (number * 0xD1342543DE82EF95);
        return new SimulationRandom(SplitMix(ref seed));
    }

    /// <summary>Any 64 bits.</summary>
    public ulong NextBits()
    {
        ulong result = BitOperations.RotateLeft(_b * 5, 7) * 9;
        ulong shifted = _b << 17;
        _c ^= _a;
        _d ^= _b;
        _b ^= _c;
        _a ^= _d;
        _c ^= shifted;
        _d = BitOperations.RotateLeft(_d, 45);
        return result;
    }

    /// <inheritdoc/>
    public int Next(int exclusiveMax)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(exclusiveMax);
        return (int)(((NextBits() >> 32) * (ulong)exclusiveMax) >> 32);
    }

    /// <summary>A number from <paramref name="least"/> to <paramref name="greatest"/>, both included.</summary>
    public long Between(long least, long greatest)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(least, greatest);
        return least + (long)Math.BigMul(NextBits(), (ulong)(greatest - least) + 1, out _);
    }

    /// <summary>True so many times in a million.</summary>
    public bool Chance(int millionths) => millionths > 0 && Next(1_000_000) < millionths;

    /// <summary>One of them.</summary>
    public T Pick<T>(IReadOnlyList<T> choices)
    {
        ArgumentNullException.ThrowIfNull(choices);
        return choices[Next(choices.Count)];
    }

    private static ulong SplitMix(ref ulong state)
    {
        state += 0x9E3779B97F4A7C15;
        ulong z = state;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
}
