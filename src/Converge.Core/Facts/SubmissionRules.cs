using System.Buffers;
using System.Globalization;

namespace Converge.Core;

/// <summary>
/// What a submission must look like before it may be proposed, however it came in: the one place that enforces <see cref="FactLimits"/>.
/// </summary>
/// <remarks>
/// Names (proposal ids, actors, content hashes, sessions) have no control characters, so that they are safe in logs, URLs and
/// terminals. Texts may have them, line ends above all, except U+0000, which databases cannot keep. No string has a lone surrogate,
/// which UTF-8 cannot hold.
/// </remarks>
public static class SubmissionRules
{
    private static readonly SearchValues<char> ControlCharacters = SearchValues.Create(
        [.. Enumerable.Range(0, 0x20).Concat(Enumerable.Range(0x7F, 0x21)).Select(code => (char)code)]);

    /// <summary>The first fault of a submission, or null when there is none.</summary>
    public static InputFault? Check(FactSubmission submission)
    {
        GovernanceFact fact = submission.Fact;
        return CheckProposalId(fact.ProposalId)
            ?? CheckName(fact.Kind.ActorField(), fact.Actor, FactLimits.MaxActorLength)
            ?? CheckText(fact)
            ?? CheckContentHash(fact.ContentHash())
            ?? CheckNumbers(submission)
            ?? CheckCommandId(submission.CommandId);
    }

    /// <summary>The first fault of a proposal's id, for those who ask about one; null when there is none.</summary>
    public static InputFault? CheckProposalId(string? proposalId) => CheckName("proposal_id", proposalId, FactLimits.MaxProposalIdLength);

    private static InputFault? CheckName(string field, string? value, int maxLength)
    {
        if (string.IsNullOrWhiteSpace(value))
        {
            return new InputFault(InputFaultCode.InvalidValue, $"{field} must not be empty or blank.", field);
        }

        return CheckLength(field, value, maxLength)
            ?? CheckNoControls(field, value)
            ?? CheckWellFormed(field, value);
    }

    private static InputFault? CheckText(GovernanceFact fact)
    {
        if (fact.Kind.TextField() is not { } field)
        {
            return null;
        }

        string? text = fact.Text();
        if (fact.Kind.RequiresReason() && string.IsNullOrWhiteSpace(text))
        {
            return new InputFault(InputFaultCode.InvalidValue, $"{field} must not be empty or blank.", field);
        }

        if (text is null)
        {
            return null;
        }

        if (text.Contains('\0', StringComparison.Ordinal))
        {
            return new InputFault(InputFaultCode.InvalidValue, $"{field} must not contain the character U+0000.", field);
        }

        return CheckLength(field, text, fact.Kind.MaxTextLength()) ?? CheckWellFormed(field, text);
    }

    private static InputFault? CheckContentHash(string? contentHash) => contentHash is null
        ? null
        : CheckLength("content_hash", contentHash, FactLimits.MaxContentHashLength)
            ?? CheckNoControls("content_hash", contentHash)
            ?? CheckWellFormed("content_hash", contentHash);

    private static InputFault? CheckNumbers(FactSubmission submission)
    {
        if (submission.At is < 0 or > FactLimits.MaxAtUnixSeconds)
        {
            return OutOfRange("at", 0, FactLimits.MaxAtUnixSeconds);
        }

        if (submission.ExpectedRevision > FactLimits.MaxNumber)
        {
            return OutOfRange("expected_revision", 0, FactLimits.MaxNumber);
        }

        if (submission.Lamport is { } lamport)
        {
            if (lamport.Counter > LamportClock.MaxCounter)
            {
                return OutOfRange("lamport.counter", 0, LamportClock.MaxCounter);
            }

            if (lamport.Node.Value > FactLimits.MaxNumber)
            {
                return OutOfRange("lamport.node", 0, FactLimits.MaxNumber);
            }
        }

        return null;
    }

    /// <summary>The first fault of a command's id, for those who number commands; null when there is none.</summary>
    public static InputFault? CheckCommandId(CommandId? command)
    {
        if (command is null)
        {
            return null;
        }

        return CheckName("command_id.session", command.Session, FactLimits.MaxSessionLength)
            ?? (command.Number is 0 or > FactLimits.MaxNumber ? OutOfRange("command_id.number", 1, FactLimits.MaxNumber) : null);
    }

    private static InputFault? CheckLength(string field, string value, int maxLength) => value.Length <= maxLength
        ? null
        : new InputFault(
            InputFaultCode.TooLong,
            string.Create(CultureInfo.InvariantCulture, $"{field} has {value.Length} characters; at most {maxLength} are allowed."),
            field);

    private static InputFault? CheckNoControls(string field, string value) => value.AsSpan().ContainsAny(ControlCharacters)
        ? new InputFault(InputFaultCode.InvalidValue, $"{field} must not contain control characters.", field)
        : null;

    private static InputFault? CheckWellFormed(string field, string value)
    {
        int at = value.AsSpan().IndexOfAnyInRange('\uD800', '\uDFFF');
        if (at < 0)
        {
            return null;
        }

        for (int i = at; i < value.Length; i++)
        {
            if (!char.IsSurrogate(value[i]))
            {
                continue;
            }

            if (i + 1 == value.Length || !char.IsSurrogatePair(value[i], value[i + 1]))
            {
                return new InputFault(InputFaultCode.InvalidValue, $"{field} contains half of a surrogate pair.", field);
            }

            i++;
        }

        return null;
    }

    private static InputFault OutOfRange(string field, ulong least, ulong greatest) => new(
        InputFaultCode.InvalidValue,
        string.Create(CultureInfo.InvariantCulture, $"{field} must be from {least} to {greatest}."),
        field);
}
