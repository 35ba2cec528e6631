using System.Globalization;
using System.Net;
using Converge.Core;

namespace Converge.Swarm.Cli.Processes;

/// <summary>A swarm on this machine: one folder, one configuration file, a data folder and two ports for each node.</summary>
internal sealed record LocalSwarmLayout
{
    /// <summary>The configuration file in the folder.</summary>
    public const string ConfigurationFileName = "swarm.json";

    /// <summary>Where everything lies.</summary>
    public required string Folder { get; init; }

    /// <summary>The members with their addresses.</summary>
    public required IReadOnlyList<MemberOptions> Members { get; init; }

    /// <summary>Where the program of its nodes lies, when it is another build than this one.</summary>
    public string? ProgramFolder { get; init; }

    /// <summary>Changes other settings than those above.</summary>
    public Func<SwarmOptions, SwarmOptions> Adjust { get; init; } = options => options;

    /// <summary>The configuration file.</summary>
    public string ConfigurationFile => Path.Combine(Folder, ConfigurationFileName);

    /// <summary>A layout whose ports count upwards.</summary>
    public static LocalSwarmLayout Numbered(string folder, int nodes, int firstHttpPort, int firstPeerPort) => new()
    {
        Folder = folder,
        Members = [.. Enumerable.Range(0, nodes).Select(i => Member(i, firstPeerPort + i, firstHttpPort + i))],
    };

    /// <summary>A layout on ports that are free now.</summary>
    public static LocalSwarmLayout OnFreePorts(string folder, int nodes)
    {
        IReadOnlyList<int> ports = FreePorts.Find(2 * nodes);
        return new() { Folder = folder, Members = [.. Enumerable.Range(0, nodes).Select(i => Member(i, ports[2 * i], ports[(2 * i) + 1]))] };
    }

    /// <summary>The data folder of one node.</summary>
    public string DataFolderOf(NodeId node) => Path.Combine(Folder, NodeName(node.ToString()));

    /// <summary>The file that holds what one node logged.</summary>
    public string LogFileOf(NodeId node) => Path.Combine(Folder, $"{NodeName(node.ToString())}.log");

    /// <summary>Writes the configuration file, and the folder if it is not there.</summary>
    public void Write()
    {
        Directory.CreateDirectory(Folder);
        SwarmOptions options = Adjust(new SwarmOptions
        {
            Cluster = "converge",
            Node = Members[0].Id,
            DataFolder = NodeName(SwarmConfiguration.NodePlaceholder),
            Members = Members,
        });
        string next = $"{ConfigurationFile}.new";
        File.WriteAllBytes(next, SwarmConfiguration.ToJson(options));
        File.Move(next, ConfigurationFile, overwrite: true);
    }

    private static string NodeName(string node) => $"node{node}";

    private static MemberOptions Member(int position, int peerPort, int httpPort) => new(
        new NodeId((ulong)position + 1), Loopback(peerPort), Loopback(httpPort));

    private static IPEndPoint Loopback(int port) => port is > 0 and <= ushort.MaxValue
        ? new IPEndPoint(IPAddress.Loopback, port)
        : throw new CommandFault(ExitCode.Usage, string.Create(CultureInfo.InvariantCulture, $"{port} is not a port; ports go from 1 to {ushort.MaxValue}."));
}
