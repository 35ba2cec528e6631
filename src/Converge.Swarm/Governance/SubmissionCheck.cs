using Converge.Core;
using Converge.Swarm.Ledger;

namespace Converge.Swarm.Governance;

/// <summary>
/// Checks encoded facts that come from outside as strictly as if they had been submitted on the node itself: what is in the log must be
/// understood by every node for ever.
/// </summary>
internal static class SubmissionCheck
{
    /// <summary>What is wrong with an encoded fact, as the rest of a sentence, or null.</summary>
    /// <param name="entry">The encoded command, under whatever stamp.</param>
    /// <param name="lamportClaim">The counter of the client's own logical time; zero when it brought none.</param>
    public static string? Fault(ReadOnlySpan<byte> entry, out ulong lamportClaim)
    {
        lamportClaim = 0;
        try
        {
            if (entry.Length <= CommandCodec.MaxEntryBytes && CommandCodec.Read(entry) is { Kind: CommandKind.Fact } command)
            {
                lamportClaim = command.Fact.Lamport?.Counter ?? 0;
                return IsPlain(command)
                    ? null
                    : SubmissionRules.Check(command.Fact.ToSubmission(command.CommandId.ToCommandId())) is { } fault ? $"cannot be submitted: {fault.Message}" : null;
            }
        }
        catch (UnsupportedCommandException)
        {
            // Not a fact, whatever else it may be.
        }

        return "is not a fact as this node encodes it.";
    }

    /// <summary>
    /// True for what <see cref="SubmissionRules"/> certainly accepts: printable ASCII within the limits, and no number that could be out of
    /// range. Nearly every fact is; the others are looked at in full.
    /// </summary>
    private static bool IsPlain(in EncodedCommand command)
    {
        ref readonly EncodedFact fact = ref command.Fact;
        return IsPlainName(fact.ProposalId, FactLimits.MaxProposalIdLength)
            && IsPlainName(fact.Actor, FactLimits.MaxActorLength)
            && (!fact.HasText || IsPlainName(fact.Text, fact.Kind.MaxTextLength()))
            && (!fact.HasContentHash || IsPlainName(fact.ContentHash, FactLimits.MaxContentHashLength))
            && fact.At is null && fact.ExpectedRevision is null && fact.Lamport is null
            && (!command.CommandId.IsPresent
                || (IsPlainName(command.CommandId.Session, FactLimits.MaxSessionLength) && command.CommandId.Number is > 0 and <= FactLimits.MaxNumber));
    }

    /// <summary>Not blank, because it does not begin with a blank; as many characters as bytes.</summary>
    private static bool IsPlainName(ReadOnlySpan<byte> name, int maxLength) =>
        name.Length > 0 && name.Length <= maxLength && name[0] != (byte)' ' && !name.ContainsAnyExceptInRange((byte)' ', (byte)'~');
}
