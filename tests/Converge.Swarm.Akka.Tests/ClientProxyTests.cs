using Akka.Actor;
using Akka.Configuration;
using Akka.TestKit;
using Converge.Core;
using Converge.Swarm.Actors;

namespace Converge.Swarm.Akka.Tests;

public sealed class ClientProxyTests : global::Akka.TestKit.Xunit2.TestKit
{
    private readonly TestProbe _node;
    private readonly Gate _gate = new(10);
    private readonly TestScheduler _scheduler;

    public ClientProxyTests()
        : base("akka.scheduler.implementation = \"Akka.TestKit.TestScheduler, Akka.TestKit\", akka.test.single-expect-default = 120s")
    {
        _node = CreateTestProbe();
        _scheduler = (TestScheduler)Sys.Scheduler;
    }

    [Fact]
    public void Requests_wait_for_the_node_and_for_a_leader_and_keep_their_order()
    {
        IActorRef proxy = Proxy();
        (NodeMessage.Submit first, _) = Submit();
        (NodeMessage.Submit second, _) = Submit();
        proxy.Tell(first);
        proxy.Tell(second);
        _node.ExpectNoMsg(0);

        proxy.Tell(ClientProxy.NodeOpened.Instance);
        Sys.EventStream.Publish(new SwarmEvent.LeaderChanged(new NodeId(1), new Term(1)));

        _node.ExpectMsg<NodeMessage.Submit>(message => Assert.Same(first, message));
        _node.ExpectMsg<NodeMessage.Submit>(message => Assert.Same(second, message));
    }

    [Fact]
    public void What_needs_no_leader_does_not_wait_for_one()
    {
        IActorRef proxy = Proxy();
        proxy.Tell(Submit().Request);
        proxy.Tell(new NodeMessage.GetStatus(new TaskReply<SwarmStatus>()));
        proxy.Tell(Read(ReadConsistency.Stale));
        proxy.Tell(Read(ReadConsistency.Linearizable));

        proxy.Tell(ClientProxy.NodeOpened.Instance);

        _node.ExpectMsg<NodeMessage.GetStatus>();
        Assert.Equal(ReadConsistency.Stale, _node.ExpectMsg<NodeMessage.Read>().Consistency);
        _node.ExpectNoMsg(0);
    }

    [Fact]
    public void Requests_wait_again_when_the_leader_is_lost()
    {
        IActorRef proxy = Open(Proxy());
        Sys.EventStream.Publish(new SwarmEvent.LeaderChanged(NodeId.None, new Term(2)));
        proxy.Tell(Submit().Request);
        proxy.Tell(new NodeMessage.GetStatus(new TaskReply<SwarmStatus>()));
        _node.ExpectMsg<NodeMessage.GetStatus>();

        Sys.EventStream.Publish(new SwarmEvent.LeaderChanged(new NodeId(3), new Term(3)));

        _node.ExpectMsg<NodeMessage.Submit>();
    }

    [Fact]
    public async Task More_than_may_wait_is_answered_busy()
    {
        IActorRef proxy = Proxy("client.max-buffered-requests = 2");
        proxy.Tell(Submit().Request);
        proxy.Tell(Submit().Request);
        (NodeMessage.Submit third, Task<IReadOnlyList<CommitAnswer>> answers) = Submit();

        proxy.Tell(third);

        Assert.Equal(NotCommittedReason.Busy, Assert.IsType<FactNotCommitted>(Assert.Single(await answers)).Reason);
    }

    [Fact]
    public async Task A_request_does_not_wait_longer_than_a_request_may_take()
    {
        IActorRef proxy = Proxy("request-timeout = 1s");
        (NodeMessage.Submit request, Task<IReadOnlyList<CommitAnswer>> answers) = Submit();
        proxy.Tell(request);
        AwaitReceived(proxy);
        _scheduler.Advance(TimeSpan.FromMilliseconds(900));
        Assert.False(answers.IsCompleted);

        _scheduler.Advance(TimeSpan.FromMilliseconds(200));

        Assert.Equal(NotCommittedReason.NoLeader, Assert.IsType<FactNotCommitted>(Assert.Single(await answers)).Reason);
        Assert.True(_gate.TryEnter());
    }

    [Fact]
    public async Task Whoever_waits_when_the_node_stops_is_told()
    {
        IActorRef proxy = Proxy();
        (NodeMessage.Submit request, Task<IReadOnlyList<CommitAnswer>> answers) = Submit();
        proxy.Tell(request);

        proxy.Tell(PoisonPill.Instance);

        Assert.Equal(NotCommittedReason.Stopping, Assert.IsType<FactNotCommitted>(Assert.Single(await answers)).Reason);
    }

    [Fact]
    public async Task A_request_that_comes_to_a_node_that_has_ended_is_answered()
    {
        IActorRef proxy = Open(Proxy());
        (NodeMessage.Submit early, Task<IReadOnlyList<CommitAnswer>> earlyAnswers) = Submit();
        proxy.Tell(early);
        AwaitReceived(proxy);
        Watch(_node);
        Sys.Stop(_node);
        _gate.Close();
        ExpectTerminated(_node, TimeSpan.FromSeconds(120));
        Sys.EventStream.Publish(new SwarmEvent.LeaderChanged(new NodeId(1), new Term(1)));
        (NodeMessage.Submit late, Task<IReadOnlyList<CommitAnswer>> lateAnswers) = Submit();

        proxy.Tell(late);

        Assert.IsType<FactOutcomeUnknown>(Assert.Single(await earlyAnswers.WaitAsync(TimeSpan.FromSeconds(120))));
        Assert.IsType<FactOutcomeUnknown>(Assert.Single(await lateAnswers.WaitAsync(TimeSpan.FromSeconds(120))));
    }

    [Fact]
    public void A_gate_lets_in_what_there_is_room_for_and_nobody_when_it_is_closed()
    {
        var gate = new Gate(2);
        Assert.True(gate.TryEnter());
        Assert.True(gate.TryEnter());
        Assert.False(gate.TryEnter());
        gate.Leave();
        Assert.True(gate.TryEnter());
        gate.Leave();
        gate.Close();
        Assert.False(gate.TryEnter());
    }

    private IActorRef Proxy(string settings = "")
    {
        IActorRef proxy = Sys.ActorOf(Props.Create(() => new ClientProxy(Settings(settings), _node, _gate)));
        AwaitReceived(proxy);
        return proxy;
    }

    /// <summary>Everything told before has been received.</summary>
    private void AwaitReceived(IActorRef actor)
    {
        actor.Tell(new Identify(0), TestActor);
        ExpectMsg<ActorIdentity>();
    }

    private static IActorRef Open(IActorRef proxy)
    {
        proxy.Tell(ClientProxy.NodeOpened.Instance);
        return proxy;
    }

    private static (NodeMessage.Submit Request, Task<IReadOnlyList<CommitAnswer>> Answers) Submit()
    {
        var reply = new TaskReply<IReadOnlyList<CommitAnswer>>();
        return (new NodeMessage.Submit([new UnstampedCommand(new byte[10], 0)], reply), reply.Task);
    }

    private static NodeMessage.Read Read(ReadConsistency consistency) =>
        new(new StateMachineMessage.GetProposal("p", new TaskReply<QueryAnswer<ProposalView?>>()), consistency);

    private static SwarmSettings Settings(string more) => SwarmSettings.Create(
        ConfigurationFactory.ParseString($"converge.swarm {{ node = 1\ndata-folder = \"none\"\nmembers {{ 1 = \"akka://test\" }}\n{more} }}")
            .WithFallback(Swarm.DefaultConfig())
            .GetConfig("converge.swarm"));
}
