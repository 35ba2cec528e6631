using Converge.Core;
using Converge.Swarm.Cli.Import;

namespace Converge.Swarm.Cli.Demo;

/// <summary>Every final answer that a client got, kept to be compared with what the nodes have. Safe for concurrent use.</summary>
internal sealed class Acknowledgements
{
    private readonly Lock _gate = new();
    private readonly Dictionary<CommandId, FactAccepted> _accepted = [];
    private readonly SortedDictionary<string, long> _refused = new(StringComparer.Ordinal);
    private readonly List<double> _latencies = [];
    private readonly List<string> _contradictions = [];

    /// <summary>Keeps an answer.</summary>
    /// <param name="line">The fact.</param>
    /// <param name="answer">What the client was told, for good.</param>
    /// <param name="took">How long it waited for that.</param>
    public void Keep(ImportLine line, CommitAnswer answer, TimeSpan took)
    {
        lock (_gate)
        {
            _latencies.Add(took.TotalMilliseconds);
            if (answer is FactAccepted accepted)
            {
                if (!_accepted.TryAdd(line.Submission.CommandId!, accepted) && _accepted[line.Submission.CommandId!] != accepted)
                {
                    _contradictions.Add($"Line {line.Number} was acknowledged twice, in different ways.");
                }
            }
            else if (answer is FactRefused refused)
            {
                _refused[refused.Code.Name()] = _refused.GetValueOrDefault(refused.Code.Name()) + 1;
            }
        }
    }

    /// <summary>How many facts were acknowledged as recorded.</summary>
    public int Accepted
    {
        get
        {
            lock (_gate)
            {
                return _accepted.Count;
            }
        }
    }

    /// <summary>How many were refused, by code.</summary>
    public IReadOnlyDictionary<string, long> Refused => _refused;

    /// <summary>The greatest term under which something was acknowledged.</summary>
    public Term LastTerm
    {
        get
        {
            lock (_gate)
            {
                return _accepted.Count == 0 ? Term.Zero : _accepted.Values.Max(accepted => accepted.Term);
            }
        }
    }

    /// <summary>The wait below which this share of all answers came.</summary>
    public double LatencyMilliseconds(double share)
    {
        lock (_gate)
        {
            if (_latencies.Count == 0)
            {
                return 0;
            }

            _latencies.Sort();
            return _latencies[Math.Min(_latencies.Count - 1, (int)(share * _latencies.Count))];
        }
    }

    /// <summary>Compares with all records of one node: nothing acknowledged may be missing, changed, doubled, or there without having been acknowledged.</summary>
    public IReadOnlyList<string> Compare(string node, IEnumerable<LedgerRecord> records)
    {
        List<string> problems = [.. _contradictions];
        HashSet<CommandId> seen = [];
        foreach (LedgerRecord record in records.Where(record => record.Kind == RecordKind.Fact))
        {
            if (record.CommandId is not { } command || !_accepted.TryGetValue(command, out FactAccepted? accepted))
            {
                problems.Add($"{node}: record {record.Sequence} was never acknowledged.");
            }
            else if (!seen.Add(command))
            {
                problems.Add($"{node}: record {record.Sequence} doubles record {accepted.Sequence}.");
            }
            else if (accepted.Sequence != record.Sequence || !string.Equals(accepted.Hash, record.Hash, StringComparison.Ordinal))
            {
                problems.Add($"{node}: record {record.Sequence} was acknowledged as record {accepted.Sequence} with the hash {accepted.Hash}.");
            }
        }

        if (seen.Count < _accepted.Count)
        {
            problems.Add($"{node}: {_accepted.Count - seen.Count} acknowledged facts are missing.");
        }

        return problems;
    }
}
