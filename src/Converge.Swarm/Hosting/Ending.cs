using System.Runtime.ExceptionServices;

namespace Converge.Swarm.Hosting;

/// <summary>
/// The end of something that has many parts, which are ended one after the other. Each is ended whatever those before it threw: nothing
/// goes on running, and no file stays open, because something else could not be ended.
/// </summary>
internal sealed class Ending
{
    private readonly List<Exception> _faults = [];

    /// <summary>Ends a part.</summary>
    public void Do(Action part)
    {
        try
        {
            part();
        }
        catch (Exception e)
        {
            _faults.Add(e);
        }
    }

    /// <summary>Ends a part, and waits for its end.</summary>
    public async Task DoAsync(Func<ValueTask> part)
    {
        try
        {
            await part();
        }
        catch (Exception e)
        {
            _faults.Add(e);
        }
    }

    /// <summary>What was thrown: itself, when one part threw, all of it together when several did; null when none did.</summary>
    public Exception? Fault => _faults switch
    {
        [] => null,
        [Exception only] => only,
        _ => new AggregateException(_faults),
    };

    /// <summary>Throws what was thrown, once all is ended.</summary>
    public void ThrowIfAnyFailed()
    {
        if (Fault is { } fault)
        {
            ExceptionDispatchInfo.Throw(fault);
        }
    }
}
