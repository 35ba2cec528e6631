using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Spectre.Console;

namespace Converge.Swarm.Cli.Terminal;

/// <summary>Where a command writes: results to one stream, everything said along the way to the other.</summary>
internal sealed class CommandTerminal
{
    // A table squeezed into the 80 columns that a pipe is said to have would be cut for nobody's benefit.
    private const int WidthOfPipe = 240;

    private static readonly JsonWriterOptions Json = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public CommandTerminal(TextWriter output, bool outputIsTerminal, TextWriter error, bool errorIsTerminal)
    {
        Out = output;
        Error = error;
        Screen = ConsoleOf(output, outputIsTerminal);
        Notices = ConsoleOf(error, errorIsTerminal);
        NoticesAreSeen = errorIsTerminal;
    }

    /// <summary>Results.</summary>
    public TextWriter Out { get; }

    /// <summary>Errors and progress.</summary>
    public TextWriter Error { get; }

    /// <summary>Results, with tables and colours where somebody looks.</summary>
    public IAnsiConsole Screen { get; }

    /// <summary>Progress, with bars and colours where somebody looks.</summary>
    public IAnsiConsole Notices { get; }

    /// <summary>True when progress goes to a terminal that can redraw a line.</summary>
    public bool NoticesAreSeen { get; }

    /// <summary>The terminal of this process.</summary>
    public static CommandTerminal OfProcess()
    {
        // Without a byte order mark, which would make the first line of JSON unreadable for others.
        UTF8Encoding utf8 = new(encoderShouldEmitUTF8Identifier: false);
        StreamWriter output = new(Console.OpenStandardOutput(), utf8) { AutoFlush = true };
        StreamWriter error = new(Console.OpenStandardError(), utf8) { AutoFlush = true };
        return new CommandTerminal(output, !Console.IsOutputRedirected, error, !Console.IsErrorRedirected);
    }

    /// <summary>Says in one line what went wrong, and in more lines if there is more to say.</summary>
    /// <returns>The exit code, for the caller to return.</returns>
    public int Fail(int exitCode, string message, params IReadOnlyList<string> details)
    {
        Error.WriteLine($"converge: {Printable.Line(message)}");
        foreach (string detail in details)
        {
            Error.WriteLine($"  {Printable.Line(detail)}");
        }

        return exitCode;
    }

    /// <summary>Says what was achieved, in one line: as JSON for programs, in words for others.</summary>
    /// <returns>The exit code, for the caller to return.</returns>
    public int Succeed(bool json, Action<Utf8JsonWriter> write, string words)
    {
        if (json)
        {
            WriteJson(write);
        }
        else
        {
            Out.WriteLine(words);
        }

        return ExitCode.Success;
    }

    /// <summary>Writes one JSON value as one line of results.</summary>
    public void WriteJson(Action<Utf8JsonWriter> write)
    {
        using MemoryStream buffer = new();
        using (Utf8JsonWriter json = new(buffer, Json))
        {
            write(json);
        }

        Out.WriteLine(Encoding.UTF8.GetString(buffer.GetBuffer(), 0, (int)buffer.Length));
    }

    /// <summary>Writes JSON that is there already as one line of results.</summary>
    public void WriteJson(byte[] json) => Out.WriteLine(Encoding.UTF8.GetString(json));

    private static IAnsiConsole ConsoleOf(TextWriter writer, bool isTerminal)
    {
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Out = new AnsiConsoleOutput(writer),
            Ansi = isTerminal ? AnsiSupport.Detect : AnsiSupport.No,
            Interactive = isTerminal ? InteractionSupport.Detect : InteractionSupport.No,
        });
        if (!isTerminal)
        {
            console.Profile.Width = WidthOfPipe;
        }

        return console;
    }
}
