using System.Runtime.InteropServices;
using Converge.Core;

namespace Converge.Raft;

/// <summary>How far a learner is on its way to become a voter.</summary>
public enum PromotionState : byte
{
    /// <summary>Nobody has asked for it.</summary>
    None = 0,

    /// <summary>It is asked for; the learner has still to catch up, or to answer at all.</summary>
    CatchingUp = 1,

    /// <summary>The learner has caught up; the change is proposed as soon as one may be, or is on its way through the log.</summary>
    Ready = 2,

    /// <summary>Given up: after <see cref="RaftOptions.MaxCatchUpRounds"/> rounds the learner still cannot keep up. May be asked for again.</summary>
    TooSlow = 3,
}

/// <summary>
/// Whether a learner would hold up the cluster if it were a voter (Ongaro's thesis, section 4.2.1). It is fed in rounds: a round takes what
/// is in the leader's log at its beginning, and ends when the learner has acknowledged all of that. A round shorter than an election
/// timeout says that what is missing is small enough; the learner has caught up for as long as rounds stay that short and it answers.
/// </summary>
/// <remarks>
/// The thesis counts a fixed number of rounds and looks at the last. Here the first short round suffices, since further ones are only
/// shorter, and the number of rounds bounds how often a slow one is followed by another. A learner that does not answer is not being
/// measured: it may be switched on tomorrow.
/// </remarks>
[StructLayout(LayoutKind.Auto)]
internal struct CatchUp
{
    private LogIndex _target;
    private int _roundTicks;
    private int _silentTicks;

    /// <summary>The last round was short, the one that is under way is not long yet, and the learner answers.</summary>
    public bool IsCaughtUp { get; private set; }

    /// <summary>Rounds since the promotion was asked for that took too long, one after another.</summary>
    public int SlowRounds { get; private set; }

    /// <summary>Whether a promotion was asked for, and what became of that.</summary>
    public Wish Promotion { get; private set; }

    public enum Wish : byte
    {
        None = 0,
        Asked = 1,
        GivenUp = 2,
    }

    public readonly PromotionState State => Promotion switch
    {
        Wish.Asked => IsCaughtUp ? PromotionState.Ready : PromotionState.CatchingUp,
        Wish.GivenUp => PromotionState.TooSlow,
        Wish.None or _ => PromotionState.None,
    };

    public void Ask()
    {
        if (Promotion != Wish.Asked)
        {
            Promotion = Wish.Asked;
            SlowRounds = 0;
        }
    }

    public void Cancel() => Promotion = Wish.None;

    /// <summary>The learner gave a sign of life.</summary>
    public void Hear() => _silentTicks = 0;

    /// <summary>The learner has acknowledged all entries up to <paramref name="match"/>.</summary>
    public void Acknowledged(LogIndex match, LogIndex last, RaftOptions options)
    {
        _silentTicks = 0;
        if (_target == LogIndex.Zero || match < _target)
        {
            return;
        }

        if (_roundTicks < options.ElectionTicks)
        {
            IsCaughtUp = true;
            SlowRounds = 0;
        }
        else
        {
            SlowRounds++;
            if (Promotion == Wish.Asked && SlowRounds >= options.MaxCatchUpRounds)
            {
                Promotion = Wish.GivenUp;
            }
        }

        Begin(match, last);
    }

    /// <summary>A tick of the leader has passed.</summary>
    public void Tick(LogIndex match, LogIndex last, RaftOptions options)
    {
        _silentTicks = Math.Min(_silentTicks + 1, options.ElectionTicks);
        if (_silentTicks == options.ElectionTicks)
        {
            // Nobody is there to be measured. What was measured no longer holds.
            IsCaughtUp = false;
            _target = LogIndex.Zero;
            _roundTicks = 0;
            return;
        }

        if (_target == LogIndex.Zero)
        {
            Begin(match, last);
            return;
        }

        _roundTicks = Math.Min(_roundTicks + 1, options.ElectionTicks);
        if (_roundTicks == options.ElectionTicks)
        {
            IsCaughtUp = false;
        }
    }

    public readonly void Fingerprint(ref StateFingerprint fingerprint)
    {
        fingerprint.Add(_target.Value);
        fingerprint.Add(_roundTicks);
        fingerprint.Add(_silentTicks);
        fingerprint.Add(IsCaughtUp);
        fingerprint.Add(SlowRounds);
        fingerprint.Add((ulong)Promotion);
    }

    private void Begin(LogIndex match, LogIndex last)
    {
        _roundTicks = 0;
        if (match < last)
        {
            _target = last;
            return;
        }

        // Nothing is missing: the next round begins when something is.
        _target = LogIndex.Zero;
        IsCaughtUp = true;
    }
}
