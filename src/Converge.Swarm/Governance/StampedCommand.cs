using System.Collections.Immutable;
using Converge.Core;

namespace Converge.Swarm.Governance;

/// <summary>What an entry of the agreed log asks for. The values are part of the encoding and never change.</summary>
public enum CommandKind
{
    /// <summary>To record a fact.</summary>
    Fact = 1,

    /// <summary>To record that a leader's term began.</summary>
    Authority = 2,

    /// <summary>To change the members.</summary>
    Membership = 3,
}

/// <summary>A command as it stands in the agreed log: one of <see cref="FactCommand"/>, <see cref="AuthorityCommand"/> and <see cref="MembershipCommand"/>.</summary>
public abstract record StampedCommand
{
    private protected StampedCommand(CommandStamp stamp) => Stamp = stamp;

    /// <summary>The leader's stamp.</summary>
    public CommandStamp Stamp { get; init; }

    /// <summary>The version of <see cref="ApplyRules"/> that a node must have to apply it.</summary>
    public ushort RequiredRules { get; init; } = ApplyRules.Version;
}

/// <summary>A fact to be recorded.</summary>
/// <param name="Stamp">The leader's stamp.</param>
/// <param name="Submission">The fact, with what the client says about it.</param>
public sealed record FactCommand(CommandStamp Stamp, FactSubmission Submission) : StampedCommand(Stamp);

/// <summary>A leader's term that began.</summary>
/// <param name="Stamp">The leader's stamp.</param>
/// <param name="Leader">The leader.</param>
public sealed record AuthorityCommand(CommandStamp Stamp, NodeId Leader) : StampedCommand(Stamp);

/// <summary>A change of members; stands in the context of an entry that changes the configuration, never by itself.</summary>
/// <param name="Stamp">The leader's stamp.</param>
/// <param name="Steps">What is to be done.</param>
public sealed record MembershipCommand(CommandStamp Stamp, ImmutableArray<MembershipStep> Steps) : StampedCommand(Stamp);

/// <summary>
/// A committed entry that this program does not understand: damaged, or written by a newer one. It must never be guessed or skipped:
/// the node stops, and goes on from here when a program that understands it runs.
/// </summary>
public sealed class UnsupportedCommandException : Exception
{
    /// <summary>The entry is not understood, for the reason given.</summary>
    public UnsupportedCommandException(string message, Exception? inner = null)
        : base(message, inner)
    {
    }
}
