using Converge.Core;

namespace Converge.Swarm.Governance;

/// <summary>What the leader adds to a command before it goes to the log: its time and its logical time.</summary>
/// <param name="TimeUnixMilliseconds">The leader's time; never decreases along the log.</param>
/// <param name="Lamport">The leader's logical time; its counter grows with every stamped entry.</param>
public readonly record struct CommandStamp(long TimeUnixMilliseconds, LamportTimestamp Lamport)
{
    /// <summary>What stands before the first stamped entry.</summary>
    public static readonly CommandStamp None;
}

/// <summary>Stamps commands: a pure function of what came before, the time now and the client's claim.</summary>
public static class Stamper
{
    /// <summary>The stamp of the next entry.</summary>
    /// <param name="previous">
    /// The stamp of the last stamped entry in the leader's log, committed or not, or <see cref="CommandStamp.None"/>;
    /// see <see cref="CommandCodec.ReadStamp"/>.
    /// </param>
    /// <param name="nowUnixMilliseconds">The leader's clock. When it stands behind <paramref name="previous"/>, that time is used again.</param>
    /// <param name="node">The leader.</param>
    /// <param name="claimedCounter">The counter of the client's own logical time, zero when it brought none; the stamp is later.</param>
    /// <param name="ownCounter">The counter of the leader's own Lamport clock.</param>
    /// <exception cref="ArgumentOutOfRangeException">
    /// The claim exceeds <see cref="LamportClock.MaxCounter"/>; <see cref="SubmissionRules"/> keeps such a submission out.
    /// </exception>
    public static CommandStamp Next(
        CommandStamp previous, long nowUnixMilliseconds, NodeId node, ulong claimedCounter = 0, ulong ownCounter = 0)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(claimedCounter, LamportClock.MaxCounter);

        // Nothing below zero: the encodings hold no time before 1970.
        long time = Math.Max(0, Math.Max(nowUnixMilliseconds, previous.TimeUnixMilliseconds));
        ulong counter = checked(Math.Max(ownCounter, Math.Max(previous.Lamport.Counter, claimedCounter)) + 1);
        return new CommandStamp(time, new LamportTimestamp(counter, node));
    }
}
