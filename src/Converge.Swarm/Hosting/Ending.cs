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

    /// <summary>Throws what was thrown, once all is ended.</summary>
    /// <exception cref="AggregateException">Several parts threw.</exception>
    public void ThrowIfAnyFailed()
    {
        if (_faults is [Exception only])
        {
            ExceptionDispatchInfo.Throw(only);
        }

        if (_faults.Count > 0)
        {
            throw new AggregateException(_faults);
        }
    }
}
