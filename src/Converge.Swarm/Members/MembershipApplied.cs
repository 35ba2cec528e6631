using Converge.Raft;

namespace Converge.Swarm.Members;

/// <summary>What an entry that changes the configuration came to.</summary>
/// <param name="Table">The members from this entry on.</param>
/// <param name="Change">What the protocol is to put in force; null when the change was refused.</param>
/// <param name="Fault">Why it was refused, on every node alike; null when it was not.</param>
public sealed record MembershipApplied(MemberTable Table, ConfigurationChange? Change, MembershipFault? Fault);
