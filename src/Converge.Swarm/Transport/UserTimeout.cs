using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Converge.Swarm.Transport;

/// <summary>
/// TCP's user timeout (RFC 9293, section 3.9.1; RFC 5482): how long data may be sent and not be acknowledged before the connection is given
/// up. Without it a system sends again for a quarter of an hour, after pauses of up to two minutes, in which a connection stays mute though
/// the network is well.
/// </summary>
internal static class UserTimeout
{
    private const int TcpLevel = 6;
    private const int MillisecondsLinux = 18;
    private const int SecondsMac = 0x80;
    private const int SecondsWindows = 5;

    /// <summary>
    /// Bounds the time for which what is sent on a connection stays without acknowledgement, or without room at a receiver that takes nothing.
    /// Systems other than Linux know whole seconds (TCP_RXT_CONNDROPTIME, TCP_MAXRT); one that has no such option goes by its own bound.
    /// </summary>
    public static void Set(Socket socket, TimeSpan timeout)
    {
        (int option, double value) = OperatingSystem.IsLinux() ? (MillisecondsLinux, timeout.TotalMilliseconds)
            : OperatingSystem.IsMacOS() ? (SecondsMac, timeout.TotalSeconds)
            : OperatingSystem.IsWindows() ? (SecondsWindows, timeout.TotalSeconds)
            : default;
        if (option == 0)
        {
            return;
        }

        int rounded = (int)Math.Min(Math.Ceiling(value), int.MaxValue);
        socket.SetRawSocketOption(TcpLevel, option, MemoryMarshal.AsBytes(new ReadOnlySpan<int>(in rounded)));
    }
}
