namespace Converge.Swarm.Cli.Tests.Durability;

/// <summary>The swarm that tests share, whole again at the beginning of each.</summary>
public sealed class SharedSwarm : IAsyncLifetime
{
    private ProcessSwarm? _swarm;

    public Task InitializeAsync() => Task.CompletedTask;

    /// <summary>The swarm with all nodes running and agreeing. One that an earlier test left beyond repair is replaced.</summary>
    internal async Task<ProcessSwarm> WholeAsync()
    {
        if (_swarm is { IsSpoilt: true })
        {
            await _swarm.DisposeAsync();
            _swarm = null;
        }

        _swarm ??= await ProcessSwarm.StartAsync();
        await _swarm.MakeWholeAsync();
        return _swarm;
    }

    public async Task DisposeAsync()
    {
        if (_swarm is not null)
        {
            await _swarm.DisposeAsync();
        }
    }
}
