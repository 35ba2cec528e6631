using System.Globalization;

namespace Converge.Build;

/// <summary>The options of <c>mutants</c>.</summary>
/// <param name="Only">Part of the names of the mutants to try; null for all.</param>
/// <param name="Seeds">How many seeds each is given.</param>
/// <param name="Table">Where to write the table as Markdown, if anywhere.</param>
/// <param name="List">Only name them.</param>
internal sealed record MutantOptions(string? Only, int Seeds, string? Table, bool List)
{
    public const string Help =
        """
        ./build.sh mutants [options]

          --only NAME    only the mutants whose name contains this
          --seeds N      how many seeds of the simulation each may survive at most (1000)
          --table FILE   writes the table as Markdown, too
          --list         names them and ends
        """;

    /// <summary>Reads the command line.</summary>
    /// <exception cref="UsageException">It is not understood.</exception>
    public static MutantOptions Parse(string[] arguments)
    {
        MutantOptions options = new(null, 1000, null, List: false);
        for (int i = 0; i < arguments.Length; i++)
        {
            string name = arguments[i];
            string Value() => ++i < arguments.Length ? arguments[i] : throw new UsageException($"{name} lacks its value.");
            options = name switch
            {
                "--only" => options with { Only = Value() },
                "--seeds" => options with { Seeds = Count(name, Value()) },
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
