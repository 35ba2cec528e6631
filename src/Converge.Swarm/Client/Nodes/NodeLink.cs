using System.Net;
using Converge.Core;
using Converge.Swarm.Transport.Wire;

namespace Converge.Swarm.Nodes;

/// <summary>
/// The way to one address: at most one connection, opened when it is needed, by whoever comes first. A node that fails is given a rest,
/// longer each time, during which others are asked.
/// </summary>
internal sealed class NodeLink(IPEndPoint address, SwarmClientOptions options, Action<ClientWelcome> welcomed, Action<LeaderHint> learn) : IAsyncDisposable
{
    private static readonly TimeSpan FirstRest = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan LongestRest = TimeSpan.FromMilliseconds(500);

    private readonly Lock _gate = new();
    private Task<NodeConnection>? _connection;
    private TimeSpan _rest = FirstRest;
    private TimeSpan _resting;
    private long _failedAt;
    private bool _disposed;

    public IPEndPoint Address => address;

    /// <summary>Who was there when it was last connected.</summary>
    public NodeId Node { get; private set; }

    /// <summary>Whether there is a connection now.</summary>
    public bool IsConnected => Connection is not null;

    /// <summary>The connection, if there is one now.</summary>
    public NodeConnection? Connection
    {
        get
        {
            lock (_gate)
            {
                return _connection is { IsCompletedSuccessfully: true } opened && opened.Result.IsOpen ? opened.Result : null;
            }
        }
    }

    /// <summary>Whether others should be asked for the moment.</summary>
    public bool IsResting
    {
        get
        {
            lock (_gate)
            {
                return _resting > TimeSpan.Zero && options.Time.GetElapsedTime(_failedAt) < _resting;
            }
        }
    }

    /// <summary>The connection; a new one when there is none or the last has ended.</summary>
    /// <exception cref="AttemptFailedException">It cannot be had.</exception>
    public Task<NodeConnection> ConnectAsync()
    {
        lock (_gate)
        {
            if (_disposed)
            {
                throw new AttemptFailedException("The client is closed.", mayHaveArrived: false);
            }

            if (_connection is null || _connection.IsFaulted || (_connection.IsCompletedSuccessfully && !_connection.Result.IsOpen))
            {
                _connection = Task.Run(OpenAsync);
            }

            return _connection;
        }
    }

    /// <summary>It failed: it is given a rest.</summary>
    public void NoteFailure()
    {
        lock (_gate)
        {
            (_failedAt, _resting) = (options.Time.GetTimestamp(), _rest);
            _rest = TimeSpan.FromTicks(Math.Min(_rest.Ticks * 2, LongestRest.Ticks));
        }
    }

    /// <summary>It does its work.</summary>
    public void NoteSuccess()
    {
        lock (_gate)
        {
            (_rest, _resting) = (FirstRest, TimeSpan.Zero);
        }
    }

    public async ValueTask DisposeAsync()
    {
        Task<NodeConnection>? connection;
        lock (_gate)
        {
            _disposed = true;
            connection = _connection;
        }

        if (connection is null)
        {
            return;
        }

        try
        {
            await (await connection).DisposeAsync();
        }
        catch (AttemptFailedException)
        {
            // There was none to close.
        }
    }

    private async Task<NodeConnection> OpenAsync()
    {
        using var timeout = new CancellationTokenSource(options.DialTimeout, options.Time);
        return await NodeConnection.OpenAsync(
            address,
            options.Cluster,
            welcome =>
            {
                Node = new NodeId(welcome.Node);
                welcomed(welcome);
            },
            learn,
            TimeSpan.FromTicks(Math.Min(options.AttemptTimeout.Ticks, options.Timeout.Ticks)),
            options.Time,
            timeout.Token);
    }
}
