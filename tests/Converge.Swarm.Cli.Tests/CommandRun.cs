using System.Net;
using Converge.Core;
using Converge.Swarm.Cli.Terminal;
using Converge.Swarm.Http;
using Converge.Swarm.Http.Tests;
using Microsoft.Extensions.Logging.Abstractions;

namespace Converge.Swarm.Cli.Tests;

/// <summary>What a command said and how it ended.</summary>
internal sealed record CommandRun(int ExitCode, string Out, string Error)
{
    /// <summary>Runs one command line in this process.</summary>
    public static async Task<CommandRun> OfAsync(params string[] arguments)
    {
        await using StringWriter output = new();
        await using StringWriter error = new();
        int code = await ConvergeProgram.RunAsync(
            arguments, new CommandTerminal(output, outputIsTerminal: false, error, errorIsTerminal: false), CancellationToken.None);
        return new CommandRun(code, output.ToString(), error.ToString());
    }
}

/// <summary>A swarm of one behind its API, with a few facts about a few proposals, and a folder for files.</summary>
internal sealed class SmallSwarm : IAsyncDisposable
{
    private readonly HttpHost _host;

    private SmallSwarm(SingleNode node, HttpHost host)
    {
        Node = node;
        _host = host;
    }

    public SingleNode Node { get; }

    public string Url => _host.Url.ToString();

    public string Folder { get; } = Directory.CreateTempSubdirectory("converge-cli-").FullName;

    public static async Task<SmallSwarm> StartAsync(int proposals)
    {
        SingleNode node = new();
        for (int i = 0; i < proposals; i++)
        {
            await node.CommitAsync(new FactSubmission(new ProposalCreated($"p-{i}", "author://ann", "A title"), CommandId: new CommandId("first", (ulong)i + 1)));
            await node.CommitAsync(new FactSubmission(new ValidationFailed($"p-{i}", "validator://é", "line\nline"), At: 1_700_000_000));
        }

        return new SmallSwarm(node, await HttpHost.StartAsync(node, new IPEndPoint(IPAddress.Loopback, 0), NullLoggerFactory.Instance));
    }

    public string File(string name) => Path.Combine(Folder, name);

    public async ValueTask DisposeAsync()
    {
        await _host.DisposeAsync();
        Directory.Delete(Folder, recursive: true);
    }
}
