using Converge.Core;
using Converge.Swarm.Actors;

namespace Converge.Swarm;

/// <summary>Who leads as far as a node knows: where to ask first, never authority.</summary>
/// <param name="Leader">The leader, or <see cref="NodeId.None"/>.</param>
/// <param name="Term">The term in which it was learned. Of two hints, the one of the later term is newer.</param>
internal sealed record LeaderHint(NodeId Leader, Term Term)
{
    public static readonly LeaderHint None = new(NodeId.None, Term.Zero);
}

/// <summary>
/// Wakes those who wait for something new on a node: records, another leader, or its end. The host tells it every event; what is new
/// is for those who are woken to look up.
/// </summary>
internal sealed class NodeNews
{
    private readonly Lock _gate = new();
    private volatile TaskCompletionSource<bool> _next = NewSource();
    private volatile LeaderHint _leader = LeaderHint.None;
    private volatile bool _closed;

    /// <summary>The last leader that was heard of, or that there is none.</summary>
    public LeaderHint Leader => _leader;

    /// <summary>The node has ended, or is about to.</summary>
    public bool IsClosed => _closed;

    /// <summary>
    /// Completes with the next piece of news: true, or false when the node has ended. Taken before looking, it cannot be missed.
    /// </summary>
    public Task<bool> Next => _next.Task;

    /// <summary>Something happened on the node.</summary>
    public void Note(SwarmEvent happened)
    {
        if (happened is SwarmEvent.LeaderChanged changed)
        {
            _leader = new LeaderHint(changed.Leader, changed.Term);
            Wake();
        }
        else if (happened is SwarmEvent.RecordsAdded)
        {
            Wake();
        }
    }

    /// <summary>The node ends: whoever waits, now or later, learns it.</summary>
    public void Close()
    {
        lock (_gate)
        {
            _closed = true;
            _next.TrySetResult(false);
        }
    }

    private static TaskCompletionSource<bool> NewSource() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private void Wake()
    {
        lock (_gate)
        {
            if (!_closed)
            {
                TaskCompletionSource<bool> waited = _next;
                _next = NewSource();
                waited.SetResult(true);
            }
        }
    }
}
