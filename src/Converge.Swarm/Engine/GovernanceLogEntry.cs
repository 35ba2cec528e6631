using Converge.Core;

namespace Converge.Swarm.Engine;

/// <summary>A fact that the leader has put into its log. It may still be lost: only the commit index says that it was not.</summary>
/// <param name="Index">Its place in the log.</param>
/// <param name="Term">The leader's term.</param>
/// <param name="Submission">The fact, with what the client says about it.</param>
/// <param name="TimeUnixMilliseconds">The leader's time.</param>
/// <param name="Lamport">The leader's logical time: later than everything it stamped or observed.</param>
public sealed record GovernanceLogEntry(LogIndex Index, Term Term, FactSubmission Submission, long TimeUnixMilliseconds, LamportTimestamp Lamport);
