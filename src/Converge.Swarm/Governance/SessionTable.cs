using System.Runtime.InteropServices;

namespace Converge.Swarm.Governance;

/// <summary>What a session knows of a command number.</summary>
internal enum CommandNovelty
{
    /// <summary>It was not seen before: the command is to be applied.</summary>
    New,

    /// <summary>It was, and its answer is kept.</summary>
    Answered,

    /// <summary>It may have been, and no answer is kept: the command must not be applied.</summary>
    Expired,
}

/// <summary>One client session.</summary>
internal sealed class Session(byte[] name)
{
    public byte[] Name { get; } = name;

    /// <summary>The highest number seen.</summary>
    public ulong Highest { get; set; }

    /// <summary>The low-water mark: a number at or below it whose answer is not kept has expired.</summary>
    public ulong Mark { get; set; }

    /// <summary>How many answers are kept.</summary>
    public int Answers { get; set; }

    /// <summary>The first of its kept answers, or <see cref="SessionTable.None"/>.</summary>
    public int FirstAnswer { get; set; } = SessionTable.None;

    public Session? LessRecent { get; set; }

    public Session? MoreRecent { get; set; }
}

/// <summary>
/// The sessions and their answers, bounded by <see cref="ApplyRules"/>. What is evicted depends on the log alone: answers go in the order
/// in which they were first given, sessions in the order in which they were last used.
/// </summary>
/// <remarks>
/// Answers lie in one array and are linked twice: in log order over all sessions, and within their session. Every operation takes
/// constant time, but for a jump of a session's highest number, which takes time for the answers it drops.
/// </remarks>
internal sealed class SessionTable(int maxSessions, int maxAnswers, ulong window)
{
    public const int None = -1;

    private readonly Dictionary<byte[], Session> _sessions = new(Utf8NameComparer.Instance);
    private readonly Dictionary<(Session Session, ulong Number), int> _answers = [];
    private KeptAnswer[] _slots = [];
    private int _usedSlots;
    private int _firstFree = None;
    private int _oldest = None;
    private int _newest = None;
    private Session? _leastRecent;
    private Session? _mostRecent;

    public int SessionCount => _sessions.Count;

    public int AnswerCount => _answers.Count;

    /// <summary>The session of that name, from now on the most recently used; registered anew when it is not known.</summary>
    public Session Use(ReadOnlySpan<byte> name)
    {
        if (_sessions.GetAlternateLookup<ReadOnlySpan<byte>>().TryGetValue(name, out Session? known))
        {
            if (known != _mostRecent)
            {
                Unlink(known);
                LinkAsMostRecent(known);
            }

            return known;
        }

        if (_sessions.Count == maxSessions)
        {
            Evict(_leastRecent!);
        }

        var session = new Session(name.ToArray());
        _sessions.Add(session.Name, session);
        LinkAsMostRecent(session);
        return session;
    }

    /// <summary>What the session knows of a number.</summary>
    public CommandNovelty Look(Session session, ulong number, out AnswerData answer)
    {
        if (_answers.TryGetValue((session, number), out int slot))
        {
            answer = _slots[slot].Answer;
            return CommandNovelty.Answered;
        }

        answer = default;
        return number <= session.Mark ? CommandNovelty.Expired : CommandNovelty.New;
    }

    /// <summary>Keeps the answer to a number that was <see cref="CommandNovelty.New"/>.</summary>
    public void Keep(Session session, ulong number, in AnswerData answer)
    {
        if (number > session.Highest)
        {
            Advance(session, number);
        }

        if (_answers.Count == maxAnswers)
        {
            ref KeptAnswer oldest = ref _slots[_oldest];
            oldest.Session.Mark = Math.Max(oldest.Session.Mark, oldest.Number);
            Drop(_oldest);
        }

        int slot = TakeSlot();
        _slots[slot] = new KeptAnswer
        {
            Session = session,
            Number = number,
            Answer = answer,
            Older = _newest,
            Newer = None,
            Previous = None,
            Next = session.FirstAnswer,
        };
        if (_newest == None)
        {
            _oldest = slot;
        }
        else
        {
            _slots[_newest].Newer = slot;
        }

        _newest = slot;
        if (session.FirstAnswer != None)
        {
            _slots[session.FirstAnswer].Previous = slot;
        }

        session.FirstAnswer = slot;
        session.Answers++;
        _answers.Add((session, number), slot);
    }

    /// <summary>Moves the window up to a new highest number, and drops the answers that fall out of it.</summary>
    private void Advance(Session session, ulong highest)
    {
        ulong oldFloor = Floor(session.Highest);
        ulong newFloor = Floor(highest);
        session.Highest = highest;
        session.Mark = Math.Max(session.Mark, newFloor);
        if (newFloor - oldFloor <= (ulong)session.Answers)
        {
            for (ulong number = oldFloor + 1; number <= newFloor; number++)
            {
                if (_answers.TryGetValue((session, number), out int slot))
                {
                    Drop(slot);
                }
            }

            return;
        }

        for (int slot = session.FirstAnswer; slot != None;)
        {
            int next = _slots[slot].Next;
            if (_slots[slot].Number <= newFloor)
            {
                Drop(slot);
            }

            slot = next;
        }
    }

    private ulong Floor(ulong highest) => highest > window ? highest - window : 0;

    private void Evict(Session session)
    {
        while (session.FirstAnswer != None)
        {
            Drop(session.FirstAnswer);
        }

        _sessions.Remove(session.Name);
        Unlink(session);
    }

    private int TakeSlot()
    {
        if (_firstFree != None)
        {
            int free = _firstFree;
            _firstFree = _slots[free].Next;
            return free;
        }

        if (_usedSlots == _slots.Length)
        {
            Array.Resize(ref _slots, Math.Min(maxAnswers, Math.Max(64, 2 * _slots.Length)));
        }

        return _usedSlots++;
    }

    private void Drop(int slot)
    {
        ref KeptAnswer answer = ref _slots[slot];
        _answers.Remove((answer.Session, answer.Number));

        _oldest = _oldest == slot ? answer.Newer : _oldest;
        _newest = _newest == slot ? answer.Older : _newest;
        if (answer.Older != None)
        {
            _slots[answer.Older].Newer = answer.Newer;
        }

        if (answer.Newer != None)
        {
            _slots[answer.Newer].Older = answer.Older;
        }

        if (answer.Previous == None)
        {
            answer.Session.FirstAnswer = answer.Next;
        }
        else
        {
            _slots[answer.Previous].Next = answer.Next;
        }

        if (answer.Next != None)
        {
            _slots[answer.Next].Previous = answer.Previous;
        }

        answer.Session.Answers--;
        answer = new KeptAnswer { Session = null!, Next = _firstFree };
        _firstFree = slot;
    }

    private void LinkAsMostRecent(Session session)
    {
        session.LessRecent = _mostRecent;
        session.MoreRecent = null;
        if (_mostRecent is null)
        {
            _leastRecent = session;
        }
        else
        {
            _mostRecent.MoreRecent = session;
        }

        _mostRecent = session;
    }

    private void Unlink(Session session)
    {
        if (session.LessRecent is null)
        {
            _leastRecent = session.MoreRecent;
        }
        else
        {
            session.LessRecent.MoreRecent = session.MoreRecent;
        }

        if (session.MoreRecent is null)
        {
            _mostRecent = session.LessRecent;
        }
        else
        {
            session.MoreRecent.LessRecent = session.LessRecent;
        }
    }

    [StructLayout(LayoutKind.Auto)]
    private struct KeptAnswer
    {
        public Session Session;
        public ulong Number;
        public AnswerData Answer;

        // In log order over all sessions.
        public int Older;
        public int Newer;

        // Within the session; Next also links the free slots.
        public int Previous;
        public int Next;
    }
}
