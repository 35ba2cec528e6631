namespace Converge.Swarm.Cli.Tests.Processes;

/// <summary>Tests that start nodes as processes run one after the other: each needs the machine to itself to be quick.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class ProcessTests
{
    public const string Name = "processes";
}
