using System.Globalization;
using Converge.Swarm.Simulation;

namespace Converge.Swarm.Campaigns;

/// <summary>The command line is not understood.</summary>
internal sealed class ArgumentFault(string message) : Exception(message);

/// <summary>What a campaign was asked to do.</summary>
/// <param name="Options">The campaign.</param>
/// <param name="Trace">Write the trace of every run, not only of one that failed.</param>
/// <param name="TraceFolder">Where traces go.</param>
/// <param name="Twice">Run every seed twice and compare.</param>
internal sealed record CampaignArguments(CampaignOptions Options, bool Trace, string TraceFolder, bool Twice)
{
    public const string Help =
        """
        ./build.sh simulate [options]

          --seeds N      how many seeds (100)
          --seed S       the first one (1)
          --minutes M    begin no further run after so many minutes of real time
          --nodes 3|5    how many nodes; without it each seed chooses
          --threads T    how many runs at once, one seed a thread (2)
          --all          go on after a seed that failed
          --no-shorten   do not look for the shortest run that fails
          --twice        run each seed twice and compare the traces
          --trace        write the trace of every run, a line an event; of a failed one it is written anyway
          --traces DIR   where traces go (artifacts/simulation)
        """;

    /// <summary>Reads the command line.</summary>
    /// <exception cref="ArgumentFault">It is not understood.</exception>
    public static CampaignArguments Parse(IReadOnlyList<string> arguments)
    {
        var read = new CampaignArguments(new CampaignOptions(), Trace: false, Path.Combine("artifacts", "simulation"), Twice: false);
        for (int i = 0; i < arguments.Count; i++)
        {
            string name = arguments[i];
            string Value() => ++i < arguments.Count ? arguments[i] : throw new ArgumentFault($"{name} lacks its value.");
            read = name switch
            {
                "--seeds" => read with { Options = read.Options with { Seeds = (int)Number(name, Value(), int.MaxValue) } },
                "--seed" => read with { Options = read.Options with { FirstSeed = Number(name, Value(), ulong.MaxValue) } },
                "--minutes" => read with { Options = read.Options with { Time = TimeSpan.FromMinutes(Number(name, Value(), 100_000)) } },
                "--nodes" => read with { Options = read.Options with { Nodes = (int)Number(name, Value(), 9) } },
                "--threads" => read with { Options = read.Options with { Threads = (int)Number(name, Value(), 256) } },
                "--all" => read with { Options = read.Options with { StopAtFirstFailure = false } },
                "--no-shorten" => read with { Options = read.Options with { Shorten = false } },
                "--trace" => read with { Trace = true },
                "--traces" => read with { TraceFolder = Value() },
                "--twice" => read with { Twice = true },
                _ => throw new ArgumentFault($"There is no option '{name}'."),
            };
        }

        return read;
    }

    private static ulong Number(string name, string text, ulong greatest) =>
        ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out ulong number) && number >= 1 && number <= greatest
            ? number
            : throw new ArgumentFault($"{name}: '{text}' is no number from 1 to {greatest}.");
}
