using System.Globalization;
using System.Text;

namespace Converge.Swarm.Simulation;

/// <summary>
/// Judges whether a history is linearizable: whether all its operations can be put in one order, each at a moment between its call and its
/// return, in which a sequential model gives every answer that was given. <c>docs/linearizability.md</c> says how and within which bounds.
/// </summary>
/// <typeparam name="TState">See <see cref="ISequentialModel{TState, TInput, TOutput}"/>.</typeparam>
/// <typeparam name="TInput">What is asked.</typeparam>
/// <typeparam name="TOutput">What is answered.</typeparam>
/// <remarks>Pure: the same history, the same verdict, unless <see cref="LinearizabilityBounds.Time"/> is set. Any number may work side by side.</remarks>
public sealed class LinearizabilityChecker<TState, TInput, TOutput>(
    ISequentialModel<TState, TInput, TOutput> model, LinearizabilityBounds? bounds = null)
    where TState : notnull
{
    private const int ShownOperations = 40;

    private readonly LinearizabilityBounds _bounds = bounds ?? new LinearizabilityBounds();

    /// <summary>Judges a history, in any order of its operations.</summary>
    public LinearizabilityResult Check(IEnumerable<HistoryOperation<TInput, TOutput>> history)
    {
        ArgumentNullException.ThrowIfNull(history);
        var byKey = new SortedDictionary<string, List<HistoryOperation<TInput, TOutput>>>(StringComparer.Ordinal);
        int operations = 0;
        foreach (HistoryOperation<TInput, TOutput> operation in history)
        {
            operations++;
            string key = model.KeyOf(operation.Input);
            if (!byKey.TryGetValue(key, out List<HistoryOperation<TInput, TOutput>>? ofKey))
            {
                byKey.Add(key, ofKey = []);
            }

            ofKey.Add(operation);
        }

        long steps = 0;
        long states = 0;
        string? undecided = null;
        foreach ((string key, List<HistoryOperation<TInput, TOutput>> ofKey) in byKey)
        {
            var search = new LinearizationSearch<TState, TInput, TOutput>(model, ofKey, _bounds);
            LinearizabilityVerdict verdict = search.Run();
            steps += search.Steps;
            states += search.States;
            if (verdict == LinearizabilityVerdict.NotLinearizable)
            {
                return new LinearizabilityResult(verdict, key, operations, byKey.Count, steps, states, Explain(key, ofKey));
            }

            undecided ??= verdict == LinearizabilityVerdict.Unknown ? key : null;
        }

        return undecided is null
            ? new LinearizabilityResult(LinearizabilityVerdict.Linearizable, null, operations, byKey.Count, steps, states, "")
            : new LinearizabilityResult(
                LinearizabilityVerdict.Unknown,
                undecided,
                operations,
                byKey.Count,
                steps,
                states,
                string.Create(CultureInfo.InvariantCulture, $"Key '{undecided}' was not decided within {_bounds.MaxSteps} steps and {_bounds.MaxStates} states."));
    }

    /// <summary>
    /// The history as it was known up to a moment: what was not called yet is not there, what was not answered yet has no answer. If that
    /// cannot be explained, no longer history can.
    /// </summary>
    private static List<HistoryOperation<TInput, TOutput>> UpTo(IEnumerable<HistoryOperation<TInput, TOutput>> operations, long time) =>
        [.. operations
            .Where(operation => operation.CalledAt <= time)
            .Select(operation => operation.ReturnedAt <= time
                ? operation
                : HistoryOperation<TInput, TOutput>.Unknown(operation.Client, operation.Input, operation.CalledAt))];

    private string Explain(string key, List<HistoryOperation<TInput, TOutput>> operations)
    {
        long[] returns = [.. operations.Select(operation => operation.ReturnedAt).OfType<long>().Order().Distinct()];
        int low = 0;
        int high = returns.Length - 1;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (new LinearizationSearch<TState, TInput, TOutput>(model, UpTo(operations, returns[middle]), _bounds).Run() == LinearizabilityVerdict.NotLinearizable)
            {
                high = middle;
            }
            else
            {
                low = middle + 1;
            }
        }

        List<HistoryOperation<TInput, TOutput>> shortest = UpTo(operations, returns[high]);
        shortest.Sort(static (a, b) => a.CalledAt.CompareTo(b.CalledAt));
        var search = new LinearizationSearch<TState, TInput, TOutput>(model, shortest, _bounds);
        search.Run();
        return Write(key, operations, shortest, search.Longest);
    }

    private string Write(
        string key, List<HistoryOperation<TInput, TOutput>> operations, List<HistoryOperation<TInput, TOutput>> shortest, IReadOnlyList<int> longest)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"Of the {operations.Count} operations on '{key}' the first {shortest.Count} have no order that explains every answer.\n");
        text.Append(CultureInfo.InvariantCulture, $"The longest order that can be explained has {longest.Count} of them");
        int hidden = Math.Max(0, longest.Count - ShownOperations);
        text.Append(hidden == 0 ? ":\n" : string.Create(CultureInfo.InvariantCulture, $"; its last {ShownOperations}:\n"));
        TState state = model.Initial;
        for (int i = 0; i < longest.Count; i++)
        {
            HistoryOperation<TInput, TOutput> operation = shortest[longest[i]];
            if (operation.ReturnedAt is null || !model.TryStep(state, operation.Input, operation.Output!, out TState next))
            {
                next = model.StepUnknown(state, operation.Input);
            }

            state = next;
            if (i >= hidden)
            {
                Write(text, operation, longest[i]).Append(CultureInfo.InvariantCulture, $"  => {state}\n");
            }
        }

        text.Append("What has no place behind it:\n");
        var placed = longest.ToHashSet();
        int left = 0;
        for (int i = 0; i < shortest.Count; i++)
        {
            if (!placed.Contains(i) && left++ < ShownOperations)
            {
                Write(text, shortest[i], i).Append('\n');
            }
        }

        return text.ToString();
    }

    private StringBuilder Write(StringBuilder text, in HistoryOperation<TInput, TOutput> operation, int number)
    {
        bool isKnown = operation.ReturnedAt is not null;
        string returned = operation.ReturnedAt is { } time ? time.ToString(CultureInfo.InvariantCulture) : "never";
        return text.Append(
            CultureInfo.InvariantCulture,
            $"  #{number} client {operation.Client} [{operation.CalledAt}, {returned}] {model.Describe(operation.Input, operation.Output, isKnown)}");
    }
}
