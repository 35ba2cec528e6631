using Converge.Swarm.Actors;
using Converge.Swarm.Governance;
using Converge.Swarm.Hosting;
using Converge.Swarm.Ledger;
using Converge.Swarm.Transport.Wire;
using Microsoft.Extensions.Logging;

namespace Converge.Swarm.Transport;

/// <summary>What a node is to clients that come over the wire: the door, and what they share once they are in.</summary>
/// <param name="options">Whose clients are welcome, and where the members are.</param>
/// <param name="post">Puts a message into the node actor's mailbox; false when there is no room.</param>
/// <param name="ledger">The node's ledger.</param>
/// <param name="news">Wakes those who wait for records.</param>
/// <param name="metrics">Adds the node's numbers to its status.</param>
/// <param name="limits">How much is taken on.</param>
/// <param name="logger">Where refusals are said.</param>
internal sealed partial class ClientService(
    SwarmOptions options, Func<NodeMessage, bool> post, GovernanceLedger ledger, NodeNews news, NodeMetrics metrics, ClientLimits limits, ILogger logger)
{
    /// <summary>Why a client is sent away that finds no room.</summary>
    public const string BusyCode = "busy";

    private int _connections;
    private long _waitingCommandBytes;

    public ClientLimits Limits => limits;

    public GovernanceLedger Ledger => ledger;

    public NodeNews News => news;

    public NodeMetrics Metrics => metrics;

    /// <summary>Why a client is not welcome, or null: then it counts as a connection until <see cref="Leave"/>.</summary>
    public (string Code, string Message)? Admit(ClientHello hello)
    {
        if (!string.Equals(hello.Cluster, options.Cluster, StringComparison.Ordinal))
        {
            return ("wrong_cluster", $"This is cluster '{options.Cluster}', not '{hello.Cluster}'.");
        }

        if (Interlocked.Increment(ref _connections) > limits.MaxConnections)
        {
            Leave();
            return (BusyCode, $"{limits.MaxConnections} clients are connected already.");
        }

        return null;
    }

    /// <summary>An admitted client has gone.</summary>
    public void Leave() => Interlocked.Decrement(ref _connections);

    /// <summary>What an admitted client is told first.</summary>
    public ClientWelcome Welcome()
    {
        var welcome = new ClientWelcome
        {
            Node = options.Node.Value,
            Leader = ClientMessageCodec.ToWire(news.Leader),
            MaxRequests = (uint)limits.MaxRequests,
        };
        foreach (MemberOptions member in options.Members)
        {
            welcome.Members.Add(new MemberEndpoint { Id = member.Id.Value, Address = member.Peer.ToString() });
        }

        return welcome;
    }

    /// <summary>Hands a message to the node actor. False when there is no room: then nothing was done.</summary>
    public bool Post(NodeMessage message) => post(message);

    /// <summary>Makes room for commands that will wait. False when there is none.</summary>
    public bool TryReserve(int commandBytes)
    {
        if (Interlocked.Add(ref _waitingCommandBytes, commandBytes) > limits.MaxWaitingCommandBytes)
        {
            Release(commandBytes);
            return false;
        }

        return true;
    }

    /// <summary>Commands wait no more.</summary>
    public void Release(int commandBytes) => Interlocked.Add(ref _waitingCommandBytes, -commandBytes);

    /// <summary>Checks what a client wants committed (<see cref="SubmissionCheck"/>), and that it is no more than one request may have.</summary>
    /// <returns>What is wrong, or null.</returns>
    public static string? Check(ReadOnlySpan<ReadOnlyMemory<byte>> request, out UnstampedCommand[] commands, out int bytes)
    {
        (commands, bytes) = ([], 0);
        if (request.Length > ClientLimits.MaxCommands)
        {
            return $"{request.Length} commands in one request; at most {ClientLimits.MaxCommands} are allowed.";
        }

        var read = new UnstampedCommand[request.Length];
        for (int i = 0; i < read.Length; i++)
        {
            bytes += request[i].Length;
            if (SubmissionCheck.Fault(request[i].Span, out ulong lamportClaim) is { } fault)
            {
                return $"Command {i} {fault}";
            }

            read[i] = new UnstampedCommand(request[i], lamportClaim);
        }

        if (bytes > ClientLimits.MaxCommandBytes)
        {
            return $"{bytes} bytes of commands in one request; at most {ClientLimits.MaxCommandBytes} are allowed.";
        }

        commands = read;
        return null;
    }

    public void Connected(string address) => LogConnected(logger, address);

    public void Misbehaved(string address, string reason) => LogMisbehaved(logger, address, reason);

    public void CouldNotAnswer(Exception fault) => LogCouldNotAnswer(logger, fault);

    [LoggerMessage(120, LogLevel.Debug, "A client is connected from {Address}.")]
    private static partial void LogConnected(ILogger logger, string address);

    [LoggerMessage(121, LogLevel.Warning, "The connection of the client at {Address} was closed: {Reason}")]
    private static partial void LogMisbehaved(ILogger logger, string address, string reason);

    [LoggerMessage(122, LogLevel.Error, "A client could not be answered.")]
    private static partial void LogCouldNotAnswer(ILogger logger, Exception fault);
}
