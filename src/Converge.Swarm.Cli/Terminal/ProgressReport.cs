using System.Globalization;
using Spectre.Console;

namespace Converge.Swarm.Cli.Terminal;

/// <summary>How far a long command has come: a bar where somebody looks, a line now and then elsewhere.</summary>
internal abstract class ProgressReport
{
    /// <summary>Says how many of how many are done. Cheap; may be called for each one, from one thread at a time.</summary>
    public abstract void Advance(long done, long total);

    /// <summary>Says what has just happened, in a line that stays.</summary>
    public abstract void Note(string text);

    /// <summary>Runs work that reports its progress.</summary>
    public static async Task RunAsync(CommandTerminal terminal, string what, Func<ProgressReport, Task> work)
    {
        if (!terminal.NoticesAreSeen)
        {
            await work(new Lines(terminal.Error, what));
            return;
        }

        await terminal.Notices.Progress()
            .AutoClear(true)
            .Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new CountColumn(), new SpinnerColumn())
            .StartAsync(async context =>
            {
                // Of how many, the first report says.
                ProgressTask task = context.AddTask(Markup.Escape(what));
                task.IsIndeterminate = true;
                await work(new Bar(terminal.Notices, task));
            });
    }

    private sealed class Bar(IAnsiConsole console, ProgressTask task) : ProgressReport
    {
        public override void Advance(long done, long total)
        {
            task.IsIndeterminate = false;
            task.MaxValue = Math.Max(1, total);
            task.Value = done;
        }

        public override void Note(string text) => console.MarkupLine($"[grey]{Markup.Escape(Printable.Line(text))}[/]");
    }

    private sealed class Lines(TextWriter writer, string what) : ProgressReport
    {
        private static readonly TimeSpan Interval = TimeSpan.FromSeconds(2);

        private long _lastLine = TimeProvider.System.GetTimestamp();

        public override void Advance(long done, long total)
        {
            if (TimeProvider.System.GetElapsedTime(_lastLine) < Interval && done < total)
            {
                return;
            }

            _lastLine = TimeProvider.System.GetTimestamp();
            writer.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{what}: {done:N0} of {total:N0}"));
        }

        public override void Note(string text) => writer.WriteLine(Printable.Line(text));
    }

    private sealed class CountColumn : ProgressColumn
    {
        public override Spectre.Console.Rendering.IRenderable Render(Spectre.Console.Rendering.RenderOptions options, ProgressTask task, TimeSpan deltaTime) =>
            new Text(task.IsIndeterminate ? "" : string.Create(CultureInfo.InvariantCulture, $"{task.Value:N0} of {task.MaxValue:N0}"));
    }
}
