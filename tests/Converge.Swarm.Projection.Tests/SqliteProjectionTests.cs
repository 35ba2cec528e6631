using Converge.Core;
using Converge.Swarm.Projection.Sql;

namespace Converge.Swarm.Projection.Tests;

/// <summary>The contract of a store, on SQLite; and what is special about a file.</summary>
public sealed class SqliteProjectionTests : ProjectionStoreContract, IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private protected override Task<IProjectionStore> CreateAsync(string name) =>
        Task.FromResult<IProjectionStore>(new SqliteProjectionStore(_folder.Sub(name)));

    private protected override Task<Database> LookAsync(string name) => Database.SqliteAsync(_folder.Sub(name));

    private protected override Task<IProjectionStore> CreateFailingAsync(string name) =>
        Task.FromResult<IProjectionStore>(new FailingBeforeCommit(_folder.Sub(name)));

    [Fact]
    public async Task A_file_that_was_deleted_is_not_there_and_begins_anew()
    {
        History history = History.OfProposals(10);
        await using IProjectionStore store = await CreateAsync("s");
        await FillAsync(store, history.Records, 7);
        File.Delete(Path.Combine(_folder.Sub("s"), SqliteProjectionStore.FileName));

        Assert.False(store.IsThere);
        await store.CloseAsync();
        Assert.Equal(ProjectionPosition.Start, await store.OpenAsync(default));
        await FillAsync(store, history.Records, 7);
        await using Database database = await LookAsync("s");
        await database.AssertAgreesAsync(history);
    }

    [Fact]
    public async Task A_copy_of_the_files_at_any_moment_is_whole_batches()
    {
        // What a copy holds is what a crash at that moment would have left.
        History history = History.OfProposals(100);
        string[] batches = new string[history.Records.Count];
        await using (IProjectionStore reference = await CreateAsync("reference"))
        {
            await reference.OpenAsync(default);
            ProjectionPosition at = ProjectionPosition.Start;
            foreach (LedgerRecord[] batch in history.Records.Chunk(50))
            {
                at = await reference.ApplyAsync(at, batch, default);
                await using Database look = await LookAsync("reference");
                batches[(int)at.Sequence - 1] = await look.DumpAsync();
            }
        }

        int copies = 0;
        CopyingBeforeCommit store = new(_folder.Sub("s"), () => Copy("s", $"copy{copies++}"));
        await using (store)
        {
            await store.OpenAsync(default);
            ProjectionPosition at = ProjectionPosition.Start;
            foreach (LedgerRecord[] batch in history.Records.Chunk(50))
            {
                at = await store.ApplyAsync(at, batch, default);
                Copy("s", $"copy{copies++}");
            }
        }

        for (int i = 0; i < copies; i++)
        {
            await using IProjectionStore copy = await CreateAsync($"copy{i}");
            ProjectionPosition at = await copy.OpenAsync(default);

            // The copies before a commit are even, those after it odd.
            ulong expected = Math.Min((ulong)((i + 1) / 2 * 50), (ulong)history.Records.Count);
            Assert.Equal(expected, at.Sequence);
            if (at.Sequence > 0)
            {
                await using Database look = await LookAsync($"copy{i}");
                Assert.Equal(batches[(int)at.Sequence - 1], await look.DumpAsync());
            }
        }
    }

    [Fact]
    public async Task What_is_no_database_is_an_error_and_stays_as_it_is()
    {
        Directory.CreateDirectory(_folder.Sub("s"));
        string file = Path.Combine(_folder.Sub("s"), SqliteProjectionStore.FileName);
        await File.WriteAllTextAsync(file, new string('x', 10_000));
        await using IProjectionStore store = await CreateAsync("s");

        await Assert.ThrowsAsync<Microsoft.Data.Sqlite.SqliteException>(() => store.OpenAsync(default));
        await store.CloseAsync();

        Assert.Equal(10_000, new FileInfo(file).Length);
        await store.ClearAsync(default);
        Assert.Equal(ProjectionPosition.Start, await store.OpenAsync(default));
    }

    private void Copy(string from, string to)
    {
        Directory.CreateDirectory(_folder.Sub(to));
        foreach (string file in Directory.GetFiles(_folder.Sub(from)).Where(file => !file.EndsWith("-shm", StringComparison.Ordinal)))
        {
            File.Copy(file, Path.Combine(_folder.Sub(to), Path.GetFileName(file)));
        }
    }

    private sealed class FailingBeforeCommit(string folder) : SqliteProjectionStore(folder)
    {
        private int _calls;

        protected override Task BeforeCommitAsync(System.Data.Common.DbTransaction transaction) =>
            ++_calls % 2 == 1 ? throw new IOException("The disk failed.") : Task.CompletedTask;
    }

    private sealed class CopyingBeforeCommit(string folder, Action copy) : SqliteProjectionStore(folder)
    {
        protected override Task BeforeCommitAsync(System.Data.Common.DbTransaction transaction)
        {
            copy();
            return Task.CompletedTask;
        }
    }
}
