using Akka.Actor;
using Converge.Core;
using Converge.Raft;
using Converge.Swarm.Actors;
using Converge.Swarm.Akka.Node;
using Converge.Swarm.Akka.Serialization;
using Converge.Swarm.Governance;

namespace Converge.Swarm.Akka.Tests.Node;

public sealed class SwarmMailboxTests
{
    private static readonly PeerEnvelope Heartbeat = FromPeer(MessageKind.Heartbeat);
    private static readonly PeerEnvelope Append = FromPeer(MessageKind.Append);

    private readonly SwarmMailbox.Lanes _mailbox = new();

    [Fact]
    public void Control_overtakes_bulk_and_both_overtake_clients_and_the_turn_comes_last()
    {
        NodeMessage.GetStatus client = new(new TaskReply<SwarmStatus>());
        Post(NodeMessage.Turn.Instance, client, Append, Heartbeat, NodeMessage.Tick.Instance);

        Assert.Equal([NodeMessage.Tick.Instance, Heartbeat, Append, client, NodeMessage.Turn.Instance], TakeAll());
    }

    [Fact]
    public void Within_a_lane_the_order_is_kept()
    {
        PeerEnvelope[] appends = [.. Enumerable.Range(0, 10).Select(_ => FromPeer(MessageKind.Append))];
        Post(appends);

        Assert.Equal(appends, TakeAll());
    }

    [Fact]
    public void A_flood_does_not_keep_the_turn_away()
    {
        Post(NodeMessage.Turn.Instance);
        for (int i = 0; i < 2 * SwarmMailbox.Lanes.MaxBeforeTurn; i++)
        {
            Post(Append);
        }

        List<object> all = TakeAll();

        Assert.Equal(SwarmMailbox.Lanes.MaxBeforeTurn, all.IndexOf(NodeMessage.Turn.Instance));
    }

    [Fact]
    public void More_than_a_lane_holds_is_dropped_and_the_other_lanes_do_not_mind()
    {
        for (int i = 0; i < SwarmMailbox.Lanes.MaxPeerBulk + 5; i++)
        {
            Post(Append);
        }

        Post(Heartbeat);

        Assert.Equal(SwarmMailbox.Lanes.MaxPeerBulk + 1, _mailbox.Count);
        Assert.Equal(Heartbeat, TakeAll()[0]);
        Assert.False(_mailbox.HasMessages);
    }

    [Fact]
    public async Task Clients_learn_that_the_node_has_ended()
    {
        var committed = new TaskReply<IReadOnlyList<CommitAnswer>>();
        var read = new TaskReply<QueryAnswer<ProposalView?>>();
        var status = new TaskReply<SwarmStatus>();
        byte[] fact = CommandCodec.EncodeFact(new FactSubmission(new ProposalCreated("p", "a")), CommandStamp.None);
        Post(
            new NodeMessage.Submit([new UnstampedCommand(fact, 0)], committed),
            Append,
            new NodeMessage.GetStatus(status),
            new NodeMessage.Read(new StateMachineMessage.GetProposal("p", read), ReadConsistency.Linearizable));

        _mailbox.CleanUp(ActorRefs.Nobody, _mailbox);

        Assert.Equal(NotCommittedReason.Stopping, Assert.IsType<FactNotCommitted>(Assert.Single(await committed.Task)).Reason);
        Assert.Equal(NotCommittedReason.Stopping, (await read.Task).Reason);
        await Assert.ThrowsAsync<SwarmUnavailableException>(() => status.Task);
        Assert.False(_mailbox.HasMessages);
    }

    private void Post(params object[] messages)
    {
        foreach (object message in messages)
        {
            _mailbox.Enqueue(ActorRefs.Nobody, new Envelope(message, ActorRefs.NoSender));
        }
    }

    private List<object> TakeAll()
    {
        List<object> all = [];
        while (_mailbox.TryDequeue(out Envelope envelope))
        {
            all.Add(envelope.Message);
        }

        return all;
    }

    private static PeerEnvelope FromPeer(MessageKind kind) =>
        new("test", new NodeId(1), new NodeId(2), new ProtocolMessage(new Message { Kind = kind, From = new NodeId(1), To = new NodeId(2) }, default));
}
