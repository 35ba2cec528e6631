namespace Converge.Swarm.Hosting;

/// <summary>
/// Work that a thread asks for while it is in a section is done by that thread itself when it is through, instead of by another one that
/// must be woken for it. A commit on a machine at rest passes a dozen actors and sockets; waking a thread costs more than most of them.
/// </summary>
/// <remarks>
/// For short work that waits for nothing. A section is left on the thread that entered it: nothing is awaited between
/// <see cref="Enter"/> and <see cref="Leave"/>. Sections may be nested; the outermost does the work.
/// </remarks>
internal static class WorkHere
{
    /// <summary>What is asked for beyond this in one section goes to the thread pool: nothing keeps a thread from its own work for long.</summary>
    private const int MaxWorks = 8;

    [ThreadStatic]
    private static Section? _section;

    /// <summary>Whether this thread is in a section: what it does now, others wait for.</summary>
    public static bool IsInSection => _section is { Depth: > 0 };

    /// <summary>Begins a section of this thread.</summary>
    public static void Enter() => (_section ??= new Section()).Depth++;

    /// <summary>Ends it, and does what was asked for in it. Work should not throw; what it throws comes out here, and the rest is done elsewhere.</summary>
    /// <param name="elsewhere">This thread has something more urgent to do: the thread pool takes over.</param>
    public static void Leave(bool elsewhere = false)
    {
        Section section = _section!;
        try
        {
            if (section.Depth == 1)
            {
                section.Finish(elsewhere);
            }
        }
        finally
        {
            section.Depth--;
        }
    }

    /// <summary>Has work done: by this thread when it is in a section that has room, by the thread pool otherwise.</summary>
    public static void Do(IThreadPoolWorkItem work)
    {
        if (_section is not { Depth: > 0 } section || !section.TryTake(work))
        {
            ThreadPool.UnsafeQueueUserWorkItem(work, preferLocal: false);
        }
    }

    private sealed class Section
    {
        private readonly IThreadPoolWorkItem?[] _works = new IThreadPoolWorkItem?[MaxWorks];
        private int _taken;

        public int Depth { get; set; }

        public bool TryTake(IThreadPoolWorkItem work)
        {
            if (_taken == MaxWorks)
            {
                return false;
            }

            _works[_taken++] = work;
            return true;
        }

        public void Finish(bool elsewhere)
        {
            int done = 0;
            try
            {
                // Work may ask for more; that comes after it, as long as there is room.
                while (!elsewhere && done < _taken)
                {
                    _works[done++]!.Execute();
                }
            }
            finally
            {
                // What is left when one threw is still somebody's only wake-up.
                for (int left = done; left < _taken; left++)
                {
                    ThreadPool.UnsafeQueueUserWorkItem(_works[left]!, preferLocal: false);
                }

                Array.Clear(_works, 0, _taken);
                _taken = 0;
            }
        }
    }
}
