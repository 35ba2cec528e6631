using System.Runtime.InteropServices;

namespace Converge.Swarm.Simulation;

/// <summary>Which operations have taken effect, as bits, with a hash that is kept up to date.</summary>
internal sealed class OperationSet(int operations)
{
    private readonly ulong[] _bits = new ulong[(operations + 63) / 64];
    private ulong _hash;

    public void Flip(int operation)
    {
        _bits[operation / 64] ^= 1UL << (operation % 64);
        _hash ^= Mix((ulong)operation + 1);
    }

    /// <summary>As it is now, for a table that remembers it.</summary>
    public Frozen Freeze() => new((ulong[])_bits.Clone(), _hash);

    /// <summary>As it is now, only to look it up: not to be kept.</summary>
    public Frozen Borrow() => new(_bits, _hash);

    private static ulong Mix(ulong z)
    {
        z *= 0x9E3779B97F4A7C15;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }

    [StructLayout(LayoutKind.Auto)]
    internal readonly struct Frozen(ulong[] bits, ulong hash) : IEquatable<Frozen>
    {
        private readonly ulong[] _bits = bits;
        private readonly ulong _hash = hash;

        public bool Equals(Frozen other) => _hash == other._hash && _bits.AsSpan().SequenceEqual(other._bits);

        public override bool Equals(object? obj) => obj is Frozen other && Equals(other);

        public override int GetHashCode() => _hash.GetHashCode();
    }
}
