using System.Collections.Concurrent;
using Converge.Swarm.Actors;

namespace Converge.Swarm.Hosting;

/// <summary>The log actor's mailbox: a thread of its own, because this actor waits for the disk.</summary>
internal sealed class LogThread : IDisposable
{
    private readonly BlockingCollection<LogMessage> _queue = [];
    private readonly Thread _thread;
    private readonly Action<LogMessage> _receive;
    private readonly Action<Exception> _failed;
    private bool _turnWanted;
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
        try
        {
            _queue.Add(message);
        }
        catch (InvalidOperationException)
        {
            // The node is stopping; what is not durable yet was never acknowledged.
        }
    }

    /// <summary>Asks for a turn; for the actor itself, while it receives.</summary>
    public void WantTurn() => _turnWanted = true;

    /// <summary>Has a message received next; for the store, which the actor called while it received.</summary>
    public void Answer(LogMessage message) => _answer = message;

    /// <summary>Lets the thread finish what is queued, and waits for it.</summary>
    public void Dispose()
    {
        _queue.CompleteAdding();
        if (_thread.IsAlive)
        {
            _thread.Join();
        }

        _queue.Dispose();
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

    private void Run()
    {
        try
        {
            while (_queue.TryTake(out LogMessage? message, Timeout.Infinite))
            {
                Receive(message);
                while (_turnWanted)
                {
                    while (_queue.TryTake(out message))
                    {
                        Receive(message);
                    }

                    _turnWanted = false;
                    Receive(LogMessage.Turn.Instance);
                }
            }
        }
        catch (Exception e)
        {
            _failed(e);
        }
    }
}
