using Converge.Core;

namespace Converge.Raft;

/// <summary>The state of the state machine after an entry, and the configuration in force there. Stands for all entries up to it.</summary>
/// <param name="index">The last entry that it stands for.</param>
/// <param name="term">The term of that entry.</param>
/// <param name="configuration">The configuration in force after that entry.</param>
/// <param name="data">Opaque: the state itself, or how to get it.</param>
public sealed class Snapshot(LogIndex index, Term term, ConfigurationState configuration, ReadOnlyMemory<byte> data)
{
    /// <summary>The last entry that it stands for.</summary>
    public LogIndex Index { get; } = index;

    /// <summary>The term of that entry.</summary>
    public Term Term { get; } = term;

    /// <summary>The configuration in force after that entry.</summary>
    public ConfigurationState Configuration { get; } = configuration;

    /// <summary>Opaque to the protocol.</summary>
    public ReadOnlyMemory<byte> Data { get; } = data;

    /// <summary>As <c>term/index</c>.</summary>
    public override string ToString() => $"{Term}/{Index}";
}
