using Converge.Swarm.Akka.Journal;

namespace Converge.Swarm.Akka.Tests.Journal;

public sealed class JournalDurabilityTests
{
    [Theory]
    [InlineData("wal", 2)]
    [InlineData("WAL", 3)]
    public void Only_a_write_ahead_log_that_is_flushed_with_every_commit_will_do(string journalMode, long synchronous) =>
        JournalDurability.Require("Data Source=x", journalMode, synchronous);

    [Theory]
    [InlineData("delete", 2, "journal_mode")]
    [InlineData("memory", 2, "journal_mode")]
    [InlineData("off", 3, "journal_mode")]
    [InlineData("wal", 1, "synchronous")]
    [InlineData("wal", 0, "synchronous")]
    public void Everything_else_is_refused_with_what_was_found(string journalMode, long synchronous, string said)
    {
        JournalNotDurableException refusal = Assert.Throws<JournalNotDurableException>(() => JournalDurability.Require("Data Source=x", journalMode, synchronous));

        Assert.Contains(said, refusal.Message, StringComparison.Ordinal);
        Assert.Contains("Data Source=x", refusal.Message, StringComparison.Ordinal);
    }
}
