using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;
using Converge.Swarm.Tests.Hosting;
using Converge.Swarm.Tests.Transport;
using Converge.Swarm.Transport;
using Converge.Swarm.Transport.Wire;

namespace Converge.Swarm.Tests.Client;

/// <summary>Something that greets clients like a node and then does with each request what a test says.</summary>
internal sealed class ScriptedNode : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly Func<ClientRequest, ClientAnswer?> _answer;
    private readonly TaskCompletionSource _silent = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Task _serving;
    private int _greeted;

    /// <summary>Listens at once. The function says what to answer; null hangs up.</summary>
    public ScriptedNode(Func<ClientRequest, ClientAnswer?> answer)
    {
        _answer = answer;
        _listener.Start();
        _serving = ServeAllAsync();
    }

    public IPEndPoint Address => (IPEndPoint)_listener.LocalEndpoint;

    /// <summary>What the welcome names as members besides.</summary>
    public IReadOnlyList<MemberEndpoint> Members { get; init; } = [];

    /// <summary>Every client is sent away with this code, when it is set.</summary>
    public string? Refusal { get; init; }

    /// <summary>So many clients hear something when they have connected; those after them are kept and hear nothing.</summary>
    public int Greets { get; init; } = int.MaxValue;

    /// <summary>So many connections are cut off as soon as the client was made welcome (<see cref="CutOff"/>).</summary>
    public int CutsOff { get; init; }

    /// <summary>Completes when the first client is there that hears nothing.</summary>
    public Task Silent => _silent.Task;

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        await _serving.WaitAsync(LocalSwarm.Patience);
        _stop.Dispose();
    }

    private async Task ServeAllAsync()
    {
        List<Task> sessions = [];
        try
        {
            while (true)
            {
                sessions.Add(ServeAsync(await _listener.AcceptTcpClientAsync(_stop.Token)));
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException)
        {
            // Stopped.
        }

        await Task.WhenAll(sessions);
    }

    private async Task ServeAsync(TcpClient client)
    {
        using (client)
        {
            try
            {
                NetworkStream stream = client.GetStream();
                var frames = new FrameReader(PipeReader.Create(stream));
                _ = await frames.ReadAsync(Frame.MaxHelloBytes, _stop.Token);
                int greeted = Interlocked.Increment(ref _greeted);
                if (greeted > Greets)
                {
                    _silent.TrySetResult();
                    _ = await frames.ReadAsync(Frame.MaxBodyBytes, _stop.Token);
                    return;
                }

                if (Refusal is not null)
                {
                    await stream.WriteAsync(Frame.ToBytes(FrameKind.HelloAnswer, new HelloAnswer { Code = Refusal, Message = "Not now." }), _stop.Token);
                    return;
                }

                await stream.WriteAsync(
                    Frame.ToBytes(FrameKind.ClientWelcome, new ClientWelcome { Node = 1, MaxRequests = 16, Members = { Members } }), _stop.Token);
                if (greeted <= CutsOff)
                {
                    CutOff.Silently(client.Client);
                }

                while (await frames.ReadAsync(Frame.MaxBodyBytes, _stop.Token) is { } frame)
                {
                    ClientRequest request = ClientMessageCodec.ReadRequest(frame);
                    if (_answer(request) is not { } answer)
                    {
                        return;
                    }

                    answer.Id = request.Id;
                    answer.Leader ??= new LeaderKnown { Node = 1, Term = 1 };
                    await stream.WriteAsync(Frame.ToBytes(FrameKind.ClientAnswer, answer), _stop.Token);
                }
            }
            catch (Exception e) when (e is IOException or OperationCanceledException)
            {
                // The client went away, or the test is over.
            }
        }
    }
}
