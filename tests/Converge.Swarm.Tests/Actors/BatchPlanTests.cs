using Converge.Core;
using Converge.Raft;
using Converge.Swarm.Actors;
using Converge.Swarm.Storage;

namespace Converge.Swarm.Tests.Actors;

/// <summary>How appends become batches of the store.</summary>
public sealed class BatchPlanTests
{
    private const int EntryBytes = 10;

    private static readonly Term Two = new(2);

    [Fact]
    public void A_batch_in_the_midst_of_an_append_takes_along_what_is_known_to_be_committed_of_it()
    {
        BatchPlan plan = Plan(new LogMessage.Append(1, State(commit: 3), Entries(2, 3, 4, 5), []));

        Assert.Equal([2UL, 3, 3, 3], plan.Batches.Select(batch => batch.State!.Value.Commit.Value));
    }

    [Fact]
    public void A_batch_that_is_replaced_says_nothing_of_what_took_its_place()
    {
        BatchPlan plan = Plan(
            new LogMessage.Append(1, State(commit: 1), Entries(2, 3), []),
            new LogMessage.Append(2, State(commit: 3), Entries(3, 4), []));

        Assert.Equal([(2UL, 1UL), (3, 1), (3, 3), (4, 3)], plan.Batches.Select(batch => (batch.Entries[^1].Index.Value, batch.State!.Value.Commit.Value)));
    }

    [Fact]
    public void Behind_a_mark_it_is_the_same()
    {
        BatchPlan plan = Plan(
            new LogMessage.Append(1, State(commit: 4), Entries(3, 4, 5), []) { Mark = new SnapshotMark(new LogIndex(2), Two) });

        Assert.Equal([2UL, 3, 4, 4], plan.Batches.Select(batch => batch.State!.Value.Commit.Value));
    }

    private static BatchPlan Plan(params LogMessage.Append[] appends) =>
        BatchPlan.Of(LogOutline.Empty.After(Founding.Batch(LogOutline.Empty)!), appends, maxBatchDataBytes: EntryBytes);

    private static HardState State(ulong commit) => new(Two, new NodeId(1), new LogIndex(commit));

    private static Entry[] Entries(params ulong[] indexes) =>
        [.. indexes.Select(index => new Entry(Two, new LogIndex(index), EntryKind.Normal, new byte[EntryBytes]))];
}
