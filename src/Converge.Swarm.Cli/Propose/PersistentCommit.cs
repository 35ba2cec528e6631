using Converge.Core;
using Converge.Swarm.Cli.Connection;
using Converge.Swarm.Http;

namespace Converge.Swarm.Cli.Propose;

/// <summary>Commits one fact at any of several nodes, again and again under the same command id, until the answer is final or time is up.</summary>
internal static class PersistentCommit
{
    /// <summary>Commits.</summary>
    /// <param name="swarm">The nodes.</param>
    /// <param name="submission">The fact; with a command id, or repeating it would not be safe.</param>
    /// <param name="timeout">How long to try.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>
    /// The final answer. When time is up, the last one that was not final; but once an outcome was unknown, it stays so until a final
    /// answer comes, because the fact may still be recorded.
    /// </returns>
    public static async Task<CommitAnswer> CommitAsync(
        SwarmConnection swarm, FactSubmission submission, TimeSpan timeout, CancellationToken cancellationToken)
    {
        if (submission.CommandId is null)
        {
            throw new ArgumentException("Without a command id a repetition would be another fact.", nameof(submission));
        }

        long started = TimeProvider.System.GetTimestamp();
        Backoff backoff = new();
        FactOutcomeUnknown? unknown = null;
        for (int attempt = 0; ; attempt++)
        {
            HttpSwarmClient node = swarm.Nodes[attempt % swarm.Nodes.Count];
            CommitAnswer answer = await node.CommitAsync(submission, cancellationToken);
            if (answer is FactAccepted or FactRefused or FactNotCommitted { Reason: NotCommittedReason.TooLarge })
            {
                return answer;
            }

            unknown = answer as FactOutcomeUnknown ?? unknown;
            if (TimeProvider.System.GetElapsedTime(started) >= timeout)
            {
                return unknown ?? answer;
            }

            // Every node once before the first wait.
            if ((attempt + 1) % swarm.Nodes.Count == 0)
            {
                await backoff.WaitAsync(cancellationToken);
            }
        }
    }
}
