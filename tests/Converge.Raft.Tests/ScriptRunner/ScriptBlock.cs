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

/// <summary>The script cannot be read.</summary>
internal sealed class ScriptFormatException(string message) : Exception(message);
