using System.Globalization;
using Converge.Core;

namespace Converge.Swarm.Cli.Tests.Durability;

/// <summary>What clients submitted and the last that they were told about it, to be compared with what nodes hold. Safe for concurrent use.</summary>
/// <param name="name">Everything submitted bears it, so that the facts of one history are told from those of others.</param>
internal sealed class ClientHistory(string name)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<CommandId, Told> _named = [];
    private readonly Dictionary<string, Told> _anonymous = new(StringComparer.Ordinal);
    private readonly List<string> _contradictions = [];
    private long _accepted;

    /// <summary>A submission with the last answer to it.</summary>
    /// <param name="Submission">What was submitted.</param>
    /// <param name="Answer">What was answered.</param>
    private sealed record Told(FactSubmission Submission, CommitAnswer Answer);

    /// <summary>Begins the names of sessions and proposals.</summary>
    public string Name => name;

    /// <summary>How many facts were acknowledged as recorded.</summary>
    public long Accepted => Interlocked.Read(ref _accepted);

    /// <summary>The commands with an id that were answered for good.</summary>
    public IReadOnlyList<FactSubmission> Commands
    {
        get
        {
            lock (_gate)
            {
                return [.. _named.Values.Select(told => told.Submission)];
            }
        }
    }

    /// <summary>Keeps a final answer to a command with an id.</summary>
    /// <param name="submission">The command.</param>
    /// <param name="answer">What was answered: accepted or refused.</param>
    /// <param name="expected">How it must be refused when each command before it took effect exactly once; null when it must be accepted.</param>
    public void KeepNamed(FactSubmission submission, CommitAnswer answer, RefusalCode? expected)
    {
        lock (_gate)
        {
            CommandId command = submission.CommandId!;
            bool asExpected = answer is FactRefused refused ? refused.Code == expected : expected is null;
            if (!asExpected)
            {
                _contradictions.Add($"{command} {submission.Fact} was answered {answer}, but {(expected is null ? "acceptance" : expected)} was due.");
            }

            if (_named.TryGetValue(command, out Told? before) && before.Answer != answer)
            {
                _contradictions.Add($"{command} was answered {before.Answer} and later {answer}.");
            }

            _named[command] = new Told(submission, answer);
            Count(answer);
        }
    }

    /// <summary>Keeps an answer again, of a command that was repeated after its final answer.</summary>
    public void KeepRepeated(FactSubmission submission, CommitAnswer answer)
    {
        lock (_gate)
        {
            Told first = _named[submission.CommandId!];
            if (first.Answer != answer)
            {
                _contradictions.Add($"{submission.CommandId} was answered {first.Answer}, and when it was repeated {answer}.");
            }
        }
    }

    /// <summary>Keeps whatever was answered to the only submission, without an id, of a new proposal.</summary>
    public void KeepAnonymous(FactSubmission submission, CommitAnswer answer)
    {
        lock (_gate)
        {
            if (answer is FactRefused)
            {
                _contradictions.Add($"{submission.Fact} was submitted once and refused: {answer}.");
            }

            _anonymous.Add(submission.Fact.ProposalId, new Told(submission, answer));
            Count(answer);
        }
    }

    /// <summary>
    /// Compares with all records of one node: what was accepted must be there, once and as acknowledged; what was certainly not committed
    /// or refused must not; what is unknown may, once.
    /// </summary>
    public IReadOnlyList<string> Compare(IEnumerable<LedgerRecord> records)
    {
        lock (_gate)
        {
            List<string> problems = [.. _contradictions];
            HashSet<Told> found = [];
            foreach (LedgerRecord record in records.Where(IsOurs))
            {
                Told? told = record.CommandId is { } command
                    ? _named.GetValueOrDefault(command)
                    : _anonymous.GetValueOrDefault(record.Submission!.Fact.ProposalId);
                if (told is null)
                {
                    problems.Add($"Record {record.Sequence} was never submitted: {record}.");
                }
                else if (!found.Add(told))
                {
                    problems.Add($"Record {record.Sequence} doubles another one: {record}.");
                }
                else if (Contradiction(told, record) is { } contradiction)
                {
                    problems.Add($"{contradiction}: {record}; told was {told}.");
                }
            }

            foreach (Told missing in _named.Values.Concat(_anonymous.Values).Where(told => told.Answer is FactAccepted && !found.Contains(told)))
            {
                problems.Add($"An acknowledged fact is missing: {missing}.");
            }

            return problems;
        }
    }

    public override string ToString()
    {
        lock (_gate)
        {
            IEnumerable<string> answers = _named.Values.Concat(_anonymous.Values).CountBy(told => told.Answer.GetType().Name)
                .Select(pair => string.Create(CultureInfo.InvariantCulture, $"{pair.Value} {pair.Key}"));
            return $"{name}: {string.Join(", ", answers)}";
        }
    }

    private static string? Contradiction(Told told, LedgerRecord record)
    {
        if (record.Submission! with { CommandId = record.CommandId } != told.Submission)
        {
            return "A record says something else than what was submitted";
        }

        return told.Answer switch
        {
            FactAccepted accepted => Matches(accepted, record) ? null : "A record is not as it was acknowledged",
            FactOutcomeUnknown => null,
            _ => "There is a record of what was said not to have been recorded",
        };
    }

    private static bool Matches(FactAccepted accepted, LedgerRecord record) =>
        accepted.Sequence == record.Sequence
        && accepted.Index == record.Index
        && accepted.Term == record.Term
        && accepted.CommittedAtUnixMilliseconds == record.TimeUnixMilliseconds
        && accepted.Lamport == record.Lamport
        && string.Equals(accepted.Hash, record.Hash, StringComparison.Ordinal);

    private bool IsOurs(LedgerRecord record) =>
        record.Kind == RecordKind.Fact && record.Submission!.Fact.ProposalId.StartsWith(name, StringComparison.Ordinal);

    private void Count(CommitAnswer answer)
    {
        if (answer is FactAccepted)
        {
            Interlocked.Increment(ref _accepted);
        }
    }
}
