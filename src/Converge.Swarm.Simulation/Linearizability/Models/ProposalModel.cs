using System.Globalization;
using Converge.Core;

namespace Converge.Swarm.Simulation;

/// <summary>
/// Proposals as <c>docs/governance.md</c> has them, each a key of its own: what becomes of a submission, and what a linearizable read shows.
/// A fact that was recorded also stands behind the others of its proposal in the ledger.
/// </summary>
public sealed class ProposalModel : ISequentialModel<RecordedFacts, ClientRequest, ClientOutcome>
{
    /// <inheritdoc/>
    public RecordedFacts Initial => RecordedFacts.None;

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The request is about no single proposal.</exception>
    public string KeyOf(ClientRequest input) => input switch
    {
        ClientRequest.Propose propose => propose.Submission.Fact.ProposalId,
        ClientRequest.ReadProposal read => read.ProposalId,
        _ => throw new ArgumentException($"{input} is about no single proposal.", nameof(input)),
    };

    /// <inheritdoc/>
    public bool TryStep(RecordedFacts state, ClientRequest input, ClientOutcome output, out RecordedFacts next)
    {
        ArgumentNullException.ThrowIfNull(state);
        next = state;
        switch (input, output)
        {
            case (ClientRequest.ReadProposal, ClientOutcome.Proposal { View: var view }):
                return state.IsShownBy(view);
            case (ClientRequest.Propose { Submission: { } submission }, ClientOutcome.Fact { Answer: FactAccepted accepted }):
                next = state.With(submission.Fact, accepted.Sequence);
                return state.Judge(submission) is null && accepted.Revision == next.Revision && accepted.Sequence > state.LastKnownSequence;
            case (ClientRequest.Propose { Submission: { } submission }, ClientOutcome.Fact { Answer: FactRefused refused }):
                return state.Judge(submission) == refused.Code && refused.Revision == state.Revision;
            default:
                throw new ArgumentException($"{output} is no answer to {input}.", nameof(output));
        }
    }

    /// <inheritdoc/>
    public bool LeavesState(ClientRequest input, ClientOutcome output) =>
        output is ClientOutcome.Proposal or ClientOutcome.Fact { Answer: FactRefused };

    /// <inheritdoc/>
    public RecordedFacts StepUnknown(RecordedFacts state, ClientRequest input)
    {
        ArgumentNullException.ThrowIfNull(state);
        return input is ClientRequest.Propose { Submission: { } submission } && state.Judge(submission) is null ? state.With(submission.Fact, 0) : state;
    }

    /// <inheritdoc/>
    public string Describe(ClientRequest input, ClientOutcome? output, bool isKnown)
    {
        string asked = input is ClientRequest.Propose { Submission: { } submission }
            ? $"{submission.Fact.Kind} by {submission.Fact.Actor}{(submission.ExpectedRevision is { } expected ? $" at revision {expected}" : "")}"
            : "read";
        string told = !isKnown ? "unknown" : output switch
        {
            ClientOutcome.Fact { Answer: FactAccepted accepted } => $"accepted, revision {accepted.Revision}, sequence {accepted.Sequence}",
            ClientOutcome.Fact { Answer: FactRefused refused } => $"{refused.Code}, revision {refused.Revision}",
            ClientOutcome.Proposal { View: { } view } => $"{view.Status}, revision {view.Revision}, last sequence {view.LastSequence}, as of {view.AsOfIndex}",
            ClientOutcome.Proposal => "not created",
            _ => $"{output}",
        };
        return string.Create(CultureInfo.InvariantCulture, $"{asked}: {told}");
    }
}
