namespace Converge.Core.Tests.Time;

public sealed class LamportClockTests
{
    [Fact]
    public void An_event_is_later_than_everything_stamped_or_observed_before()
    {
        var clock = new LamportClock(new NodeId(2));
        LamportTimestamp first = clock.Tick();
        Assert.True(clock.Observe(40));
        LamportTimestamp second = clock.Tick();
        Assert.True(clock.Observe(7));
        LamportTimestamp third = clock.Tick();

        Assert.Equal([new(1, new NodeId(2)), new(41, new NodeId(2)), new(42, new NodeId(2))], [first, second, third]);
    }

    [Fact]
    public void A_claim_beyond_the_limit_is_not_observed()
    {
        var clock = new LamportClock(new NodeId(1), 5);
        Assert.False(clock.Observe(LamportClock.MaxCounter + 1));
        Assert.Equal(5UL, clock.Counter);
        Assert.True(clock.Observe(LamportClock.MaxCounter));
        Assert.Equal(LamportClock.MaxCounter + 1, clock.Tick().Counter);
    }

    [Fact]
    public void Any_two_distinct_stamps_have_an_order()
    {
        var early = new LamportTimestamp(1, new NodeId(9));
        var late = new LamportTimestamp(2, new NodeId(1));
        var lateElsewhere = new LamportTimestamp(2, new NodeId(2));

        Assert.True(early < late && late < lateElsewhere && lateElsewhere > early);
        Assert.True(early <= late && late >= early);
        Assert.Equal("2@1", late.ToString());
    }
}
