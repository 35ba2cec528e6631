using Xunit.Sdk;

namespace Converge.Swarm.Cli.Tests.Durability;

/// <summary>Conditions that come to hold, or a test that fails: nothing here waits for a length of time.</summary>
internal static class Eventually
{
    /// <summary>How long a condition may take on a machine that has a lot to do.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private static readonly TimeSpan Pace = TimeSpan.FromMilliseconds(10);

    /// <summary>Asks until the condition holds.</summary>
    /// <param name="what">What is waited for, as the end of a sentence.</param>
    /// <param name="condition">The condition.</param>
    /// <param name="explain">What there is to say when it did not come to hold.</param>
    public static async Task HoldsAsync(string what, Func<CancellationToken, Task<bool>> condition, Func<string>? explain = null)
    {
        using CancellationTokenSource deadline = new(Patience);
        using PeriodicTimer pace = new(Pace);
        try
        {
            while (!await condition(deadline.Token))
            {
                await pace.WaitForNextTickAsync(deadline.Token);
            }
        }
        catch (OperationCanceledException late) when (deadline.IsCancellationRequested)
        {
            throw new XunitException($"Waited {Patience.TotalSeconds} s in vain for {what}. {explain?.Invoke()}", late);
        }
    }

    /// <summary>Waits for a task that must not take longer than a condition may.</summary>
    public static async Task<T> CompletesAsync<T>(string what, Task<T> task, Func<string>? explain = null)
    {
        await CompletesAsync(what, (Task)task, explain);
        return await task;
    }

    /// <summary>Waits for a task that must not take longer than a condition may.</summary>
    public static async Task CompletesAsync(string what, Task task, Func<string>? explain = null)
    {
        try
        {
            await task.WaitAsync(Patience);
        }
        catch (TimeoutException late)
        {
            throw new XunitException($"Waited {Patience.TotalSeconds} s in vain for {what}. {explain?.Invoke()}", late);
        }
    }
}
