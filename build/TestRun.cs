using System.Diagnostics;
using System.Globalization;

namespace Converge.Build;

/// <summary><c>test</c>: builds the solution and runs the test projects one after the other.</summary>
internal static class TestRun
{
    // A test that hangs must end the run with a name, not with the patience of whoever waits.
    private const string HangTimeout = "10m";

    private sealed record ProjectResult(string Name, TestCount Count, TimeSpan Time, bool Finished);

    /// <summary>Runs the tests and ends with the count.</summary>
    public static int Run(string[] arguments)
    {
        if (arguments is ["--help" or "-h" or "-?"])
        {
            Console.WriteLine(TestOptions.Help);
            return ExitCode.Success;
        }

        TestOptions options = TestOptions.Parse(arguments);
        string[] projects = [.. Repository.TestProjects().Where(project => Matches(project, options.Only))];
        if (projects.Length == 0)
        {
            throw new UsageException($"No test project's name contains '{options.Only}'.");
        }

        if (!Dotnet.Restore(Repository.Solution)
            || Dotnet.Run(["build", Repository.Solution, "--no-restore", "-c", "Release", "-v", "quiet", "-nologo"]) != 0)
        {
            Console.Error.WriteLine("No test was run: the solution does not build.");
            return ExitCode.Failure;
        }

        if (Directory.Exists(Repository.TestResults))
        {
            Directory.Delete(Repository.TestResults, recursive: true);
        }

        List<ProjectResult> results = [];
        foreach (string project in projects.Where(project => !(AkkaNet.LeftOut && AkkaNet.IsTestProject(project))))
        {
            results.Add(RunProject(project, options));
        }

        return Summarize(results, projects);
    }

    private static bool Matches(string project, string? only) =>
        only is null || Path.GetFileNameWithoutExtension(project).Contains(only, StringComparison.OrdinalIgnoreCase);

    private static ProjectResult RunProject(string project, TestOptions options)
    {
        string name = Path.GetFileNameWithoutExtension(project);
        string[] filter = options.Filter is null ? [] : ["--filter", options.Filter];
        Console.WriteLine();
        Console.WriteLine($"— {name}");
        Stopwatch clock = Stopwatch.StartNew();
        int exitCode = Dotnet.Run(
            [
                "test", project, "--no-build", "-c", "Release", "-nologo",
                "--logger", $"trx;LogFileName={name}.trx", "--logger", "console;verbosity=minimal",
                "--results-directory", Repository.TestResults,
                "--blame-hang-timeout", HangTimeout, "--blame-hang-dump-type", "none",
                .. filter,
            ],
            options.ToEnvironment());

        // A project whose tests are all filtered away, or that has none yet, leaves no file behind.
        string trx = Path.Combine(Repository.TestResults, $"{name}.trx");
        TestCount count = default;
        if (File.Exists(trx))
        {
            using FileStream stream = File.OpenRead(trx);
            count = TestCount.FromTrx(stream);
        }

        // A run that broke without a failed test has failed all the same.
        bool finished = exitCode == 0 || count.Failed > 0;
        return new ProjectResult(name, finished ? count : count with { Failed = 1 }, clock.Elapsed, finished);
    }

    private static int Summarize(List<ProjectResult> results, string[] projects)
    {
        int width = projects.Max(project => Path.GetFileNameWithoutExtension(project).Length);
        Console.WriteLine();
        Console.WriteLine($"{"project".PadRight(width)}  passed  failed  skipped  seconds");
        TestCount sum = default;
        foreach (ProjectResult result in results)
        {
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{result.Name.PadRight(width)}  {result.Count.Passed,6}  {result.Count.Failed,6}  {result.Count.Skipped,7}  {result.Time.TotalSeconds,7:0.0}{(result.Finished ? "" : "  broke off")}"));
            sum += result.Count;
        }

        Console.WriteLine();
        if (sum == default)
        {
            Console.Error.WriteLine("No test ran.");
        }

        if (Array.Exists(projects, AkkaNet.IsTestProject))
        {
            Console.WriteLine($"Akka.NET specs: {DescribeAkka(results)}");
        }

        Console.WriteLine(sum.ToString());
        return sum.Failed == 0 && sum != default ? ExitCode.Success : ExitCode.Failure;
    }

    private static string DescribeAkka(List<ProjectResult> results)
    {
        if (AkkaNet.LeftOut)
        {
            return "left out";
        }

        int ran = results.Where(result => AkkaNet.IsTestProject(result.Name + ".csproj")).Sum(result => result.Count.Passed + result.Count.Failed);
        return string.Create(CultureInfo.InvariantCulture, $"ran {ran}");
    }
}
