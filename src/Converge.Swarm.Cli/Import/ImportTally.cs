using System.Collections;
using System.Text.Json;
using Converge.Core;

namespace Converge.Swarm.Cli.Import;

/// <summary>What became of the lines so far. Safe for concurrent use.</summary>
/// <param name="lines">How many lines the file has.</param>
/// <param name="headAtStart">How many records there were before: what lies below is not of this run.</param>
internal sealed class ImportTally(long lines, ulong headAtStart)
{
    /// <summary>So many failures are listed; the others are counted.</summary>
    public const int MaxListedFailures = 100;

    private readonly Lock _gate = new();
    private readonly SortedDictionary<string, long> _refused = new(StringComparer.Ordinal);
    private readonly List<ImportFailure> _failures = [];
    private BitArray? _expired;

    /// <summary>Facts found in the file, malformed ones included.</summary>
    public long Read { get; private set; }

    /// <summary>Facts recorded by this run.</summary>
    public long Accepted { get; private set; }

    /// <summary>Facts that an earlier run had recorded.</summary>
    public long Repeated { get; private set; }

    /// <summary>Facts that were refused, by code.</summary>
    public IReadOnlyDictionary<string, long> Refused => _refused;

    /// <summary>Lines that are no facts, and facts whose outcome did not become known.</summary>
    public long Failed { get; private set; }

    /// <summary>The first failures.</summary>
    public IReadOnlyList<ImportFailure> Failures => _failures;

    /// <summary>How many lines are dealt with.</summary>
    public long Done { get; private set; }

    /// <summary>True when some answer must be looked up in the ledger: see <see cref="Reconcile"/>.</summary>
    public bool NeedsReconciling => _expired is not null;

    /// <summary>Counts a line that is a fact.</summary>
    public void CountRead()
    {
        lock (_gate)
        {
            Read++;
        }
    }

    /// <summary>Counts a line that is none, or whose outcome did not become known.</summary>
    public void CountFailure(ImportFailure failure)
    {
        lock (_gate)
        {
            Failed++;
            Done++;
            if (_failures.Count < MaxListedFailures)
            {
                _failures.Add(failure);
            }
        }
    }

    /// <summary>Counts a final answer.</summary>
    public void CountAnswer(ImportLine line, CommitAnswer answer)
    {
        lock (_gate)
        {
            Done++;
            switch (answer)
            {
                case FactAccepted accepted when accepted.Sequence <= headAtStart:
                    Repeated++;
                    break;
                case FactAccepted:
                    Accepted++;
                    break;
                case FactRefused { Code: RefusalCode.CommandExpired } when line.OwnsCommandId && lines < int.MaxValue:
                    _expired ??= new BitArray((int)lines + 1);
                    _expired[(int)line.Number] = true;
                    break;
                case FactRefused refused:
                    CountRefusal(refused.Code.Name(), 1);
                    break;
                default:
                    throw new ArgumentOutOfRangeException(nameof(answer), answer, "Not a final answer.");
            }
        }
    }

    /// <summary>
    /// A number whose answer is gone was dealt with in an earlier run: a record with it says that it was accepted then.
    /// </summary>
    /// <param name="record">A record of the ledger with this import's session.</param>
    public void Reconcile(LedgerRecord record)
    {
        lock (_gate)
        {
            if (_expired is not null && record.CommandId is { } command && command.Number < (ulong)_expired.Length && _expired[(int)command.Number])
            {
                _expired[(int)command.Number] = false;
                Repeated++;
            }
        }
    }

    /// <summary>After all records were looked at: numbers without one were refused in an earlier run.</summary>
    public void EndReconciling()
    {
        lock (_gate)
        {
            long left = _expired is null ? 0 : _expired.Cast<bool>().LongCount(expired => expired);
            if (left > 0)
            {
                CountRefusal(RefusalCode.CommandExpired.Name(), left);
            }

            _expired = null;
        }
    }

    /// <summary>Writes the result of the run.</summary>
    public void Write(Utf8JsonWriter json, double seconds)
    {
        json.WriteStartObject();
        json.WriteNumber("read", Read);
        json.WriteNumber("accepted", Accepted);
        json.WriteNumber("repeated", Repeated);
        json.WriteStartObject("refused");
        foreach ((string code, long count) in _refused)
        {
            json.WriteNumber(code, count);
        }

        json.WriteEndObject();
        json.WriteNumber("failed", Failed);
        json.WriteNumber("seconds", Math.Round(seconds, 3));
        json.WriteStartArray("failures");
        foreach (ImportFailure failure in _failures)
        {
            json.WriteStartObject();
            json.WriteNumber("line", failure.Line);
            json.WriteString("code", failure.Code);
            json.WriteString("message", failure.Message);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    private void CountRefusal(string code, long count) => _refused[code] = _refused.GetValueOrDefault(code) + count;
}
