using System.Globalization;
using Converge.Core;
using Converge.Swarm.Cli.Processes;
using Converge.Swarm.Cli.Terminal;

namespace Converge.Swarm.Cli.Demo;

/// <summary>The leader's death and return, staged while facts are being committed.</summary>
internal sealed class Failover(LocalSwarm swarm, long killAt, ProgressReport progress)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly TaskCompletionSource _halfWay = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource<long> _newLeader = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _answers;
    private ulong _killedTerm = ulong.MaxValue;

    /// <summary>The node that was killed, once it was.</summary>
    public LocalNode? Killed { get; private set; }

    /// <summary>From the kill to the first fact acknowledged under a new leader.</summary>
    public TimeSpan? WithoutLeader { get; private set; }

    /// <summary>When the killed node was started again.</summary>
    public long RestartedAt { get; private set; }

    /// <summary>Takes note of an answer; this is how it learns that it is time.</summary>
    public void Answered(CommitAnswer answer)
    {
        if (Interlocked.Increment(ref _answers) >= killAt)
        {
            _halfWay.TrySetResult();
        }

        if (answer is FactAccepted accepted && accepted.Term.Value > Volatile.Read(ref _killedTerm))
        {
            _newLeader.TrySetResult(TimeProvider.System.GetTimestamp());
        }
    }

    /// <summary>Kills the leader half-way, waits for the first commit under the next one, and starts the dead node again.</summary>
    /// <param name="importEnded">Ends the wait when there is nothing left to commit.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public async Task RunAsync(Task importEnded, CancellationToken cancellationToken)
    {
        await Task.WhenAny(_halfWay.Task, importEnded).WaitAsync(cancellationToken);
        LocalNode leader = await LeaderAsync(cancellationToken);
        SwarmStatus? before = await leader.TryGetStatusAsync(cancellationToken);
        long killed = TimeProvider.System.GetTimestamp();
        Volatile.Write(ref _killedTerm, before?.Term.Value ?? 0);
        await leader.Process!.KillAsync();
        Killed = leader;
        progress.Note($"killed node {leader.Id}, the leader of term {before?.Term}");

        Task first = await Task.WhenAny(_newLeader.Task, importEnded).WaitAsync(Patience, cancellationToken);
        if (first == _newLeader.Task)
        {
            WithoutLeader = TimeProvider.System.GetElapsedTime(killed, await _newLeader.Task);
            progress.Note(string.Create(CultureInfo.InvariantCulture, $"the other nodes go on after {WithoutLeader.Value.TotalSeconds:0.00} s"));
        }

        RestartedAt = TimeProvider.System.GetTimestamp();
        leader.Start();
        progress.Note($"started node {leader.Id} again");
    }

    private async Task<LocalNode> LeaderAsync(CancellationToken cancellationToken)
    {
        LocalNode? leader = null;
        await swarm.WaitForAsync(
            "a leader to kill",
            Patience,
            statuses =>
            {
                SwarmStatus? leads = statuses.OfType<SwarmStatus>().Where(status => status.Role == NodeRole.Leader).MaxBy(status => status.Term);
                leader = leads is null ? null : swarm.Nodes.Single(node => node.Id == leads.Node);
                return leader is not null;
            },
            cancellationToken);
        return leader!;
    }
}
