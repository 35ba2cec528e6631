using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Converge.Swarm.Tests.Transport;

/// <summary>A connection that a network has silently stopped to carry: what comes is dropped before TCP sees it, and never acknowledged.</summary>
internal static class CutOff
{
    private const int SocketLevel = 1;
    private const int AttachFilter = 26;

    // One instruction of a socket filter: return 0, keep nothing of the packet.
    private static readonly byte[] DropAll = Pinned([6, 0, 0, 0, 0, 0, 0, 0]);

    /// <summary>From now on nothing reaches this end of the connection, and the other end is told nothing.</summary>
    public static void Silently(Socket socket)
    {
        var program = new FilterProgram { Length = 1, Filter = Marshal.UnsafeAddrOfPinnedArrayElement(DropAll, 0) };
        socket.SetRawSocketOption(SocketLevel, AttachFilter, MemoryMarshal.AsBytes(new ReadOnlySpan<FilterProgram>(in program)));
    }

    private static byte[] Pinned(ReadOnlySpan<byte> bytes)
    {
        byte[] pinned = GC.AllocateUninitializedArray<byte>(bytes.Length, pinned: true);
        bytes.CopyTo(pinned);
        return pinned;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct FilterProgram
    {
        public ushort Length;
        public nint Filter;
    }
}

/// <summary>A test that cuts connections off, which only Linux lets a program do that is nobody special.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class CutOffFactAttribute : FactAttribute
{
    public CutOffFactAttribute() => Skip = OperatingSystem.IsLinux() ? null : "Cutting off a connection takes Linux.";
}
