using System.Net;
using System.Net.Sockets;

namespace Converge.Swarm.Cli.Processes;

/// <summary>
/// Ports that nothing listens on. Taken from below the range out of which systems give ports to outgoing connections: a port in that
/// range could be gone by the time a node that was killed wants it back.
/// </summary>
internal static class FreePorts
{
    private const int First = 15_000;
    private const int Last = 29_999;

    /// <summary>Finds so many ports, all different, all free at the moment.</summary>
    public static IReadOnlyList<int> Find(int count)
    {
        HashSet<int> found = [];
        for (int tries = 0; found.Count < count; tries++)
        {
            if (tries > Last - First)
            {
                throw new CommandFault(ExitCode.InUse, $"there are no {count} free ports from {First} to {Last}.");
            }

            int port = Random.Shared.Next(First, Last + 1);
            if (IsFree(port))
            {
                found.Add(port);
            }
        }

        return [.. found];
    }

    /// <summary>True when nothing listens on the port.</summary>
    public static bool IsFree(int port)
    {
        using Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.Bind(new IPEndPoint(IPAddress.Loopback, port));
            socket.Listen();
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
