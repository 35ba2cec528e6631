using System.Globalization;
using Xunit.Abstractions;

namespace Converge.Swarm.Simulation.Tests.Linearizability;

public class LabelledHistoriesTests(ITestOutputHelper output)
{
    [HistoriesFact]
    public void The_histories_of_the_given_folder_are_what_their_labels_say()
    {
        List<string> wrong = [];
        int labelled = 0;
        IReadOnlyList<LabelledHistory> histories = LabelledHistories.In(HistoriesFactAttribute.Folder!);
        foreach (LabelledHistory history in histories)
        {
            LinearizabilityResult result = LabelledHistories.Check(history.File);
            bool right = result.Verdict != LinearizabilityVerdict.Unknown
                && (history.Label is null || history.Label == (result.Verdict == LinearizabilityVerdict.Linearizable));
            labelled += history.Label is null ? 0 : 1;
            string line = string.Create(
                CultureInfo.InvariantCulture,
                $"{Path.GetFileName(history.File)}: {result.Verdict}, label {history.Label?.ToString() ?? "none"}, {result.Operations} operations, {result.Keys} keys, {result.Steps} steps");
            output.WriteLine(line);
            if (!right)
            {
                wrong.Add(line);
            }
        }

        output.WriteLine($"{histories.Count} histories, {labelled} with a label, {wrong.Count} wrong.");
        Assert.NotEmpty(histories);
        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
    }

    [Fact]
    public void A_register_log_is_read_with_its_timeouts()
    {
        string[] lines =
        [
            "INFO  jepsen.util - 0\t:invoke\t:write\t3",
            "INFO  jepsen.util - 1\t:invoke\t:read\tnil",
            "INFO  jepsen.util - 0\t:info\t:write\t:timed-out",
            "INFO  jepsen.util - 1\t:fail\t:read\t:timed-out",
            "INFO  jepsen.util - 1\t:invoke\t:cas\t[3 4]",
            "INFO  jepsen.util - 2\t:invoke\t:read\tnil",
            "something else",
            "INFO  jepsen.util - 1\t:ok\t:cas\t[3 4]",
            "INFO  jepsen.util - 2\t:ok\t:read\t4",
        ];

        HistoryOperation<RegisterInput, RegisterOutput>[] operations = [.. LabelledHistories.ParseRegister(lines)];

        Assert.Equal(
            [
                HistoryOperation<RegisterInput, RegisterOutput>.Answered(1, new RegisterInput.CompareAndSet(3, 4), 4, new RegisterOutput(null, Succeeded: true), 7),
                HistoryOperation<RegisterInput, RegisterOutput>.Answered(2, new RegisterInput.Read(), 5, new RegisterOutput(4, Succeeded: true), 8),
                HistoryOperation<RegisterInput, RegisterOutput>.Unknown(0, new RegisterInput.Write(3), 0),
            ],
            operations);
    }

    [Fact]
    public void A_key_value_log_is_read_and_each_key_is_judged_alone()
    {
        string[] lines =
        [
            """{:process 0, :type :invoke, :f :append, :key "0", :value "x 0 0 y"}""",
            """{:process 1, :type :invoke, :f :put, :key "4", :value "z"}""",
            """{:process 0, :type :ok, :f :append, :key "0", :value "x 0 0 y"}""",
            """{:process 1, :type :ok, :f :put, :key "4", :value "z"}""",
            """{:process 0, :type :invoke, :f :get, :key "4", :value nil}""",
            """{:process 0, :type :ok, :f :get, :key "4", :value "GOT"}""",
        ];
        var checker = new LinearizabilityChecker<string, KeyValueInput, string>(new KeyValueModel());

        LinearizabilityResult right = checker.Check(LabelledHistories.ParseKeyValue([.. lines.Select(line => line.Replace("GOT", "z", StringComparison.Ordinal))]));
        LinearizabilityResult wrong = checker.Check(LabelledHistories.ParseKeyValue(lines));

        Assert.Equal((LinearizabilityVerdict.Linearizable, 3, 2), (right.Verdict, right.Operations, right.Keys));
        Assert.Equal((LinearizabilityVerdict.NotLinearizable, "4"), (wrong.Verdict, wrong.Key));
    }
}

/// <summary>Runs only when a folder of labelled histories was given, and says so when none was.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class HistoriesFactAttribute : FactAttribute
{
    private const string Variable = "CONVERGE_HISTORIES";

    public HistoriesFactAttribute()
    {
        if (Folder is null)
        {
            Skip = $"No folder of labelled histories was given: set {Variable}. Only the project's own histories were judged.";
        }
    }

    public static string? Folder => Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } folder ? folder : null;
}
