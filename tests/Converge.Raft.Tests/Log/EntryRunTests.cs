using Converge.Core;
using FsCheck;
using FsCheck.Fluent;

namespace Converge.Raft.Tests.Log;

public sealed class EntryRunTests
{
    [Fact]
    public void A_run_behaves_like_a_list_and_slices_never_change() =>
        Prop.ForAll(Gen.ListOf(Gen.Choose(0, int.MaxValue)).ToArbitrary(), seeds =>
        {
            var run = new EntryRun(new LogIndex(5));
            var model = new SortedDictionary<ulong, ulong>();
            ulong first = 5;
            ulong next = 5;
            List<(ReadOnlyMemory<Entry> Slice, Entry[] Copy)> slices = [];
            foreach (int seed in seeds)
            {
                int choice = seed % 100;
                if (choice < 60)
                {
                    for (int i = 0; i <= seed % 700; i++)
                    {
                        var entry = new Entry(new Term((ulong)seed), new LogIndex(next), EntryKind.Normal, default);
                        run.Append(entry);
                        model[next++] = (ulong)seed;
                    }
                }
                else if (choice < 80)
                {
                    ulong from = first + ((ulong)seed % (next - first + 1));
                    run.TruncateFrom(new LogIndex(from));
                    for (; next > from; next--)
                    {
                        model.Remove(next - 1);
                    }
                }
                else if (choice < 95 && next > first)
                {
                    ulong through = first + ((ulong)seed % (next - first));
                    run.DiscardThrough(new LogIndex(through));
                    for (; first <= through; first++)
                    {
                        model.Remove(first);
                    }
                }
                else if (choice < 97)
                {
                    run = run.Clone();
                }

                ulong start = first + ((ulong)seed % (next - first + 1));
                ReadOnlyMemory<Entry> slice = run.Slice(new LogIndex(start), new LogIndex(next), long.MaxValue);
                slices.Add((slice, slice.ToArray()));
                if (run.First.Value != first || run.Next.Value != next)
                {
                    return false;
                }
            }

            return slices.TrueForAll(pair => pair.Slice.Span.SequenceEqual(pair.Copy))
                && run.Slice(run.First, run.Next, long.MaxValue).ToArray().Select(entry => (entry.Index.Value, entry.Term.Value))
                    .SequenceEqual(model.Select(pair => (pair.Key, pair.Value)));
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void A_bounded_slice_holds_one_entry_at_least_and_no_more_than_fit()
    {
        var run = new EntryRun(new LogIndex(1));
        for (ulong index = 1; index <= 10; index++)
        {
            run.Append(new Entry(new Term(1), new LogIndex(index), EntryKind.Normal, new byte[100]));
        }

        long size = run[new LogIndex(1)].SizeBytes;
        Assert.Equal(1, run.Slice(new LogIndex(1), new LogIndex(11), 0).Length);
        Assert.Equal(1, run.Slice(new LogIndex(1), new LogIndex(11), (2 * size) - 1).Length);
        Assert.Equal(2, run.Slice(new LogIndex(1), new LogIndex(11), 2 * size).Length);
        Assert.Equal(10, run.Slice(new LogIndex(1), new LogIndex(11), long.MaxValue).Length);
    }

    [Fact]
    public void Clones_go_their_own_ways()
    {
        var run = new EntryRun(new LogIndex(1));
        run.Append(new Entry(new Term(1), new LogIndex(1), EntryKind.Normal, default));
        EntryRun clone = run.Clone();
        run.Append(new Entry(new Term(1), new LogIndex(2), EntryKind.Normal, default));
        clone.Append(new Entry(new Term(2), new LogIndex(2), EntryKind.Normal, default));
        Assert.Equal(new Term(1), run[new LogIndex(2)].Term);
        Assert.Equal(new Term(2), clone[new LogIndex(2)].Term);
    }
}
