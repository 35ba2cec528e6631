using Converge.Core;

namespace Converge.Swarm;

/// <summary>What came of reading a configuration: either options that keep every rule, or all that is wrong with it.</summary>
/// <param name="Options">The options, when there is no fault; otherwise null.</param>
/// <param name="Faults">Every fault found, in the order of the file; empty when the options are good.</param>
public sealed record SwarmConfiguration(SwarmOptions? Options, IReadOnlyList<ConfigurationFault> Faults)
{
    /// <summary>The largest file that is read, in bytes.</summary>
    public const int MaxFileBytes = 1024 * 1024;

    /// <summary>Stands for the node's number in <c>data_folder</c>, so that one file can serve all members.</summary>
    public const string NodePlaceholder = "{node}";

    /// <summary>Reads a file. Never throws for what is in it, or for a file that cannot be read.</summary>
    /// <param name="path">JSON with comments, as in <c>config/swarm.json</c>.</param>
    /// <param name="node">Takes the place of <c>node</c> in the file.</param>
    /// <param name="dataFolder">Takes the place of <c>data_folder</c>; relative to the working directory.</param>
    public static SwarmConfiguration Load(string path, NodeId? node = null, string? dataFolder = null)
    {
        byte[] json;
        try
        {
            using FileStream file = File.OpenRead(path);
            if (file.Length > MaxFileBytes)
            {
                return new SwarmConfiguration(null, [new("", $"{path} is larger than {MaxFileBytes} bytes.")]);
            }

            json = new byte[file.Length];
            file.ReadExactly(json);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            return new SwarmConfiguration(null, [new("", $"{path} cannot be read: {fault.Message}")]);
        }

        string folder = Path.GetDirectoryName(Path.GetFullPath(path)) ?? Environment.CurrentDirectory;
        return Parse(json, folder, node, dataFolder is null ? null : Path.GetFullPath(dataFolder));
    }

    /// <summary>Reads the text of a configuration. Never throws for what is in it.</summary>
    /// <param name="json">JSON with comments, in UTF-8.</param>
    /// <param name="folder">What a relative <c>data_folder</c> is relative to: the folder of the file.</param>
    /// <param name="node">Takes the place of <c>node</c> in the file.</param>
    /// <param name="dataFolder">Takes the place of <c>data_folder</c>.</param>
    public static SwarmConfiguration Parse(ReadOnlyMemory<byte> json, string folder, NodeId? node = null, string? dataFolder = null) =>
        new ConfigurationReader(folder).Read(json, node, dataFolder);

    /// <summary>Writes options as a file that <see cref="Parse"/> reads back as they are.</summary>
    public static byte[] ToJson(SwarmOptions options) => ConfigurationWriter.Write(options);
}
