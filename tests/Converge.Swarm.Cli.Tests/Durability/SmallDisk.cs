using System.Diagnostics;
using Converge.Swarm.Cli.Processes;

namespace Converge.Swarm.Cli.Tests.Durability;

/// <summary>A file system of a few MiB under a node's data folder: one that is really full when it is full. Gone afterwards.</summary>
internal sealed class SmallDisk : IDisposable
{
    private const int FillerBlock = 64 * 1024;

    private readonly string _folder;

    private SmallDisk(string folder) => _folder = folder;

    /// <summary>Why there can be none here; null when there can.</summary>
    public static string? MissingReason { get; } = FindMissingReason();

    private string Filler => Path.Combine(_folder, "filler");

    /// <summary>Puts a small disk under the folder of a node that does not run, with everything that is in it.</summary>
    public static SmallDisk Under(LocalNode node, int mebibytes)
    {
        string aside = $"{node.DataFolder}-aside";
        Directory.Move(node.DataFolder, aside);
        Directory.CreateDirectory(node.DataFolder);
        SmallDisk disk = Mount(node.DataFolder, mebibytes);
        Run("cp", "-a", $"{aside}/.", node.DataFolder);
        Directory.Delete(aside, recursive: true);
        return disk;
    }

    /// <summary>A small disk in an empty folder.</summary>
    public static SmallDisk At(string folder, int mebibytes) => Mount(folder, mebibytes);

    /// <summary>Takes all the room there is but so much.</summary>
    public void FillUpTo(int leftBytes)
    {
        using (FileStream filler = new(Filler, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0))
        {
            byte[] block = new byte[FillerBlock];
            while (new DriveInfo(_folder).AvailableFreeSpace > leftBytes + FillerBlock)
            {
                filler.Write(block);
            }
        }
    }

    /// <summary>Gives the room back.</summary>
    public void MakeRoom() => File.Delete(Filler);

    public void Dispose() => Run("umount", "--lazy", _folder);

    private static SmallDisk Mount(string folder, int mebibytes)
    {
        Run("mount", "-t", "tmpfs", "-o", $"size={mebibytes}m,mode=700", "tmpfs", folder);
        return new SmallDisk(folder);
    }

    private static string? FindMissingReason()
    {
        if (!OperatingSystem.IsLinux() || !string.Equals(Environment.UserName, "root", StringComparison.Ordinal))
        {
            return "A small file system can only be mounted by root on Linux.";
        }

        DirectoryInfo folder = Directory.CreateTempSubdirectory("converge-mount-");
        try
        {
            Mount(folder.FullName, 1).Dispose();
            return null;
        }
        catch (Exception e) when (e is InvalidOperationException or System.ComponentModel.Win32Exception)
        {
            return $"No file system can be mounted here: {e.Message}";
        }
        finally
        {
            folder.Delete();
        }
    }

    private static void Run(string program, params string[] arguments)
    {
        using Process process = Process.Start(new ProcessStartInfo(program, arguments) { UseShellExecute = false, RedirectStandardError = true })!;
        string error = process.StandardError.ReadToEnd();
        process.WaitForExit();
        if (process.ExitCode != 0)
        {
            throw new InvalidOperationException($"{program} {string.Join(' ', arguments)}: {error.Trim()}");
        }
    }
}

/// <summary>A test that needs a file system of its own; skipped, with the reason, where none can be mounted.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class SmallDiskTheoryAttribute : TheoryAttribute
{
    public SmallDiskTheoryAttribute() => Skip = SmallDisk.MissingReason;
}
