using Converge.Core;
using Converge.Swarm.Projection;

namespace Converge.Swarm.Cli.Nodes;

/// <summary>The configuration of one node, for the commands that take one.</summary>
internal static class NodeConfiguration
{
    /// <summary>Reads and checks a file.</summary>
    /// <exception cref="CommandFault">It cannot be used; says everything that is wrong with it.</exception>
    public static SwarmOptions Load(FileInfo file, ulong? node, string? dataFolder)
    {
        SwarmConfiguration configuration = SwarmConfiguration.Load(file.FullName, node is null ? null : new NodeId(node.Value), dataFolder);
        IReadOnlyList<ConfigurationFault> faults = configuration.Options is { } options && LedgerProjection.CheckConnection(options) is { } fault
            ? [fault]
            : configuration.Faults;
        return faults.Count == 0
            ? configuration.Options!
            : throw new CommandFault(ExitCode.Usage, $"the configuration {file} cannot be used:", [.. faults.Select(one => one.ToString())]);
    }
}
