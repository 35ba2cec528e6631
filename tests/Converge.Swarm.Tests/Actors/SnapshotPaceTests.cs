using Converge.Core;
using Converge.Swarm.Actors;
using Converge.Swarm.Tests.Governance;

namespace Converge.Swarm.Tests.Actors;

/// <summary>A snapshot takes its time until somebody waits for it.</summary>
public sealed class SnapshotPaceTests
{
    private const int Entries = 100;

    private readonly Port _port = new();
    private readonly SnapshotActor _actor;
    private readonly AgreedLog _log = new();

    public SnapshotPaceTests()
    {
        _actor = new SnapshotActor(
            new SnapshotActorOptions { Self = new NodeId(1), Policy = new SnapshotOptions { Entries = Entries, Bytes = 1_000_000 }, ElectionTicks = 10 }, newest: null, _port);
        for (int i = 0; i < Entries; i++)
        {
            _log.Commit(new ProposalCreated($"p-{i}", "ann"));
        }

        _actor.Receive(new SnapshotMessage.Tick(new LogIndex(Entries + 1), 10_000));
        Assert.IsType<NodeMessage.FreezeState>(_port.ToNodeMessages.Single());
        _actor.Receive(new SnapshotMessage.Frozen(_log.State.Freeze(), SnapshotLedger.Configuration, SnapshotLedger.MemberRecords));
    }

    private SnapshotPace Pace => _port.Works.OfType<SnapshotWork.Write>().Single().Pace;

    [Fact]
    public void It_is_hurried_when_as_many_entries_were_applied_as_make_the_next_one_due()
    {
        _actor.Receive(new SnapshotMessage.Tick(new LogIndex((2 * Entries) - 1), 20_000));
        Assert.False(Pace.IsHurried);
        _actor.Receive(new SnapshotMessage.Tick(new LogIndex(2 * Entries), 20_000));
        Assert.True(Pace.IsHurried);
    }

    [Fact]
    public void It_is_hurried_when_as_many_bytes_were_applied_as_make_the_next_one_due()
    {
        _actor.Receive(new SnapshotMessage.Tick(new LogIndex(Entries + 2), 1_009_999));
        Assert.False(Pace.IsHurried);
        _actor.Receive(new SnapshotMessage.Tick(new LogIndex(Entries + 3), 1_010_000));
        Assert.True(Pace.IsHurried);
    }

    [Fact]
    public void It_is_hurried_when_a_follower_waits_for_it()
    {
        _actor.Receive(new SnapshotMessage.Led(new Term(1), new NodeId(1)));
        _actor.Receive(new SnapshotMessage.Send(new NodeId(2), new LogIndex(5)));
        _actor.Receive(new SnapshotMessage.Tick(new LogIndex(Entries + 2), 10_100));
        Assert.True(Pace.IsHurried);
    }

    private sealed class Port : ISnapshotPort
    {
        public List<NodeMessage> ToNodeMessages { get; } = [];

        public List<SnapshotWork> Works { get; } = [];

        public void ToNode(NodeMessage message) => ToNodeMessages.Add(message);

        public void ToStateMachine(StateMachineMessage message)
        {
        }

        public void ToPeer(NodeId peer, PeerMessage message)
        {
        }

        public void Do(SnapshotWork work) => Works.Add(work);

        public void Publish(SwarmEvent happened)
        {
        }
    }
}
