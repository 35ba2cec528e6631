using System.Globalization;
using System.Runtime.InteropServices;

namespace Converge.Swarm.Cli.Nodes;

/// <summary>
/// Asks Linux for pages of 2 MiB for the managed heap. A node's state is large and looked at here and there, and with pages of 4 KiB the processor
/// may spend much of its time on finding them, in a virtual machine above all. .NET has no setting for it; that of Java is
/// <c>-XX:+UseTransparentHugePages</c>.
/// </summary>
internal static partial class HugePages
{
    private const string Mode = "/sys/kernel/mm/transparent_hugepage/enabled";
    private const string Maps = "/proc/self/maps";
    private const int Wanted = 14;

    /// <summary>
    /// Asks, where the system leaves it to programs to ask (its mode is <c>madvise</c>, as most distributions have it). Whether it gives them
    /// is its affair; nothing depends on it.
    /// </summary>
    /// <returns>Whether they were asked for.</returns>
    public static bool TryAskForHeap()
    {
        try
        {
            return OperatingSystem.IsLinux() && File.ReadAllText(Mode).Contains("[madvise]", StringComparison.Ordinal) && AskForHeap();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // A system without them, or one that shows nothing of itself.
            return false;
        }
    }

    /// <summary>
    /// The mappings that lie without a gap around a program's own object, and belong to no file: what the collector reserved at the start, of
    /// which it uses more and more.
    /// </summary>
    /// <param name="maps">The lines of <c>/proc/self/maps</c>, in the order of their addresses.</param>
    /// <param name="within">The object's address.</param>
    internal static (ulong Start, ulong End) RangeAround(IEnumerable<string> maps, ulong within)
    {
        (ulong Start, ulong End) range = default;
        foreach (string line in maps)
        {
            // start-end rights offset device inode [file]
            string[] fields = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            int dash = fields[0].IndexOf('-', StringComparison.Ordinal);
            ulong start = ulong.Parse(fields[0].AsSpan(0, dash), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
            ulong end = ulong.Parse(fields[0].AsSpan(dash + 1), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
            bool isOfNoFile = fields.Length == 5;
            if (isOfNoFile && start == range.End)
            {
                range.End = end;
            }
            else if (range.Start <= within && within < range.End)
            {
                break;
            }
            else
            {
                range = isOfNoFile ? (start, end) : default;
            }
        }

        return range.Start <= within && within < range.End ? range : default;
    }

    private static bool AskForHeap()
    {
        byte[] own = GC.AllocateUninitializedArray<byte>(1, pinned: true);
        (ulong start, ulong end) = RangeAround(File.ReadLines(Maps), (ulong)Marshal.UnsafeAddrOfPinnedArrayElement(own, 0));
        GC.KeepAlive(own);
        return end > start && Advise((nint)start, (nint)(end - start), Wanted) == 0;
    }

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int Advise(nint start, nint length, int advice);
}
