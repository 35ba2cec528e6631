using Converge.Core;

namespace Converge.Swarm.Projection;

/// <summary>A fact as the projection keeps it.</summary>
/// <param name="Record">The record that holds it.</param>
/// <param name="Fact">What was stated.</param>
/// <param name="Revision">How many facts were recorded for the proposal with it.</param>
internal sealed record FactRow(LedgerRecord Record, GovernanceFact Fact, ulong Revision);

/// <summary>One step of a recorded change of members.</summary>
/// <param name="Record">The record that holds it.</param>
/// <param name="Place">Its place in the change, from 1.</param>
/// <param name="Step">What happened to whom.</param>
internal sealed record MembershipRow(LedgerRecord Record, int Place, MembershipStep Step);

/// <summary>A member as it is once the change of a record is through.</summary>
internal sealed record MemberAfterRow(ulong Sequence, NodeId Node, MemberRole Role);

/// <summary>A validator's latest result.</summary>
internal sealed record ValidatorRow(string ProposalId, string Validator, bool Passed, bool Overridden, ulong Sequence, long AtMilliseconds, string? Text);

/// <summary>A decision: an approval, a rejection, a roll-back or an override.</summary>
internal sealed record DecisionRow(ulong Sequence, string ProposalId, FactKind Kind, string Actor, string? Reason, long AtMilliseconds);

/// <summary>Decisions of one kind that a later one took back: all that were recorded before it and still stood.</summary>
internal sealed record EndedDecisions(string ProposalId, FactKind Kind, ulong EndedBy);

/// <summary>A proposal whose override in force is another one than before: failures before it no longer stand, or stand again.</summary>
internal sealed record ChangedOverride(string ProposalId, ulong? OverrideSequence);

/// <summary>What some records in a row change in the projection. Carried out in the order of the members, in one transaction.</summary>
internal sealed record ProjectionChanges
{
    public required IReadOnlyList<LedgerRecord> Records { get; init; }

    public required IReadOnlyList<FactRow> Facts { get; init; }

    public required IReadOnlyList<LedgerRecord> Authorities { get; init; }

    public required IReadOnlyList<MembershipRow> Membership { get; init; }

    public required IReadOnlyList<MemberAfterRow> MembersAfter { get; init; }

    /// <summary>New and changed proposals, as they are after the last record.</summary>
    public required IReadOnlyList<ProposalRow> Proposals { get; init; }

    /// <summary>New and changed results, as they are after the last record.</summary>
    public required IReadOnlyList<ValidatorRow> Validators { get; init; }

    public required IReadOnlyList<ChangedOverride> Overrides { get; init; }

    public required IReadOnlyList<DecisionRow> Decisions { get; init; }

    /// <summary>In the order of the records that ended them.</summary>
    public required IReadOnlyList<EndedDecisions> Ended { get; init; }

    public required ProjectionPosition Position { get; init; }
}
