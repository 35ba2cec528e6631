namespace Converge.Build;

/// <summary>Where things lie in this repository.</summary>
internal static class Repository
{
    /// <summary>The folder that holds the solution.</summary>
    public static string Root { get; } = FindRoot();

    public static string Solution => Path.Combine(Root, "Converge.Swarm.sln");

    public static string CliProject => Path.Combine(Root, "src", "Converge.Swarm.Cli", "Converge.Swarm.Cli.csproj");

    public static string BenchmarksProject => Path.Combine(Root, "tests", "Converge.Swarm.Benchmarks", "Converge.Swarm.Benchmarks.csproj");

    public static string CampaignProject => Path.Combine(Root, "tests", "Converge.Swarm.Campaigns", "Converge.Swarm.Campaigns.csproj");

    public static string CampaignProgram => Path.Combine(Root, "tests", "Converge.Swarm.Campaigns", "bin", "Release", "net10.0", "Converge.Swarm.Campaigns.dll");

    /// <summary>Known defects as patches.</summary>
    public static string MutantsFolder => Path.Combine(Root, "tests", "mutants");

    public static string Artifacts => Path.Combine(Root, "artifacts");

    public static string ProgramFolder => Path.Combine(Artifacts, "converge");

    public static string ProgramFile => Path.Combine(ProgramFolder, OperatingSystem.IsWindows() ? "converge.exe" : "converge");

    public static string TestResults => Path.Combine(Artifacts, "test-results");

    public static string Packages => Path.Combine(Artifacts, "packages");

    /// <summary>What the restore found out about Akka.NET: the first word is "restored" or "absent".</summary>
    public static string AkkaAnswer => Path.Combine(Artifacts, "akka", "answer.txt");

    public static string SampleFacts => Path.Combine(Root, "samples", "governance-sample.jsonl");

    /// <summary>Every test project, in ordinal order.</summary>
    public static IReadOnlyList<string> TestProjects() =>
        [.. Directory.EnumerateFiles(Path.Combine(Root, "tests"), "*.Tests.csproj", SearchOption.AllDirectories).Order(StringComparer.Ordinal)];

    private static string FindRoot()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "Converge.Swarm.sln")))
            {
                return folder.FullName;
            }
        }

        throw new InvalidOperationException($"No Converge.Swarm.sln above {AppContext.BaseDirectory}.");
    }
}
