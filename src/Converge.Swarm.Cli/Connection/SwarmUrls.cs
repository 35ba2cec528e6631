using System.CommandLine;

namespace Converge.Swarm.Cli.Connection;

/// <summary>Which nodes a command speaks to: those named, else those of the environment, else those that <c>converge up</c> starts.</summary>
internal static class SwarmUrls
{
    public const string EnvironmentVariable = "CONVERGE_URL";
    public const int DefaultHttpPort = 7101;
    public const int DefaultNodes = 3;

    /// <summary>The option that names nodes.</summary>
    public static Option<string[]> Option(string name = "--url", params string[] aliases) => new(name, aliases)
    {
        Description = $"The nodes' APIs; any that answers will do. Otherwise {EnvironmentVariable}, otherwise those of 'converge up'.",
        HelpName = "URL",
        Arity = ArgumentArity.OneOrMore,
        AllowMultipleArgumentsPerToken = true,
    };

    /// <summary>The nodes to speak to.</summary>
    /// <exception cref="CommandFault">One of them is not an address.</exception>
    public static IReadOnlyList<Uri> Of(string[]? named)
    {
        if (named is { Length: > 0 })
        {
            return [.. named.Select(Parse)];
        }

        string? fromEnvironment = Environment.GetEnvironmentVariable(EnvironmentVariable);
        return string.IsNullOrWhiteSpace(fromEnvironment)
            ? [.. Enumerable.Range(DefaultHttpPort, DefaultNodes).Select(port => new Uri($"http://127.0.0.1:{port}"))]
            : [.. fromEnvironment.Split([',', ' '], StringSplitOptions.RemoveEmptyEntries).Select(Parse)];
    }

    /// <summary>Reads one address.</summary>
    /// <exception cref="CommandFault">It is none.</exception>
    public static Uri Parse(string text) => TryParse(text)
        ?? throw new CommandFault(ExitCode.Usage, $"'{text}' is not a node's address; one looks like http://127.0.0.1:{DefaultHttpPort}.");

    /// <summary>Reads one address; null when it is none.</summary>
    public static Uri? TryParse(string text) =>
        Uri.TryCreate(text, UriKind.Absolute, out Uri? url) && string.Equals(url.Scheme, Uri.UriSchemeHttp, StringComparison.Ordinal) ? url : null;
}
