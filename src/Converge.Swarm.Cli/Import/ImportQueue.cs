namespace Converge.Swarm.Cli.Import;

/// <summary>
/// The lines that are on their way, in an order that is safe to commit: of each proposal only the first one that is not done is ever
/// handed out, so that no fact can overtake an earlier one about the same proposal, however often that one has to be repeated.
/// Safe for concurrent use.
/// </summary>
/// <param name="maxLines">How many lines are kept at most.</param>
/// <param name="maxSpan">
/// How far the newest line may be from the oldest that is not done. A session remembers only so many numbers back; a line that falls
/// behind further could not be repeated safely any more.
/// </param>
internal sealed class ImportQueue(int maxLines, long maxSpan)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, Queue<ImportLine>> _lanes = new(StringComparer.Ordinal);
    private readonly Queue<Queue<ImportLine>> _ready = [];
    private readonly SortedSet<long> _notDone = [];
    private TaskCompletionSource _changed = NewSignal();
    private bool _complete;

    /// <summary>Adds the next line of the file; waits while there is no room.</summary>
    public async ValueTask AddAsync(ImportLine line, CancellationToken cancellationToken)
    {
        while (true)
        {
            Task changed;
            lock (_gate)
            {
                if (_notDone.Count < maxLines && (_notDone.Count == 0 || line.Number - _notDone.Min < maxSpan))
                {
                    Add(line);
                    return;
                }

                changed = _changed.Task;
            }

            await changed.WaitAsync(cancellationToken);
        }
    }

    /// <summary>Says that no more lines will be added.</summary>
    public void Complete()
    {
        lock (_gate)
        {
            _complete = true;
            Signal();
        }
    }

    /// <summary>Takes lines that may be committed together, each about another proposal; waits until there is one.</summary>
    /// <returns>The lines; none when all are done and no more will come.</returns>
    public async ValueTask<IReadOnlyList<ImportLine>> TakeAsync(int max, CancellationToken cancellationToken)
    {
        while (true)
        {
            Task changed;
            lock (_gate)
            {
                if (_ready.Count > 0)
                {
                    List<ImportLine> taken = new(Math.Min(max, _ready.Count));
                    while (taken.Count < max && _ready.TryDequeue(out Queue<ImportLine>? lane))
                    {
                        taken.Add(lane.Peek());
                    }

                    return taken;
                }

                if (_complete && _notDone.Count == 0)
                {
                    return [];
                }

                changed = _changed.Task;
            }

            await changed.WaitAsync(cancellationToken);
        }
    }

    /// <summary>Says that a line that was taken is done: the next one about its proposal may be taken.</summary>
    public void Finish(ImportLine line)
    {
        lock (_gate)
        {
            Queue<ImportLine> lane = _lanes[line.Submission.Fact.ProposalId];
            lane.Dequeue();
            _notDone.Remove(line.Number);
            if (lane.Count > 0)
            {
                _ready.Enqueue(lane);
            }
            else
            {
                _lanes.Remove(line.Submission.Fact.ProposalId);
            }

            Signal();
        }
    }

    /// <summary>Gives a line back that was taken and is not done: it may be taken again.</summary>
    public void Return(ImportLine line)
    {
        lock (_gate)
        {
            _ready.Enqueue(_lanes[line.Submission.Fact.ProposalId]);
            Signal();
        }
    }

    /// <summary>The lines that are not done, in order.</summary>
    public IReadOnlyList<ImportLine> NotDone()
    {
        lock (_gate)
        {
            return [.. _lanes.Values.SelectMany(lane => lane).OrderBy(line => line.Number)];
        }
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private void Add(ImportLine line)
    {
        _notDone.Add(line.Number);
        if (_lanes.TryGetValue(line.Submission.Fact.ProposalId, out Queue<ImportLine>? lane))
        {
            lane.Enqueue(line);
            return;
        }

        lane = new Queue<ImportLine>([line]);
        _lanes.Add(line.Submission.Fact.ProposalId, lane);
        _ready.Enqueue(lane);
        Signal();
    }

    private void Signal()
    {
        _changed.SetResult();
        _changed = NewSignal();
    }
}
