namespace Converge.Swarm.Cli.Tests.Durability;

/// <summary>
/// Tests of swarms of real processes: one after the other and beside nothing else, on one swarm that lives through all of them. Every
/// test leaves it whole, or finds a new one.
/// </summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class DurabilityCollection : ICollectionFixture<SharedSwarm>
{
    public const string Name = "Durability";
}

/// <summary>A test that sends POSIX signals.</summary>
public sealed class SignalFactAttribute : FactAttribute
{
    public SignalFactAttribute()
    {
        if (OperatingSystem.IsWindows())
        {
            Skip = "There are no such signals on Windows.";
        }
    }
}
