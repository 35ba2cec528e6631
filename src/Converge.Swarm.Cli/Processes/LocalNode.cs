using Converge.Core;
using Converge.Swarm.Http;

namespace Converge.Swarm.Cli.Processes;

/// <summary>One node of a swarm on this machine: where it is, and the process it runs in, if it runs.</summary>
internal sealed class LocalNode : IAsyncDisposable
{
    private static readonly TimeSpan ClientPatience = TimeSpan.FromSeconds(30);

    private readonly LocalSwarmLayout _layout;

    public LocalNode(LocalSwarmLayout layout, MemberOptions member)
    {
        _layout = layout;
        Id = member.Id;
        Url = new Uri($"http://{member.Http}");
        Client = new HttpSwarmClient(Url, ClientPatience);
    }

    /// <summary>Which member it is.</summary>
    public NodeId Id { get; }

    /// <summary>Its API.</summary>
    public Uri Url { get; }

    /// <summary>The way to its API.</summary>
    public HttpSwarmClient Client { get; }

    /// <summary>Its data.</summary>
    public string DataFolder => _layout.DataFolderOf(Id);

    /// <summary>What it logged.</summary>
    public string LogFile => _layout.LogFileOf(Id);

    /// <summary>The process it runs in, or ran in last.</summary>
    public NodeProcess? Process { get; private set; }

    /// <summary>Starts it. It must not be running.</summary>
    public void Start()
    {
        if (Process is { HasExited: false })
        {
            throw new InvalidOperationException($"Node {Id} runs already, as process {Process.Id}.");
        }

        Process = NodeProcess.Start(_layout.ConfigurationFile, Id.Value, LogFile, _layout.ProgramFolder);
    }

    /// <summary>Its status, or null when it does not answer.</summary>
    public async Task<SwarmStatus?> TryGetStatusAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await Client.GetStatusAsync(cancellationToken);
        }
        catch (SwarmUnavailableException)
        {
            return null;
        }
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        if (Process is not null)
        {
            await Process.DisposeAsync();
        }
    }
}
