using System.Globalization;

namespace Converge.Raft.Tests.ScriptRunner;

/// <summary>One argument of a command: <c>name</c>, <c>name=value</c> or <c>name=(value, value)</c>.</summary>
internal sealed record ScriptArgument(string Key, IReadOnlyList<string> Values);

/// <summary>One step of a script: a command, lines of input, and the output that is expected.</summary>
/// <param name="Line">The number of the command's line, from 1.</param>
/// <param name="Command">The command.</param>
/// <param name="Arguments">Its arguments.</param>
/// <param name="Input">Its input without surrounding blanks.</param>
/// <param name="Expected">The expected output.</param>
/// <param name="OutputLines">Which lines of the file hold that output: from index, up to but without index, counted from 0.</param>
internal sealed record ScriptBlock(
    int Line, string Command, IReadOnlyList<ScriptArgument> Arguments, string Input, string Expected, (int From, int To) OutputLines)
{
    /// <summary>The arguments without a value, which name nodes and the like.</summary>
    public IReadOnlyList<string> Positional => [.. Arguments.Where(argument => argument.Values.Count == 0).Select(argument => argument.Key)];

    /// <summary>The single value of an argument, or null when it is not given.</summary>
    public string? Value(string key) =>
        Arguments.FirstOrDefault(argument => argument.Values.Count > 0 && string.Equals(argument.Key, key, StringComparison.Ordinal))?.Values[0];
}

/// <summary>Reads values as scripts write them, and says which line holds one that is none.</summary>
internal static class ScriptValues
{
    /// <summary>An argument without a value by its place.</summary>
    public static string At(this ScriptBlock block, int at)
    {
        IReadOnlyList<string> positional = block.Positional;
        return at < positional.Count ? positional[at] : throw Fault(block, $"argument {at + 1} is missing");
    }

    public static ulong Number(this ScriptBlock block, string text) =>
        ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out ulong number) ? number : throw Fault(block, $"'{text}' is not a number");

    public static int Count(this ScriptBlock block, string text) => (int)Math.Min(Number(block, text), int.MaxValue);

    /// <summary>A truth in all the forms that Go's <c>strconv.ParseBool</c> takes.</summary>
    public static bool Truth(this ScriptBlock block, string text) => text switch
    {
        "1" or "t" or "T" or "true" or "TRUE" or "True" => true,
        "0" or "f" or "F" or "false" or "FALSE" or "False" => false,
        _ => throw Fault(block, $"'{text}' is neither true nor false"),
    };

    public static ScriptFormatException Fault(this ScriptBlock block, string what) => new($"{block.Command}: {what}");
}

/// <summary>The script cannot be read.</summary>
internal sealed class ScriptFormatException(string message, int line = 0) : Exception(message)
{
    /// <summary>The line that cannot be read, or zero when a command is meant.</summary>
    public int Line { get; } = line;
}
