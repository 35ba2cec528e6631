using System.Globalization;
using System.Text.RegularExpressions;

namespace Converge.Swarm.Simulation.Tests.Linearizability;

/// <summary>A recorded history of somebody else's, with what it is known to be.</summary>
/// <param name="File">Where it lies.</param>
/// <param name="Label">True when it is linearizable, false when not, null when nobody says.</param>
internal sealed record LabelledHistory(string File, bool? Label);

/// <summary>
/// Public labelled histories in the two forms of Porcupine's test data: of a register as Jepsen logs it, and of a key-value store. Labels come
/// from the file's name (<c>-ok</c>, <c>-bad</c>) or from lines <c>checkJepsen(t, NUMBER, true|false)</c> in a <c>.go</c> file of the folder.
/// </summary>
internal static partial class LabelledHistories
{
    private static readonly LinearizabilityBounds Bounds = new() { MaxSteps = 200_000_000, MaxStates = 8_000_000 };

    public static IReadOnlyList<LabelledHistory> In(string folder)
    {
        Dictionary<int, bool> labels = [];
        foreach (string code in Directory.EnumerateFiles(folder, "*.go", SearchOption.AllDirectories))
        {
            foreach (Match label in JepsenLabel().Matches(File.ReadAllText(code)))
            {
                labels[Number(label.Groups["number"])] = label.Groups["label"].Value is "true";
            }
        }

        return [.. Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories)
            .Where(file => (file.EndsWith(".log", StringComparison.Ordinal) || file.EndsWith(".txt", StringComparison.Ordinal)) && new FileInfo(file).Length > 0)
            .Order(StringComparer.Ordinal)
            .Select(file => new LabelledHistory(file, LabelOf(file, labels)))];
    }

    public static LinearizabilityResult Check(string file)
    {
        string[] lines = File.ReadAllLines(file);
        return Array.Exists(lines, line => line.StartsWith("{:process", StringComparison.Ordinal))
            ? new LinearizabilityChecker<string, KeyValueInput, string>(new KeyValueModel(), Bounds).Check(ParseKeyValue(lines))
            : new LinearizabilityChecker<RegisterModel.Content, RegisterInput, RegisterOutput>(new RegisterModel(), Bounds).Check(ParseRegister(lines));
    }

    /// <summary>A line is one event; its number is its time.</summary>
    public static IEnumerable<HistoryOperation<RegisterInput, RegisterOutput>> ParseRegister(IReadOnlyList<string> lines)
    {
        Dictionary<int, (RegisterInput Input, long Call)> open = [];
        for (int at = 0; at < lines.Count; at++)
        {
            Match line = RegisterLine().Match(lines[at]);
            if (!line.Success)
            {
                continue;
            }

            int process = Number(line.Groups["process"]);
            string value = line.Groups["value"].Value;
            string[] numbers = value.Trim('[', ']').Split(' ', StringSplitOptions.RemoveEmptyEntries);
            switch (line.Groups["type"].Value, line.Groups["f"].Value)
            {
                case ("invoke", var f):
                    open[process] = (f switch
                    {
                        "read" => new RegisterInput.Read(),
                        "write" => new RegisterInput.Write(Number(numbers[0])),
                        _ => new RegisterInput.CompareAndSet(Number(numbers[0]), Number(numbers[1])),
                    }, at);
                    break;
                case ("ok" or "fail", _) when value is not ":timed-out" && open.Remove(process, out (RegisterInput Input, long Call) done):
                    int? read = done.Input is RegisterInput.Read && value is not "nil" ? Number(numbers[0]) : null;
                    yield return HistoryOperation<RegisterInput, RegisterOutput>.Answered(
                        process, done.Input, done.Call, new RegisterOutput(read, line.Groups["type"].Value is "ok"), at);
                    break;
                default:
                    // A read that told nothing; of a write it is not known whether it took effect, and its process does nothing more.
                    if (open.TryGetValue(process, out (RegisterInput Input, long Call) waiting) && waiting.Input is RegisterInput.Read)
                    {
                        open.Remove(process);
                    }

                    break;
            }
        }

        foreach ((int process, (RegisterInput input, long call)) in open)
        {
            yield return HistoryOperation<RegisterInput, RegisterOutput>.Unknown(process, input, call);
        }
    }

    public static IEnumerable<HistoryOperation<KeyValueInput, string>> ParseKeyValue(IReadOnlyList<string> lines)
    {
        Dictionary<int, (KeyValueInput Input, long Call)> open = [];
        for (int at = 0; at < lines.Count; at++)
        {
            Match line = KeyValueLine().Match(lines[at]);
            if (!line.Success)
            {
                continue;
            }

            int process = Number(line.Groups["process"]);
            string value = line.Groups["value"].Value;
            if (line.Groups["type"].Value is "invoke")
            {
                string key = line.Groups["key"].Value;
                open[process] = (line.Groups["f"].Value switch
                {
                    "get" => new KeyValueInput.Get(key),
                    "put" => new KeyValueInput.Put(key, value),
                    _ => new KeyValueInput.Append(key, value),
                }, at);
            }
            else if (open.Remove(process, out (KeyValueInput Input, long Call) done))
            {
                yield return HistoryOperation<KeyValueInput, string>.Answered(process, done.Input, done.Call, value, at);
            }
        }

        foreach ((int process, (KeyValueInput input, long call)) in open)
        {
            yield return HistoryOperation<KeyValueInput, string>.Unknown(process, input, call);
        }
    }

    private static bool? LabelOf(string file, Dictionary<int, bool> labels)
    {
        string name = Path.GetFileNameWithoutExtension(file);
        return name.EndsWith("-ok", StringComparison.Ordinal) ? true
            : name.EndsWith("-bad", StringComparison.Ordinal) ? false
            : JepsenName().Match(name) is { Success: true } numbered && labels.TryGetValue(Number(numbered.Groups["number"]), out bool label) ? label
            : null;
    }

    private static int Number(Group group) => Number(group.Value);

    private static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);

    [GeneratedRegex("""checkJepsen\(t, (?<number>\d+), (?<label>true|false)\)""", RegexOptions.ExplicitCapture, 10_000)]
    private static partial Regex JepsenLabel();

    [GeneratedRegex("""_(?<number>\d+)$""", RegexOptions.ExplicitCapture, 10_000)]
    private static partial Regex JepsenName();

    [GeneratedRegex("""^INFO\s+jepsen\.util\s+-\s+(?<process>\d+)\s+:(?<type>invoke|ok|fail|info)\s+:(?<f>read|write|cas)\s+(?<value>nil|:timed-out|\d+|\[\d+ \d+\])\s*$""", RegexOptions.ExplicitCapture, 10_000)]
    private static partial Regex RegisterLine();

    [GeneratedRegex("""^\{:process (?<process>\d+), :type :(?<type>invoke|ok), :f :(?<f>get|put|append), :key "(?<key>.*?)", :value (nil|"(?<value>.*)")\}""", RegexOptions.ExplicitCapture, 10_000)]
    private static partial Regex KeyValueLine();
}
