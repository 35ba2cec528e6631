using System.Globalization;

namespace Converge.Build;

/// <summary>The options of <c>mutants</c>.</summary>
/// <param name="Only">Part of the names of the mutants to try; null for all.</param>
/// <param name="Seeds">How many seeds each may survive at most.</param>
/// <param name="First">How many seeds run before the judges of a mutant that has some are asked; the others follow when these find nothing.</param>
/// <param name="Limit">How long one program may run: a build, the seeds of one mutant, a judge.</param>
/// <param name="Table">Where to write the table as Markdown, if anywhere.</param>
/// <param name="List">Only name them.</param>
internal sealed record MutantOptions(string? Only, int Seeds, int First, TimeSpan Limit, string? Table, bool List)
{
    public const string Help =
        """
        ./build.sh mutants [options]

          --only NAME    only the mutants whose name contains this
          --seeds N      how many seeds of the simulation each may survive at most (300)
          --first N      how many of them before the tests that a patch names are asked (40)
          --limit M      the minutes that one build, simulation or test run may take; what takes longer is killed and said to hang (10)
          --table FILE   writes the table as Markdown, too
          --list         names them and ends
        """;

    /// <summary>Reads the command line.</summary>
    /// <exception cref="UsageException">It is not understood.</exception>
    public static MutantOptions Parse(string[] arguments)
    {
        MutantOptions options = new(null, 300, 40, TimeSpan.FromMinutes(10), null, List: false);
        for (int i = 0; i < arguments.Length; i++)
        {
            string name = arguments[i];
            string Value() => ++i < arguments.Length ? arguments[i] : throw new UsageException($"{name} lacks its value.");
            options = name switch
            {
                "--only" => options with { Only = Value() },
                "--seeds" => options with { Seeds = Count(name, Value()) },
                "--first" => options with { First = Count(name, Value()) },
                "--limit" => options with { Limit = TimeSpan.FromMinutes(Count(name, Value())) },
                "--table" => options with { Table = Path.GetFullPath(Value()) },
                "--list" => options with { List = true },
                _ => throw new UsageException($"'mutants' has no option '{name}'.{Environment.NewLine}{Environment.NewLine}{Help}"),
            };
        }

        return options;
    }

    private static int Count(string name, string text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int count) && count > 0
            ? count
            : throw new UsageException($"{name}: '{text}' is no number above zero.");
}
