using System.Net.Sockets;
using Converge.Swarm.Tests.Client;
using Converge.Swarm.Tests.Hosting;
using Converge.Swarm.Transport;

namespace Converge.Swarm.Tests.Transport;

public sealed class AcceptLoopTests
{
    private static readonly TimeSpan LongestPause = TimeSpan.FromMilliseconds(500);

    private readonly ManualTime _time = new();
    private readonly ScriptedLogging _log = new();

    [Fact]
    public async Task A_process_without_handles_waits_between_its_attempts_and_says_so_once()
    {
        List<long> attempts = await AttemptsAsync(count: 20, SocketError.TooManyOpenSockets);

        TimeSpan[] pauses = [.. attempts.Zip(attempts.Skip(1), (one, next) => _time.GetElapsedTime(one, next))];
        Assert.All(pauses, pause => Assert.InRange(pause, TimeSpan.FromMilliseconds(20), LongestPause));
        Assert.Equal(LongestPause, pauses[^1]);
        Assert.Equal([109], _log.Events);
    }

    [Fact]
    public async Task Callers_that_are_gone_before_they_are_heard_keep_nobody_waiting()
    {
        List<long> attempts = await AttemptsAsync(count: 20, SocketError.ConnectionAborted);

        Assert.Equal(20, attempts.Count);
        Assert.Single(attempts.Distinct());
        Assert.Empty(_log.Events);
    }

    [Fact]
    public async Task Who_calls_when_there_are_handles_again_is_let_in()
    {
        using var caller = new Socket(SocketType.Stream, ProtocolType.Tcp);
        using var stop = new CancellationTokenSource();
        int attempts = 0;
        List<Socket> served = [];
        var loop = new AcceptLoop(
            _ => ++attempts < 5 ? throw new SocketException((int)SocketError.TooManyOpenSockets) : ValueTask.FromResult(caller),
            socket =>
            {
                served.Add(socket);
                stop.Cancel();
            },
            _time,
            _log.CreateLogger("test"));

        await PassPausesAsync(loop.RunAsync(stop.Token));

        Assert.Equal([caller], served);
    }

    [Fact]
    public async Task What_nobody_expected_ends_it()
    {
        var loop = new AcceptLoop(_ => throw new InvalidOperationException("Unheard of."), _ => { }, _time, _log.CreateLogger("test"));

        await Assert.ThrowsAsync<InvalidOperationException>(() => loop.RunAsync(CancellationToken.None));
    }

    /// <summary>When it was attempted to let somebody in, each time in vain; then it is stopped.</summary>
    private async Task<List<long>> AttemptsAsync(int count, SocketError error)
    {
        using var stop = new CancellationTokenSource();
        List<long> attempts = [];
        var loop = new AcceptLoop(
            _ =>
            {
                attempts.Add(_time.GetTimestamp());
                if (attempts.Count == count)
                {
                    stop.Cancel();
                }

                throw new SocketException((int)error);
            },
            _ => Assert.Fail("Nobody called."),
            _time,
            _log.CreateLogger("test"));
        await PassPausesAsync(loop.RunAsync(stop.Token));
        return attempts;
    }

    private Task PassPausesAsync(Task running) => _time.PassPausesAsync(EndAsync(running), LongestPause);

    private static async Task<bool> EndAsync(Task running)
    {
        await running;
        return true;
    }
}
