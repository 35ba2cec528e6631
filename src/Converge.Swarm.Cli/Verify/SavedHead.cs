using Converge.Core;
using Converge.Core.Json;

namespace Converge.Swarm.Cli.Verify;

/// <summary>The file of a head that an auditor keeps: <c>--head FILE</c>.</summary>
internal static class SavedHead
{
    private const int MaxBytes = 64 * 1024;

    /// <summary>Reads it.</summary>
    /// <exception cref="CommandFault">It is not there, or no head.</exception>
    public static LedgerHead Read(FileInfo file) =>
        LedgerHeadJson.TryParse(SmallFile.Read(file, MaxBytes, "head"), out LedgerHead? head, out InputFault? fault)
            ? head
            : throw new CommandFault(ExitCode.Usage, $"--head: {file} is not a head: {fault.Message}");
}

/// <summary>A file that is read whole because it cannot be large.</summary>
internal static class SmallFile
{
    /// <summary>Its bytes.</summary>
    /// <exception cref="CommandFault">It is not there, or longer than anything of its kind.</exception>
    public static byte[] Read(FileInfo file, int maxBytes, string kind)
    {
        if (!file.Exists)
        {
            throw new CommandFault(ExitCode.Usage, $"There is no file '{file}'.");
        }

        // Not by the length that it has now: a pipe has none, and a device no end.
        using FileStream content = file.OpenRead();
        byte[] bytes = new byte[maxBytes + 1];
        int length = content.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
        return length <= maxBytes
            ? bytes[..length]
            : throw new CommandFault(ExitCode.Usage, $"{file} is too large to be a {kind}.");
    }
}
