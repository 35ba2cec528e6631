using System.Globalization;

namespace Converge.Swarm.Simulation.Tests.Linearizability;

/// <summary>
/// Histories of a register in a form that can be read: operations apart by semicolons, each with client, call, return (<c>-</c> for never)
/// and what it was: <c>write 1</c>, <c>read 1</c>, <c>read nothing</c>, <c>set 1 2 done</c>, <c>set 1 2 failed</c>.
/// </summary>
internal static class RegisterHistory
{
    public static IReadOnlyList<HistoryOperation<RegisterInput, RegisterOutput>> Parse(string text) =>
        [.. text.Split(';', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Select(ParseOperation)];

    public static LinearizabilityResult Check(string text) =>
        new LinearizabilityChecker<RegisterModel.Content, RegisterInput, RegisterOutput>(new RegisterModel()).Check(Parse(text));

    private static HistoryOperation<RegisterInput, RegisterOutput> ParseOperation(string text)
    {
        string[] words = text.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        int client = Number(words[0]);
        long call = Number(words[1]);
        (RegisterInput input, RegisterOutput output) = words[3..] switch
        {
            ["write", var value] => ((RegisterInput)new RegisterInput.Write(Number(value)), default(RegisterOutput)),
            ["read", "nothing"] => (new RegisterInput.Read(), default),
            ["read", var value] => (new RegisterInput.Read(), new RegisterOutput(Number(value), Succeeded: false)),
            ["set", var expected, var value, var outcome] =>
                (new RegisterInput.CompareAndSet(Number(expected), Number(value)), new RegisterOutput(null, outcome is "done")),
            _ => throw new FormatException($"'{text}' is no operation."),
        };
        return words[2] is "-"
            ? HistoryOperation<RegisterInput, RegisterOutput>.Unknown(client, input, call)
            : HistoryOperation<RegisterInput, RegisterOutput>.Answered(client, input, call, output, Number(words[2]));
    }

    private static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);
}
