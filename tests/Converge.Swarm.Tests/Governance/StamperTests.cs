using Converge.Core;
using Converge.Swarm.Governance;

namespace Converge.Swarm.Tests.Governance;

public sealed class StamperTests
{
    private static readonly NodeId Leader = new(4);
    private static readonly CommandStamp Previous = new(5_000, new LamportTimestamp(10, new NodeId(2)));

    [Fact]
    public void Time_goes_on_with_the_leaders_clock() =>
        Assert.Equal(new CommandStamp(6_000, new LamportTimestamp(11, Leader)), Stamper.Next(Previous, 6_000, Leader));

    [Fact]
    public void Time_never_goes_back_against_the_log() =>
        Assert.Equal(5_000, Stamper.Next(Previous, 4_000, Leader).TimeUnixMilliseconds);

    [Fact]
    public void A_clock_before_1970_counts_as_1970() =>
        Assert.Equal(0, Stamper.Next(CommandStamp.None, -7, Leader).TimeUnixMilliseconds);

    [Theory]
    [InlineData(0, 0, 11)]
    [InlineData(20, 0, 21)]
    [InlineData(20, 30, 31)]
    [InlineData(9, 30, 31)]
    public void The_Lamport_counter_is_later_than_the_log_the_claim_and_the_own_one(ulong claim, ulong own, ulong expected) =>
        Assert.Equal(expected, Stamper.Next(Previous, 0, Leader, claim, own).Lamport.Counter);

    [Fact]
    public void A_claim_beyond_the_limit_is_refused_and_one_at_the_limit_does_not_end_the_clock()
    {
        const ulong greatest = LamportClock.MaxCounter;
        Assert.Throws<ArgumentOutOfRangeException>(() => Stamper.Next(Previous, 0, Leader, greatest + 1));
        CommandStamp stamp = Stamper.Next(Previous, 0, Leader, greatest);
        Assert.Equal(LamportClock.MaxCounter + 1, stamp.Lamport.Counter);
        Assert.Equal(LamportClock.MaxCounter + 2, Stamper.Next(stamp, 0, Leader, greatest).Lamport.Counter);
    }
}
