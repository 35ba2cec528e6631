using Converge.Swarm.Actors;

namespace Converge.Swarm.Simulation;

/// <summary>A reply that calls back. An actor sends exactly one answer; a second one is a violation.</summary>
internal sealed class CallbackReply<T>(Action<T> answered) : Reply<T>
{
    private bool _sent;

    public override void Send(T answer)
    {
        if (_sent)
        {
            throw new CheckFailedException("an actor sends exactly one answer", $"A second answer was sent: {answer}.");
        }

        _sent = true;
        answered(answer);
    }
}
