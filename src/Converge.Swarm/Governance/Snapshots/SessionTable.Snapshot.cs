using Converge.Swarm.Ledger;

namespace Converge.Swarm.Governance;

/// <summary>A session at one moment.</summary>
internal readonly record struct FrozenSession(byte[] Name, ulong Highest, ulong Mark);

/// <summary>
/// The sessions, the least recently used first, and their answers in log order, at one moment; until the table is frozen again, when the
/// sessions get other places.
/// </summary>
/// <param name="Sessions">The sessions.</param>
/// <param name="AnswerCount">How many answers there are.</param>
/// <param name="Ring">Where they lie, among others that were dropped.</param>
/// <param name="Oldest">The place of the first that may be kept.</param>
/// <param name="Next">The place behind the last.</param>
internal sealed record FrozenSessions(FrozenSession[] Sessions, int AnswerCount, AnswerRing Ring, ulong Oldest, ulong Next);

/// <content>The table at one moment, and built anew. Both are bounded by <see cref="ApplyRules"/>, whatever the history.</content>
internal sealed partial class SessionTable
{
    /// <summary>The table as it is now. Copies what it knows of the sessions, and of the answers only what is changed later, then.</summary>
    public FrozenSessions Freeze()
    {
        var sessions = new FrozenSession[_sessions.Count];
        int place = 0;
        for (Session? session = _leastRecent; session is not null; session = session.MoreRecent)
        {
            session.Place = place;
            sessions[place++] = new FrozenSession(session.Name, session.Highest, session.Mark);
        }

        return new FrozenSessions(sessions, _places.Count, _ring.Freeze(), _oldest, _next);
    }

    /// <summary>Nobody looks at what <see cref="Freeze"/> gave any more.</summary>
    public void Unfreeze() => _ring.Unfreeze();

    /// <summary>Takes the next session into a table that is being built: the one used after those that are there.</summary>
    /// <exception cref="MalformedEncodingException">No table of these limits can hold it.</exception>
    public Session Restore(ReadOnlySpan<byte> name, ulong highest, ulong mark)
    {
        int before = _sessions.Count;
        if (before == maxSessions)
        {
            throw new MalformedEncodingException($"There are more than {maxSessions} sessions.");
        }

        Session session = Use(name);
        if (_sessions.Count == before || mark > highest || mark < Floor(highest))
        {
            throw new MalformedEncodingException($"Session {before} comes twice, or has the highest number {highest} and the mark {mark}.");
        }

        session.Highest = highest;
        session.Mark = mark;
        return session;
    }

    /// <summary>Takes the next answer in log order into a table that is being built.</summary>
    /// <exception cref="MalformedEncodingException">No table of these limits can hold it.</exception>
    public void Restore(Session session, ulong number, in AnswerData answer)
    {
        if (_places.Count == maxAnswers || number > session.Highest || number <= Floor(session.Highest) || _places.ContainsKey((session.Serial, number)))
        {
            throw new MalformedEncodingException(
                $"Answer {_places.Count} is to number {number} of a session whose highest is {session.Highest}, comes twice, or is more than {maxAnswers}.");
        }

        MakeRoom();
        Place(session, number, answer);
    }
}
