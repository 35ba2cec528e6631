using System.Net.Sockets;

namespace Converge.Swarm.Transport;

/// <summary>What it means that a connection broke. Everything else that is thrown over one is a fault of this program, and must not pass for that.</summary>
internal static class BrokenConnection
{
    /// <summary>
    /// Whether an exception says that the other side or the network ended a connection, or that it was given up. Of I/O exceptions only that
    /// of streams themselves does: others of its kind tell of damaged files, or of a part of the program that cannot be loaded.
    /// </summary>
    public static bool IsMeantBy(Exception e) => e is SocketException or OperationCanceledException || e.GetType() == typeof(IOException);
}
