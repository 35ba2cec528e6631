using System.Text;

namespace Converge.Raft.Tests.ScriptRunner;

/// <summary>
/// Reads scripts: a command line, lines of input, <c>----</c>, and the expected output up to a blank line; or, after a second
/// <c>----</c>, up to a pair of such lines. Lines that start with <c>#</c> between blocks are comments; a command line that ends with a
/// backslash goes on in the next.
/// </summary>
internal sealed class ScriptParser(string text)
{
    private const string Separator = "----";

    private readonly string[] _lines = text.ReplaceLineEndings("\n").Split('\n');
    private int _at;

    public static IReadOnlyList<ScriptBlock> Parse(string text)
    {
        var parser = new ScriptParser(text);
        List<ScriptBlock> blocks = [];
        while (parser.Next() is { } block)
        {
            blocks.Add(block);
        }

        return blocks;
    }

    private ScriptBlock? Next()
    {
        while (TryRead(out string line))
        {
            int number = _at;
            line = line.Trim();
            if (line.Length == 0 || line[0] == '#')
            {
                continue;
            }

            while (line.EndsWith('\\') && TryRead(out string more))
            {
                line = $"{line[..^1]} {more.Trim()}";
            }

            (string command, List<ScriptArgument> arguments) = ParseCommand(line.Trim(), number);
            string input = ReadInput(out bool hasOutput);
            int from = _at;
            string expected = hasOutput ? ReadExpected() : string.Empty;
            return new ScriptBlock(number, command, arguments, input, expected, (from, from + expected.Count(character => character == '\n')));
        }

        return null;
    }

    private static (string Command, List<ScriptArgument> Arguments) ParseCommand(string line, int number)
    {
        List<ScriptArgument> arguments = [];
        int at = EndOf(line, 0, " ");
        string command = line[..at];
        while (true)
        {
            while (at < line.Length && line[at] == ' ')
            {
                at++;
            }

            if (at == line.Length)
            {
                return (command, arguments);
            }

            int end = EndOf(line, at, " =");
            string key = line[at..end];
            if (key.Length == 0)
            {
                throw new ScriptFormatException($"Column {at + 1}: an argument without a name: {line}", number);
            }

            at = end;
            arguments.Add(new ScriptArgument(key, at < line.Length && line[at] == '=' ? ParseValues(line, number, ref at) : []));
        }
    }

    private static List<string> ParseValues(string line, int number, ref int at)
    {
        at++;
        if (at == line.Length || line[at] != '(')
        {
            int end = EndOf(line, at, " ");
            List<string> single = [line[at..end]];
            at = end;
            return single;
        }

        List<string> values = [];
        int start = ++at;
        for (int depth = 1; depth > 0; at++)
        {
            if (at == line.Length)
            {
                throw new ScriptFormatException($"A parenthesis is not closed: {line}", number);
            }

            depth += line[at] switch
            {
                '(' => 1,
                ')' => -1,
                _ => 0,
            };
            if (depth == 0 || (depth == 1 && line[at] == ','))
            {
                values.Add(line[start..at].Trim());
                start = at + 1;
            }
        }

        return values;
    }

    private static int EndOf(string line, int start, string stops)
    {
        int end = line.AsSpan(start).IndexOfAny(stops);
        return end < 0 ? line.Length : start + end;
    }

    private string ReadInput(out bool hasOutput)
    {
        var input = new StringBuilder();
        while (TryRead(out string line))
        {
            if (string.Equals(line, Separator, StringComparison.Ordinal))
            {
                hasOutput = true;
                return input.ToString().Trim();
            }

            input.Append(line).Append('\n');
        }

        hasOutput = false;
        return input.ToString().Trim();
    }

    private string ReadExpected()
    {
        var expected = new StringBuilder();
        bool isFirst = true;
        while (TryRead(out string line))
        {
            if (isFirst && string.Equals(line, Separator, StringComparison.Ordinal))
            {
                return ReadUntilPair();
            }

            isFirst = false;
            if (string.IsNullOrWhiteSpace(line))
            {
                break;
            }

            expected.Append(line).Append('\n');
        }

        return expected.ToString();
    }

    private string ReadUntilPair()
    {
        var expected = new StringBuilder();
        while (TryRead(out string line))
        {
            if (string.Equals(line, Separator, StringComparison.Ordinal) && _at < _lines.Length && string.Equals(_lines[_at], Separator, StringComparison.Ordinal))
            {
                _at++;
                return expected.ToString();
            }

            expected.Append(line).Append('\n');
        }

        throw new ScriptFormatException($"An output between pairs of {Separator} does not end.", _at);
    }

    private bool TryRead(out string line)
    {
        line = _at < _lines.Length ? _lines[_at] : string.Empty;
        return _at++ < _lines.Length;
    }
}
