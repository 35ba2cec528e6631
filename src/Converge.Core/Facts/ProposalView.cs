namespace Converge.Core;

/// <summary>How a proposal stands. The swarm records decisions; it does not make them.</summary>
public enum ProposalStatus
{
    /// <summary>No decision stands: none was made, or the last one was rolled back or overridden.</summary>
    Open = 1,

    /// <summary>An approval stands.</summary>
    Approved = 2,

    /// <summary>A rejection stands.</summary>
    Rejected = 3,
}

/// <summary>What one validator last said of a proposal.</summary>
/// <param name="Validator">Who.</param>
/// <param name="Passed">Its latest result.</param>
/// <param name="Overridden">True for a failure that an override granted since has set aside.</param>
/// <param name="Sequence">The record that says so.</param>
public sealed record ValidatorResult(string Validator, bool Passed, bool Overridden, ulong Sequence);

/// <summary>What is recorded about one proposal, as of one applied index.</summary>
/// <param name="ProposalId">The proposal.</param>
/// <param name="Status">How it stands.</param>
/// <param name="Revision">How many facts are recorded for it.</param>
/// <param name="Author">Who proposed it.</param>
/// <param name="Title">What, in a line.</param>
/// <param name="ContentHash">Names the content that is judged.</param>
/// <param name="DecidedBy">Whose decision stands; null while open.</param>
/// <param name="Validators">The latest result of each validator, in ordinal order of their names.</param>
/// <param name="CreatedSequence">The record of its creation.</param>
/// <param name="LastSequence">The record of its last fact.</param>
/// <param name="AsOfIndex">The applied index at which this was true.</param>
public sealed record ProposalView(
    string ProposalId,
    ProposalStatus Status,
    ulong Revision,
    string Author,
    string? Title,
    string? ContentHash,
    string? DecidedBy,
    IReadOnlyList<ValidatorResult> Validators,
    ulong CreatedSequence,
    ulong LastSequence,
    LogIndex AsOfIndex);
