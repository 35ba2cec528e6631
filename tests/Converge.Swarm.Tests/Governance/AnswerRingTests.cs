using System.Runtime.CompilerServices;
using Converge.Swarm.Governance;

namespace Converge.Swarm.Tests.Governance;

public sealed class AnswerRingTests
{
    [Fact]
    public void What_is_looked_at_stays_and_is_copied_once()
    {
        var ring = new AnswerRing(4_096);
        ring.Change(5).Number = 1;
        AnswerRing frozen = ring.Freeze();

        ring.Change(5).Number = 2;
        ref KeptAnswer copied = ref ring.Change(5);
        ring.Change(6).Number = 3;

        Assert.Equal((1UL, 0UL), (frozen[5].Number, frozen[6].Number));
        Assert.Equal((2UL, 3UL), (ring[5].Number, ring[6].Number));
        Assert.True(Unsafe.AreSame(ref copied, ref ring.Change(5)));
    }

    /// <summary>A snapshot is written in a moment, and the ring takes long to come around: most chunks were copied for nobody.</summary>
    [Fact]
    public void Nothing_is_copied_when_nobody_looks_any_more()
    {
        var ring = new AnswerRing(4_096);
        ring.Change(5).Number = 1;
        ref KeptAnswer before = ref ring.Change(5);
        ring.Freeze();

        ring.Unfreeze();

        Assert.True(Unsafe.AreSame(ref before, ref ring.Change(5)));
    }
}
