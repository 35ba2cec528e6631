using Converge.Core;
using Microsoft.Extensions.Logging;

namespace Converge.Swarm.Transport;

internal sealed partial class PeerTransport
{
    [LoggerMessage(100, LogLevel.Information, "Peers and clients are listened for on {Address}.")]
    private static partial void LogListening(ILogger logger, string address);

    [LoggerMessage(101, LogLevel.Information, "Connected to node {Peer} at {Address}.")]
    private static partial void LogConnected(ILogger logger, NodeId peer, string address);

    [LoggerMessage(102, LogLevel.Information, "No connection to node {Peer} at {Address}: {Reason} Trying on.")]
    private static partial void LogDisconnected(ILogger logger, NodeId peer, string address, string reason);

    [LoggerMessage(103, LogLevel.Warning, "Node {Peer} at {Address} refused this node: {Code}: {Reason}")]
    private static partial void LogRefusedByPeer(ILogger logger, NodeId peer, string address, string code, string reason);

    [LoggerMessage(104, LogLevel.Warning, "A connection from {Address} was refused: {Code}: {Reason}")]
    private static partial void LogRefused(ILogger logger, string address, string code, string reason);

    [LoggerMessage(105, LogLevel.Information, "Node {Peer} is connected from {Address}.")]
    private static partial void LogAccepted(ILogger logger, NodeId peer, string address);

    [LoggerMessage(107, LogLevel.Information, "Node {Peer} at {Address} is not connected to any more.")]
    private static partial void LogRetired(ILogger logger, NodeId peer, string address);

    [LoggerMessage(106, LogLevel.Warning, "The connection from node {Peer} was closed: {Reason}")]
    private static partial void LogInboundFailed(ILogger logger, NodeId peer, string reason);

    [LoggerMessage(108, LogLevel.Error, "The connection from {Address} was closed, because something unexpected went wrong here.")]
    private static partial void LogCallerFailed(ILogger logger, string address, Exception exception);
}
