namespace Converge.Swarm.Cli.Processes;

/// <summary>A swarm of node processes on this machine, started and supervised by this process. None of them outlives it.</summary>
internal sealed class LocalSwarm : IAsyncDisposable
{
    private const int PollMilliseconds = 20;
    private const int StartAttempts = 5;

    private static readonly TimeSpan StartPatience = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan StopPatience = TimeSpan.FromSeconds(20);

    private LocalSwarm(LocalSwarmLayout layout)
    {
        Layout = layout;
        Nodes = [.. layout.Members.Select(member => new LocalNode(layout, member))];
    }

    /// <summary>Where everything lies.</summary>
    public LocalSwarmLayout Layout { get; }

    /// <summary>The nodes.</summary>
    public IReadOnlyList<LocalNode> Nodes { get; }

    /// <summary>The APIs of all nodes.</summary>
    public IReadOnlyList<Uri> Urls => [.. Nodes.Select(node => node.Url)];

    /// <summary>Writes the configuration, starts all nodes and waits until they have a leader.</summary>
    /// <exception cref="CommandFault">A node ended, or there is no leader in time. None of them runs then.</exception>
    public static async Task<LocalSwarm> StartAsync(LocalSwarmLayout layout, CancellationToken cancellationToken)
    {
        LocalSwarm swarm = new(layout);
        try
        {
            layout.Write();
            foreach (LocalNode node in swarm.Nodes)
            {
                node.Start();
            }

            await swarm.WaitForAsync("a leader that all nodes follow", StartPatience, statuses => Agree(statuses, swarm.Nodes.Count), cancellationToken);
            return swarm;
        }
        catch
        {
            await swarm.DisposeAsync();
            throw;
        }
    }

    /// <summary>
    /// Starts a swarm on free ports. A port may be taken between finding it and listening on it; then others are tried.
    /// </summary>
    public static async Task<LocalSwarm> StartOnFreePortsAsync(Func<LocalSwarmLayout> layout, CancellationToken cancellationToken)
    {
        for (int attempt = 1; ; attempt++)
        {
            try
            {
                return await StartAsync(layout(), cancellationToken);
            }
            catch (CommandFault fault) when (fault.ExitCode == ExitCode.InUse && attempt < StartAttempts)
            {
                // Once more, elsewhere.
            }
        }
    }

    /// <summary>The node that says it leads in the greatest term, if one does.</summary>
    public async Task<LocalNode?> FindLeaderAsync(CancellationToken cancellationToken)
    {
        SwarmStatus?[] statuses = await StatusesAsync(cancellationToken);
        SwarmStatus? leader = statuses.OfType<SwarmStatus>().Where(status => status.Role == NodeRole.Leader).MaxBy(status => status.Term);
        return leader is null ? null : Nodes.Single(node => node.Id == leader.Node);
    }

    /// <summary>Asks all nodes that run again and again until their statuses are as wanted.</summary>
    /// <param name="what">What is waited for, for the message.</param>
    /// <param name="patience">How long.</param>
    /// <param name="wanted">Looks at what the nodes say; null for one that says nothing.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="CommandFault">A node that was started has ended, or time is up.</exception>
    public async Task WaitForAsync(string what, TimeSpan patience, Func<IReadOnlyList<SwarmStatus?>, bool> wanted, CancellationToken cancellationToken)
    {
        long started = TimeProvider.System.GetTimestamp();
        while (true)
        {
            if (Nodes.FirstOrDefault(node => node.Process is { HasExited: true }) is { } ended)
            {
                throw Ended(ended, await ended.Process!.Exited);
            }

            SwarmStatus?[] statuses = await StatusesAsync(cancellationToken);
            if (wanted(statuses))
            {
                return;
            }

            if (TimeProvider.System.GetElapsedTime(started) > patience)
            {
                throw new CommandFault(ExitCode.Unavailable, $"waited {patience.TotalSeconds:0} s in vain for {what}; the nodes' logs are in {Layout.Folder}.");
            }

            await Task.Delay(PollMilliseconds, cancellationToken);
        }
    }

    /// <summary>Tells all nodes to stop and waits; kills those that have not by then.</summary>
    /// <returns>True when all stopped by themselves.</returns>
    public async Task<bool> StopAsync()
    {
        bool[] stopped = await Task.WhenAll(Nodes.Where(node => node.Process is not null).Select(node => node.Process!.StopAsync(StopPatience)));
        return stopped.All(clean => clean);
    }

    /// <summary>Kills every node that still runs.</summary>
    public async ValueTask DisposeAsync()
    {
        foreach (LocalNode node in Nodes)
        {
            await node.DisposeAsync();
        }
    }

    private static bool Agree(IReadOnlyList<SwarmStatus?> statuses, int nodes)
    {
        SwarmStatus[] ready = [.. statuses.OfType<SwarmStatus>().Where(status => status.Ready && !status.Leader.IsNone)];
        return ready.Length == nodes && ready.Select(status => status.Leader).Distinct().Count() == 1;
    }

    private async Task<SwarmStatus?[]> StatusesAsync(CancellationToken cancellationToken) =>
        await Task.WhenAll(Nodes.Select(node => node.Process is { Serves: true } ? node.TryGetStatusAsync(cancellationToken) : Task.FromResult<SwarmStatus?>(null)));

    private static CommandFault Ended(LocalNode node, int exitCode)
    {
        string why = node.Process!.LastLine;
        return new CommandFault(
            exitCode is ExitCode.InUse or ExitCode.Damaged ? exitCode : ExitCode.Failed,
            $"node {node.Id} ended with {exitCode}{(why.Length == 0 ? "." : $": {why}")} Its log is {node.LogFile}.");
    }
}
