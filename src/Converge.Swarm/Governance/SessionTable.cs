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
/// <param name="name">Its name in UTF-8.</param>
/// <param name="serial">Tells it from all others that ever were, also from an evicted one of the same name.</param>
internal sealed class Session(byte[] name, ulong serial)
{
    private ulong _newestAnswer;

    public byte[] Name { get; } = name;

    public ulong Serial { get; } = serial;

    /// <summary>The highest number seen.</summary>
    public ulong Highest { get; set; }

    /// <summary>The low-water mark: a number at or below it whose answer is not kept has expired.</summary>
    public ulong Mark { get; set; }

    /// <summary>How many answers are kept.</summary>
    public int Answers { get; set; }

    /// <summary>Where its newest answer lies or lay; 0 when there was none. By reference: it is the first link of a chain.</summary>
    public ref ulong NewestAnswer => ref _newestAnswer;

    public Session? LessRecent { get; set; }

    public Session? MoreRecent { get; set; }

    /// <summary>Its place among the sessions from the least recently used on, when they were frozen last.</summary>
    public int Place { get; set; }
}

/// <summary>
/// The sessions and their answers, bounded by <see cref="ApplyRules"/>. What is evicted depends on the log alone: answers go in the order
/// in which they were first given, sessions in the order in which they were last used.
/// </summary>
/// <remarks>
/// Answers lie in a ring in log order, and each knows where its session's answer before it lies. One that is dropped out of order only
/// loses its session; its place is freed when the ring's tail gets there, or when the ring is full and gets packed. So every operation takes constant time on average.
/// </remarks>
internal sealed partial class SessionTable(int maxSessions, int maxAnswers, ulong window)
{
    private const int FirstRingSize = 64;

    private readonly Dictionary<byte[], Session> _sessions = new(Utf8NameComparer.Instance);
    private readonly Dictionary<(ulong Serial, ulong Number), ulong> _places = new(PlaceComparer.Instance);
    private AnswerRing _ring = new(FirstRingSize);
    private ulong _oldest = 1;
    private ulong _next = 1;
    private ulong _lastSerial;
    private Session? _leastRecent;
    private Session? _mostRecent;

    public int SessionCount => _sessions.Count;

    public int AnswerCount => _places.Count;

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

        var session = new Session(name.ToArray(), ++_lastSerial);
        _sessions.Add(session.Name, session);
        LinkAsMostRecent(session);
        return session;
    }

    /// <summary>What the session knows of a number.</summary>
    public CommandNovelty Look(Session session, ulong number, out AnswerData answer)
    {
        answer = default;
        if (number > session.Highest)
        {
            return CommandNovelty.New;
        }

        if (_places.TryGetValue((session.Serial, number), out ulong place))
        {
            answer = _ring[place].Answer;
            return CommandNovelty.Answered;
        }

        return number <= session.Mark ? CommandNovelty.Expired : CommandNovelty.New;
    }

    /// <summary>Keeps the answer to a number that was <see cref="CommandNovelty.New"/>.</summary>
    public void Keep(Session session, ulong number, in AnswerData answer)
    {
        if (number > session.Highest)
        {
            Advance(session, number);
        }

        if (_places.Count == maxAnswers)
        {
            SkipDead();
            ref KeptAnswer oldest = ref _ring.Change(_oldest);
            oldest.Session!.Mark = Math.Max(oldest.Session.Mark, oldest.Number);
            Drop(ref oldest);
        }

        MakeRoom();
        Place(session, number, answer);
    }

    private void Place(Session session, ulong number, in AnswerData answer)
    {
        _ring.Change(_next) = new KeptAnswer { Session = session, Number = number, Answer = answer, Before = session.NewestAnswer };
        _places.Add((session.Serial, number), _next);
        session.NewestAnswer = _next++;
        session.Answers++;
    }

    /// <summary>Moves the window up to a new highest number, and drops the answers that fall out of it.</summary>
    private void Advance(Session session, ulong highest)
    {
        ulong oldFloor = Floor(session.Highest);
        ulong newFloor = Floor(highest);
        session.Highest = highest;
        session.Mark = Math.Max(session.Mark, newFloor);
        if (newFloor - oldFloor > (ulong)session.Answers)
        {
            // A jump: fewer answers are kept than numbers passed over.
            DropWhere(session, newFloor);
            return;
        }

        for (ulong number = oldFloor + 1; number <= newFloor; number++)
        {
            if (_places.TryGetValue((session.Serial, number), out ulong place))
            {
                Drop(ref _ring.Change(place));
            }
        }
    }

    private ulong Floor(ulong highest) => highest > window ? highest - window : 0;

    private void Evict(Session session)
    {
        DropWhere(session, ulong.MaxValue);
        _sessions.Remove(session.Name);
        Unlink(session);
    }

    /// <summary>Drops the session's answers to numbers up to a greatest one.</summary>
    private void DropWhere(Session session, ulong greatest)
    {
        int left = session.Answers;
        ref ulong link = ref session.NewestAnswer;
        while (left > 0)
        {
            ref KeptAnswer answer = ref _ring.Change(link);
            if (answer.Session is not null)
            {
                left--;
                if (answer.Number > greatest)
                {
                    link = ref answer.Before;
                    continue;
                }

                Drop(ref answer);
            }

            // Out of the chain, so that no later walk passes here again.
            link = answer.Before;
        }
    }

    private void Drop(ref KeptAnswer answer)
    {
        _places.Remove((answer.Session!.Serial, answer.Number));
        answer.Session.Answers--;
        answer.Session = null;
    }

    private void SkipDead()
    {
        while (_oldest < _next && _ring[_oldest].Session is null)
        {
            _oldest++;
        }
    }

    /// <summary>Makes sure that the next place is free: by what is dead at the tail, by packing, or by a larger ring.</summary>
    private void MakeRoom()
    {
        SkipDead();
        if (_next - _oldest < (ulong)_ring.Length)
        {
            return;
        }

        AnswerRing old = _ring;
        ulong end = _next;
        ulong place = _oldest;

        // At least a quarter of the places is free afterwards, so that packing stays rare.
        _ring = new AnswerRing(4L * _places.Count > 3L * old.Length ? 2 * old.Length : old.Length);
        _places.Clear();
        foreach (Session session in _sessions.Values)
        {
            session.NewestAnswer = 0;
            session.Answers = 0;
        }

        _oldest = 1;
        _next = 1;
        for (; place < end; place++)
        {
            ref readonly KeptAnswer answer = ref old[place];
            if (answer.Session is not null)
            {
                Place(answer.Session, answer.Number, answer.Answer);
            }
        }
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

    /// <summary>
    /// A session counts its commands, and those that follow each other lie side by side in the table: each is found, and made room for, in
    /// memory that the one before brought near. Which sessions share a place nobody outside can tell, so that none can crowd one.
    /// </summary>
    private sealed class PlaceComparer : IEqualityComparer<(ulong Serial, ulong Number)>
    {
        public static readonly PlaceComparer Instance = new();

        public bool Equals((ulong Serial, ulong Number) x, (ulong Serial, ulong Number) y) => x == y;

        public int GetHashCode((ulong Serial, ulong Number) place) => unchecked(HashCode.Combine(place.Serial) + (int)place.Number);
    }
}
