using Converge.Core;

namespace Converge.Raft;

/// <content>Who should rather lead (Ongaro's thesis, section 3.10, on why a leader may wish to be another one).</content>
internal sealed partial class RaftCore
{
    /// <summary>However many voters are preferred to a node, it waits for no more than these.</summary>
    private const int MaxPriorityRank = 3;

    /// <summary>Election timeouts between attempts to hand over, at most.</summary>
    private const int MaxYieldPause = 64;

    /// <summary>Election timeouts that pass before the next attempt to hand over to a preferred voter.</summary>
    private int _yieldPause;

    /// <summary>Attempts in a row that came to nothing in this term.</summary>
    private int _failedYields;

    /// <summary>The transfer that is under way is such an attempt.</summary>
    private bool _isYielding;

    private int PriorityOf(NodeId node) => _options.Priorities.GetValueOrDefault(node);

    /// <summary>
    /// Whether this node, whose election timeout has passed, waits for those who should rather lead to come first: for an election timeout for
    /// each rank above its own among the voters. Bounded, so that the last one left campaigns, too.
    /// </summary>
    /// <remarks>
    /// Every candidate makes the others count from zero. A preferred one that cannot win, because its log is behind, would campaign again
    /// and again before anybody else has waited for so long. So it is waited for once after a leader was lost, as long as it can take without
    /// being disturbed; from then on everybody is equal, and elections end as they do without priorities.
    /// </remarks>
    private bool YieldsToHigherPriority()
    {
        int delay = PriorityDelayTicks();
        return _electionElapsed < _electionTimeout + delay && _leaderlessTicks < (2 * _options.ElectionTicks) + delay;
    }

    private int PriorityDelayTicks()
    {
        if (_options.Priorities.Count == 0)
        {
            return 0;
        }

        int own = PriorityOf(Id);
        int above = own;
        int rank = 0;
        while (rank < MaxPriorityRank && TryFindRankAbove(above, out above))
        {
            rank++;
        }

        return rank * _options.ElectionTicks;
    }

    private bool TryFindRankAbove(int priority, out int above)
    {
        above = int.MaxValue;
        bool isFound = false;
        foreach (MemberProgress member in _membership.Members)
        {
            int its = PriorityOf(member.Id);
            if (!member.IsLearner && its > priority)
            {
                above = Math.Min(above, its);
                isFound = true;
            }
        }

        return isFound;
    }

    /// <summary>
    /// The voter to hand over to: one that answers, holds all that is committed, and is preferred to this node, the most preferred first.
    /// Asked for before the check of the quorum forgets who has answered.
    /// </summary>
    private MemberProgress? FindPreferredVoter()
    {
        if (!_options.YieldToHigherPriority || !_isTermEstablished || _pendingConfigurationIndex > _log.Applied)
        {
            return null;
        }

        MemberProgress? preferred = null;
        int priority = PriorityOf(Id);
        foreach (MemberProgress member in _membership.Members)
        {
            if (!member.IsLearner
                && member is { RecentActive: true, State: ProgressState.Replicate }
                && member.Match >= _log.Committed
                && _membership.Configuration.Voters.Contains(member.Id)
                && PriorityOf(member.Id) > priority)
            {
                preferred = member;
                priority = PriorityOf(member.Id);
            }
        }

        return preferred;
    }

    /// <summary>
    /// An election timeout of this leader has passed. A transfer that came to nothing held up proposals for as long: the next is tried
    /// after twice the pause, so that a preferred voter that cannot win costs less and less.
    /// </summary>
    private void TickYield(MemberProgress? preferred)
    {
        if (_isYielding)
        {
            _isYielding = false;
            _failedYields = Math.Min(_failedYields + 1, 30);
            _yieldPause = Math.Min(1 << _failedYields, MaxYieldPause);
        }

        if (_yieldPause > 0)
        {
            _yieldPause--;
            return;
        }

        if (preferred is not null)
        {
            _isYielding = true;
            StartTransfer(preferred);
        }
    }

    private void ResetYield()
    {
        _yieldPause = 0;
        _failedYields = 0;
        _isYielding = false;
    }
}
