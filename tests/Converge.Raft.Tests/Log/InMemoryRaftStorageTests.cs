using Converge.Core;

namespace Converge.Raft.Tests.Log;

public sealed class InMemoryRaftStorageTests
{
    [Fact]
    public void Appending_over_entries_cuts_off_what_follows()
    {
        InMemoryRaftStorage storage = WithEntries(1, 5);
        Assert.Equal(StorageChange.Done, storage.Append(Entries(2, 3, 4)));
        Assert.Equal(new LogIndex(4), storage.LastIndex);
        Assert.Equal(LogReadStatus.Ok, storage.Term(new LogIndex(3), out Term term));
        Assert.Equal(new Term(2), term);
    }

    [Fact]
    public void A_gap_is_refused()
    {
        InMemoryRaftStorage storage = WithEntries(1, 5);
        Assert.Equal(StorageChange.BeyondEnd, storage.Append(Entries(1, 7, 8)));
        Assert.Equal(new LogIndex(5), storage.LastIndex);
    }

    [Fact]
    public void What_is_compacted_is_said_to_be_and_its_last_term_stays_known()
    {
        InMemoryRaftStorage storage = WithEntries(3, 5);
        Assert.Equal(StorageChange.Done, storage.Compact(new LogIndex(3)));
        Assert.Equal(new LogIndex(4), storage.FirstIndex);
        Assert.Equal(LogReadStatus.Compacted, storage.Entries(new LogIndex(3), new LogIndex(5), 100, out _));
        Assert.Equal(LogReadStatus.Compacted, storage.Term(new LogIndex(2), out _));
        Assert.Equal(LogReadStatus.Ok, storage.Term(new LogIndex(3), out Term term));
        Assert.Equal(new Term(3), term);
        Assert.Equal(StorageChange.OutOfDate, storage.Compact(new LogIndex(3)));
        Assert.Equal(StorageChange.BeyondEnd, storage.Compact(new LogIndex(6)));
        Assert.Equal(StorageChange.OutOfDate, storage.TruncateFrom(new LogIndex(3)));
    }

    [Fact]
    public void Entries_that_are_compacted_already_are_skipped_when_appended_again()
    {
        InMemoryRaftStorage storage = WithEntries(1, 5);
        storage.Compact(new LogIndex(4));
        Assert.Equal(StorageChange.Done, storage.Append(Entries(1, 3, 6)));
        Assert.Equal(new LogIndex(6), storage.LastIndex);
        Assert.Equal(new LogIndex(5), storage.FirstIndex);
        Assert.Equal(StorageChange.Done, storage.Append(Entries(1, 2, 3)));
        Assert.Equal(new LogIndex(6), storage.LastIndex);
    }

    [Fact]
    public void A_snapshot_takes_the_place_of_the_log_and_an_older_one_is_refused()
    {
        InMemoryRaftStorage storage = WithEntries(1, 5);
        var configuration = ConfigurationState.OfVoters(new NodeId(1), new NodeId(2));
        var snapshot = new Snapshot(new LogIndex(9), new Term(2), configuration, default);
        Assert.Equal(StorageChange.Done, storage.ApplySnapshot(snapshot));
        Assert.Equal(new LogIndex(10), storage.FirstIndex);
        Assert.Equal(new LogIndex(9), storage.LastIndex);
        Assert.Equal(configuration, storage.InitialState().Configuration);
        Assert.Equal(StorageChange.OutOfDate, storage.ApplySnapshot(snapshot));
        Assert.Equal(StorageChange.OutOfDate, storage.SetSnapshot(snapshot));
        Assert.Same(snapshot, storage.Snapshot());
    }

    [Fact]
    public void A_snapshot_of_what_is_not_there_is_refused() =>
        Assert.Equal(
            StorageChange.BeyondEnd,
            WithEntries(1, 5).SetSnapshot(new Snapshot(new LogIndex(6), new Term(1), ConfigurationState.Empty, default)));

    [Fact]
    public void Slices_that_were_read_stay_as_they_were()
    {
        InMemoryRaftStorage storage = WithEntries(1, 2000);
        storage.Entries(new LogIndex(900), new LogIndex(1100), long.MaxValue, out ReadOnlyMemory<Entry> across);
        storage.Entries(new LogIndex(1990), new LogIndex(2001), long.MaxValue, out ReadOnlyMemory<Entry> tail);
        storage.Append(Entries(2, 1000, 1995));
        storage.Compact(new LogIndex(1990));
        Assert.All(across.ToArray().Concat(tail.ToArray()), entry => Assert.Equal(new Term(1), entry.Term));
        Assert.Equal(200, across.Length);
    }

    internal static InMemoryRaftStorage WithEntries(ulong term, ulong last)
    {
        var storage = new InMemoryRaftStorage();
        storage.Append(Entries(term, 1, last));
        return storage;
    }

    private static Entry[] Entries(ulong term, ulong from, ulong to)
    {
        var entries = new Entry[to - from + 1];
        for (ulong index = from; index <= to; index++)
        {
            entries[index - from] = new Entry(new Term(term), new LogIndex(index), EntryKind.Normal, default);
        }

        return entries;
    }
}
