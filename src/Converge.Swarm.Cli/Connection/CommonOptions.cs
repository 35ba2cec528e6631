using System.CommandLine;
using Converge.Core;

namespace Converge.Swarm.Cli.Connection;

/// <summary>Options that several commands have, worded once.</summary>
internal static class CommonOptions
{
    public static Option<bool> Json() => new("--json") { Description = "Writes the result as JSON, for programs." };

    public static Option<double> TimeoutSeconds(double seconds, string description) => new("--timeout")
    {
        Description = description,
        HelpName = "SECONDS",
        DefaultValueFactory = _ => seconds,
    };

    /// <summary>The time given, checked.</summary>
    /// <exception cref="CommandFault">It is not a length of time.</exception>
    public static TimeSpan Timeout(ParseResult parsed, Option<double> option)
    {
        const double LongestSeconds = 24 * 60 * 60;
        double seconds = parsed.GetValue(option);
        return seconds is > 0 and <= LongestSeconds
            ? TimeSpan.FromSeconds(seconds)
            : throw new CommandFault(ExitCode.Usage, $"--timeout must be more than 0 and at most {LongestSeconds} seconds.");
    }

    /// <summary>The node that a number given means.</summary>
    /// <exception cref="CommandFault">No node has such a number.</exception>
    public static NodeId Node(ulong number) => number is >= 1 and <= FactLimits.MaxNumber
        ? new NodeId(number)
        : throw new CommandFault(ExitCode.Usage, $"A node's number is from 1 to {FactLimits.MaxNumber}.");
}
