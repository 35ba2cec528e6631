using Converge.Core;
using Converge.Swarm.Akka.Remoting;

namespace Converge.Swarm.Akka.Tests.Remoting;

public sealed class PeerPresenceTests
{
    private static readonly NodeId Peer = new(2);

    private readonly PeerPresence _presence = new(silenceTicks: 3);

    [Fact]
    public void A_member_is_there_from_the_association_with_it_to_the_end_of_that()
    {
        Assert.False(_presence.IsConnected(Peer));

        _presence.NoteAssociated(Peer);
        Pass(100);
        Assert.True(_presence.IsConnected(Peer));
        Assert.False(_presence.IsConnected(new NodeId(3)));

        Assert.True(_presence.NoteLost(Peer));
        Assert.False(_presence.IsConnected(Peer));
        Assert.False(_presence.NoteLost(Peer));
    }

    [Fact]
    public void A_member_is_there_when_one_of_two_associations_ended_and_it_is_heard_by_the_other()
    {
        _presence.NoteAssociated(Peer);
        _presence.NoteAssociated(Peer);
        _presence.NoteLost(Peer);

        _presence.NoteHeard(Peer);

        Assert.True(_presence.IsConnected(Peer));
        Assert.True(_presence.NoteLost(Peer));
    }

    [Fact]
    public void A_last_word_that_came_late_does_not_keep_a_member_there()
    {
        _presence.NoteAssociated(Peer);
        _presence.NoteLost(Peer);
        _presence.NoteHeard(Peer);

        Pass(3);
        Assert.True(_presence.IsConnected(Peer));
        Pass(1);
        Assert.False(_presence.IsConnected(Peer));
    }

    private void Pass(int ticks)
    {
        for (int i = 0; i < ticks; i++)
        {
            _presence.Tick();
        }
    }
}
