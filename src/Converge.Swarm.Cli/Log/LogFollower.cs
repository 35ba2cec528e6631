using Converge.Core;
using Converge.Swarm.Cli.Connection;
using Converge.Swarm.Cli.Terminal;
using Converge.Swarm.Http;

namespace Converge.Swarm.Cli.Log;

/// <summary>
/// Follows the ledger's stream. When a node falls silent it goes on with the next, from the record after the last one shown, so that none
/// is missing and none comes twice.
/// </summary>
internal sealed class LogFollower(SwarmConnection swarm, CommandTerminal terminal)
{
    private readonly Backoff _backoff = new();
    private ulong _next;
    private bool _silent;

    /// <summary>Shows records from one on until it is cancelled, which is the way to end it.</summary>
    public async Task FollowAsync(ulong first, Action<LedgerRecord> show, CancellationToken cancellationToken)
    {
        _next = first;
        for (int turn = 0; ; turn++)
        {
            try
            {
                await FollowAsync(swarm.Nodes[turn % swarm.Nodes.Count], show, cancellationToken);
            }
            catch (SwarmUnavailableException fault)
            {
                // One node is no news; when none was left to go on with, somebody who waits for records should know.
                if (!_silent && turn % swarm.Nodes.Count == swarm.Nodes.Count - 1)
                {
                    _silent = true;
                    terminal.Error.WriteLine(Printable.Line($"{fault.Message} Trying on."));
                }
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                return;
            }

            try
            {
                await _backoff.WaitAsync(cancellationToken);
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
    }

    private async Task FollowAsync(HttpSwarmClient node, Action<LedgerRecord> show, CancellationToken cancellationToken)
    {
        await foreach (LedgerRecord record in node.SubscribeAsync(_next, cancellationToken))
        {
            show(record);
            _next = record.Sequence + 1;
            _silent = false;
            _backoff.Reset();
        }
    }
}
