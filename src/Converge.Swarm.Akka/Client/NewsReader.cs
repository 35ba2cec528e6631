using Akka.Actor;
using Converge.Swarm.Actors;

namespace Converge.Swarm.Akka;

/// <summary>Tells those who wait for records in this process what the event stream says.</summary>
internal sealed class NewsReader(NodeNews news) : UntypedActor
{
    public static Props Props(SwarmSettings settings, NodeNews news) =>
        global::Akka.Actor.Props.Create(() => new NewsReader(news)).WithDispatcher(settings.Dispatcher);

    protected override void PreStart() => Context.System.EventStream.Subscribe(Self, typeof(SwarmEvent));

    protected override void PostStop() => news.Close();

    protected override void OnReceive(object message)
    {
        if (message is SwarmEvent happened)
        {
            news.Note(happened);
        }
        else
        {
            Unhandled(message);
        }
    }
}
