using System.Globalization;
using System.Security.Cryptography;
using Converge.Core;
using Converge.Swarm.Governance;

namespace Converge.Swarm;

/// <summary>
/// The command ids of one client. A session is used for no more numbers than a node keeps answers of one session for, then another is
/// begun: so a command that is tried again is never too old for its session, however many were numbered since.
/// </summary>
/// <param name="name">How the sessions' names begin.</param>
internal sealed class CommandNumbers(string name)
{
    private readonly string _client = $"{name}-{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(12))}";
    private long _taken;

    // The session that was used last, whichever thread was last.
    private Session _last = new(0, "");

    /// <summary>An id that no other command has. For any thread.</summary>
    public CommandId Next()
    {
        ulong taken = (ulong)(Interlocked.Increment(ref _taken) - 1);
        (ulong before, ulong number) = ulong.DivRem(taken, ApplyRules.SessionWindow);
        Session session = Volatile.Read(ref _last);
        if (session.Number != before + 1)
        {
            session = new Session(before + 1, string.Create(CultureInfo.InvariantCulture, $"{_client}-{before + 1}"));
            Volatile.Write(ref _last, session);
        }

        return new CommandId(session.Name, number + 1);
    }

    private sealed record Session(ulong Number, string Name);
}
