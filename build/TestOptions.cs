using System.Globalization;

namespace Converge.Build;

/// <summary>The options of <c>test</c>.</summary>
/// <param name="Conformance">A folder of public protocol scripts to replay, if any.</param>
/// <param name="Histories">A folder of public labelled histories to judge, if any.</param>
/// <param name="Data">A file of real governance facts for the tests that can use one, if any.</param>
/// <param name="Only">Part of the names of the test projects to run; null for all.</param>
/// <param name="Filter">An expression of <c>dotnet test --filter</c>; null for all.</param>
/// <param name="FuzzSeconds">How long each test that fuzzes goes on; null for a moment.</param>
internal sealed record TestOptions(string? Conformance, string? Histories, string? Data, string? Only, string? Filter, int? FuzzSeconds)
{
    private const int MaxFuzzSeconds = 24 * 60 * 60;

    public const string Help =
        """
        ./build.sh test [options]

          --conformance FOLDER   also replays the protocol scripts in this folder
          --histories FOLDER     also judges the labelled histories in this folder for linearizability
          --data FILE            also runs the tests that need a file of real facts (JSON Lines, may be gzipped)
          --only NAME            only the test projects whose name contains this
          --filter EXPRESSION    only the tests that match, as 'dotnet test --filter' has it
          --fuzz SECONDS         how long each test that fuzzes goes on, from a seed that is drawn: --filter Fuzz --fuzz 600
        """;

    /// <summary>Reads the command line.</summary>
    /// <exception cref="UsageException">It is not understood, or names what is not there.</exception>
    public static TestOptions Parse(string[] arguments)
    {
        TestOptions options = new(null, null, null, null, null, null);
        for (int i = 0; i < arguments.Length; i += 2)
        {
            string name = arguments[i];
            if (i + 1 == arguments.Length)
            {
                throw new UsageException($"'{name}' is not understood, or lacks its value.{Environment.NewLine}{Environment.NewLine}{Help}");
            }

            string value = arguments[i + 1];
            options = name switch
            {
                "--conformance" => options with { Conformance = Existing(name, value, Directory.Exists) },
                "--histories" => options with { Histories = Existing(name, value, Directory.Exists) },
                "--data" => options with { Data = Existing(name, value, File.Exists) },
                "--only" => options with { Only = value },
                "--filter" => options with { Filter = value },
                "--fuzz" => options with { FuzzSeconds = Seconds(name, value) },
                _ => throw new UsageException($"'test' has no option '{name}'.{Environment.NewLine}{Environment.NewLine}{Help}"),
            };
        }

        return options;
    }

    /// <summary>What the test processes learn of it.</summary>
    public IReadOnlyDictionary<string, string> ToEnvironment()
    {
        Dictionary<string, string> environment = new(StringComparer.Ordinal);
        if (Conformance is not null)
        {
            environment["CONVERGE_CONFORMANCE"] = Conformance;
        }

        if (Histories is not null)
        {
            environment["CONVERGE_HISTORIES"] = Histories;
        }

        if (Data is not null)
        {
            environment["CONVERGE_DATA"] = Data;
        }

        if (FuzzSeconds is { } seconds)
        {
            environment["CONVERGE_FUZZ_SECONDS"] = seconds.ToString(CultureInfo.InvariantCulture);
            environment["CONVERGE_FUZZ_SEED"] = Random.Shared.Next().ToString(CultureInfo.InvariantCulture);
        }

        return environment;
    }

    private static int Seconds(string name, string value) =>
        int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out int seconds) && seconds is > 0 and <= MaxFuzzSeconds
            ? seconds
            : throw new UsageException($"{name}: '{value}' is not a number of seconds from 1 to {MaxFuzzSeconds}.");

    private static string Existing(string name, string path, Func<string, bool> exists)
    {
        string full = Path.GetFullPath(path);
        return exists(full) ? full : throw new UsageException($"{name}: there is no {full}.");
    }
}
