using Converge.Core;

namespace Converge.Swarm.Nodes;

/// <summary>
/// Why a call has no answer: what was heard last. What only the end of the call cut short has heard nothing, and takes nothing back of what
/// nodes said before.
/// </summary>
internal sealed class LastHeard
{
    private bool _heard;

    /// <summary>What it comes to.</summary>
    public NotCommittedReason Reason { get; private set; } = NotCommittedReason.NoLeader;

    /// <summary>In words.</summary>
    public string Message { get; private set; } = "No node could be asked.";

    /// <summary>A node said so.</summary>
    public void Note(NotCommittedReason reason, string message) => (_heard, Reason, Message) = (true, reason, message);

    /// <summary>An attempt failed.</summary>
    /// <param name="failed">How.</param>
    /// <param name="isOver">Whether the time of the whole call is over.</param>
    public void Note(AttemptFailedException failed, bool isOver)
    {
        if (!_heard || !isOver || !failed.WasCutShort)
        {
            Note(failed.Reason, failed.Message);
        }
    }
}
