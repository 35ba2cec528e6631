using System.Diagnostics.CodeAnalysis;

namespace Converge.Swarm.Governance;

/// <summary>Compares names by their UTF-8 bytes, and finds them by bytes that lie elsewhere without copying those first.</summary>
internal sealed class Utf8NameComparer : IEqualityComparer<byte[]>, IAlternateEqualityComparer<ReadOnlySpan<byte>, byte[]>
{
    public static readonly Utf8NameComparer Instance = new();

    public static int HashOf(ReadOnlySpan<byte> name)
    {
        var hash = default(HashCode);
        hash.AddBytes(name);
        return hash.ToHashCode();
    }

    public bool Equals(byte[]? x, byte[]? y) => ReferenceEquals(x, y) || (x is not null && y is not null && x.AsSpan().SequenceEqual(y));

    public int GetHashCode([DisallowNull] byte[] obj) => HashOf(obj);

    public byte[] Create(ReadOnlySpan<byte> alternate) => alternate.ToArray();

    public bool Equals(ReadOnlySpan<byte> alternate, byte[] other) => alternate.SequenceEqual(other);

    public int GetHashCode(ReadOnlySpan<byte> alternate) => HashOf(alternate);
}

/// <summary>
/// The actors' names, each once: the same few hundred people speak about very many proposals. Holds no more names than there are facts.
/// </summary>
internal sealed class ActorNames
{
    private readonly HashSet<byte[]> _names = new(Utf8NameComparer.Instance);
    private readonly HashSet<byte[]>.AlternateLookup<ReadOnlySpan<byte>> _lookup;

    public ActorNames() => _lookup = _names.GetAlternateLookup<ReadOnlySpan<byte>>();

    /// <summary>The one copy of a name.</summary>
    public byte[] Intern(ReadOnlySpan<byte> name)
    {
        if (_lookup.TryGetValue(name, out byte[]? known))
        {
            return known;
        }

        byte[] added = name.ToArray();
        _names.Add(added);
        return added;
    }
}
