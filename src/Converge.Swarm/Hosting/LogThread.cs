using System.Diagnostics.CodeAnalysis;
using Converge.Swarm.Actors;

namespace Converge.Swarm.Hosting;

/// <summary>
/// The log actor's mailbox: a thread of its own, because this actor waits for the disk. While nothing is queued it sleeps at once: what it
/// would spin for comes after a way over the network.
/// </summary>
internal sealed class LogThread : IDisposable
{
    // Its own lock, since a thread can wait for that and be told.
    private readonly Queue<LogMessage> _queue = [];
    private readonly Thread _thread;
    private readonly Action<LogMessage> _receive;
    private readonly Action<Exception> _failed;
    private bool _turnWanted;
    private bool _complete;
    private LogMessage? _answer;

    public LogThread(string name, Action<LogMessage> receive, Action<Exception> failed)
    {
        _receive = receive;
        _failed = failed;
        _thread = new Thread(Run) { IsBackground = true, Name = name };
    }

    public void Start() => _thread.Start();

    /// <summary>Queues a message. The queue is bounded by what the protocol lets be under way: it waits for these very writes.</summary>
    public void Post(LogMessage message)
    {
        lock (_queue)
        {
            // While the node is stopping nothing is taken; what is not durable yet was never acknowledged.
            if (!_complete)
            {
                _queue.Enqueue(message);
                Monitor.Pulse(_queue);
            }
        }
    }

    /// <summary>Asks for a turn; for the actor itself, while it receives.</summary>
    public void WantTurn() => _turnWanted = true;

    /// <summary>Has a message received next; for the store, which the actor called while it received.</summary>
    public void Answer(LogMessage message) => _answer = message;

    /// <summary>Lets the thread finish what is queued, and waits for it.</summary>
    public void Dispose()
    {
        lock (_queue)
        {
            _complete = true;
            Monitor.Pulse(_queue);
        }

        if (_thread.IsAlive)
        {
            _thread.Join();
        }
    }

    private bool TryTake([NotNullWhen(true)] out LogMessage? message)
    {
        lock (_queue)
        {
            return _queue.TryDequeue(out message);
        }
    }

    /// <summary>Waits for a message; false when none will come any more.</summary>
    private bool Take([NotNullWhen(true)] out LogMessage? message)
    {
        lock (_queue)
        {
            while (!_queue.TryDequeue(out message))
            {
                if (_complete)
                {
                    return false;
                }

                Monitor.Wait(_queue);
            }

            return true;
        }
    }

    private bool IsQueued()
    {
        lock (_queue)
        {
            return _queue.Count > 0;
        }
    }

    private void Receive(LogMessage message)
    {
        _receive(message);
        while (_answer is { } answer)
        {
            _answer = null;
            _receive(answer);
        }
    }

    /// <summary>Writes, and lets the node learn of it on this thread, unless there is more to write already.</summary>
    private void TakeTurn()
    {
        WorkHere.Enter();
        try
        {
            Receive(LogMessage.Turn.Instance);
        }
        finally
        {
            WorkHere.Leave(elsewhere: _turnWanted || IsQueued());
        }
    }

    private void Run()
    {
        try
        {
            while (Take(out LogMessage? message))
            {
                Receive(message);
                while (_turnWanted)
                {
                    while (TryTake(out message))
                    {
                        Receive(message);
                    }

                    _turnWanted = false;
                    TakeTurn();
                }
            }
        }
        catch (Exception e)
        {
            _failed(e);
        }
    }
}
