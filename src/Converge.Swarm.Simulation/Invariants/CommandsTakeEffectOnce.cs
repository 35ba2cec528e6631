using Converge.Core;
using Converge.Swarm.Governance;

namespace Converge.Swarm.Simulation;

/// <summary>
/// 17: A repeated command changes the state once (Ongaro's thesis, section 6.3): while its session is kept, a command id stands in one record
/// at most, and is decided upon once, refused or not. Once a session is forgotten, its client can only reconcile with the ledger.
/// </summary>
public sealed class CommandsTakeEffectOnce : ISimulationChecker
{
    private readonly Dictionary<string, Dictionary<ulong, LogIndex>> _decided = new(StringComparer.Ordinal);

    /// <inheritdoc/>
    public string Name => "commands take effect once";

    /// <inheritdoc/>
    public void Begin(ISimulationView view)
    {
    }

    /// <inheritdoc/>
    public void AfterStep(SimulationStep step)
    {
        ArgumentNullException.ThrowIfNull(step);
        foreach (AgreedEntry agreed in step.AgreedList)
        {
            if (agreed.EvictedSession is { } forgotten)
            {
                _decided.Remove(forgotten);
            }

            if (agreed.Command is FactCommand { Submission.CommandId: { } command } && IsDecision(agreed))
            {
                if (!_decided.TryGetValue(command.Session, out Dictionary<ulong, LogIndex>? numbers))
                {
                    _decided.Add(command.Session, numbers = []);
                }

                if (!numbers.TryAdd(command.Number, agreed.Applied.Index))
                {
                    ISimulationChecker self = this;
                    self.Require(false, $"command {command} was decided upon by entry {numbers[command.Number]} and again by entry {agreed.Applied.Index}: {agreed.Applied.Outcome.ToAnswer()}.");
                }
            }
        }
    }

    private static bool IsDecision(AgreedEntry agreed) =>
        agreed.Applied.Outcome.Result == ApplyResult.FactRecorded
        || (agreed.Applied.Outcome.Result == ApplyResult.FactRefused && agreed.Applied.Outcome.ToAnswer() is not FactRefused { Code: RefusalCode.CommandExpired });
}
