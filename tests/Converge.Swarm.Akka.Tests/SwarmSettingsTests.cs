using Akka.Actor;
using Akka.Configuration;
using Converge.Core;

namespace Converge.Swarm.Akka.Tests;

public sealed class SwarmSettingsTests
{
    private const string Minimal =
        """
        node = 2
        data-folder = "data/node2"
        members { 1 = "akka.tcp://orders@10.0.0.1:4053", 2 = "akka.tcp://orders@10.0.0.2:4053", 3 = "akka.tcp://orders@10.0.0.3:4053" }
        """;

    [Fact]
    public void Every_setting_of_the_reference_configuration_has_the_default_that_is_promised()
    {
        SwarmSettings settings = Create(Minimal);

        Assert.Equal("converge", settings.Cluster);
        Assert.Equal(TimeSpan.FromMilliseconds(50), settings.Tick);
        Assert.Equal(2, settings.HeartbeatTicks);
        Assert.Equal(20, settings.ElectionTicks);
        Assert.Equal(TimeSpan.FromSeconds(1), settings.ElectionTimeout);
        Assert.False(settings.LeasedReads);
        Assert.Equal(4, settings.LeaseDriftTicks);
        Assert.Equal(TimeSpan.FromSeconds(10), settings.RequestTimeout);
        Assert.Equal(16_384, settings.MaxPendingCommands);
        Assert.Equal(64 * 1024 * 1024, settings.MaxUncommittedBytes);
        Assert.Equal(64 * 1024, settings.MaxMessageBytes);
        Assert.Equal(16 * 1024 * 1024, settings.LedgerSegmentBytes);
        Assert.Equal(100_000, settings.Snapshots.Entries);
        Assert.Equal(64 * 1024 * 1024, settings.Snapshots.Bytes);
        Assert.Equal(10_000, settings.Snapshots.KeepEntries);
        Assert.Equal("akka.actor.internal-dispatcher", settings.Dispatcher);
        Assert.Equal(4096, settings.MaxBufferedRequests);
        Assert.Equal("converge.swarm.log.journal", settings.Log.JournalPluginId);
        Assert.Equal("converge.swarm.log.dispatcher", settings.Log.Dispatcher);
        Assert.Equal(TimeSpan.FromMilliseconds(200), settings.Log.MinBackoff);
        Assert.Equal(TimeSpan.FromSeconds(10), settings.Log.MaxBackoff);
        Assert.Equal(0.2, settings.Log.RandomFactor);
        Assert.Equal(256, settings.Log.DeletionSlice);
    }

    [Fact]
    public void What_others_read_of_the_reference_configuration_has_the_default_that_is_promised()
    {
        Config section = Swarm.DefaultConfig().GetConfig("converge.swarm");

        Assert.Equal(0, section.GetInt("node"));
        Assert.Equal("", section.GetString("data-folder"));
        Assert.Empty(section.GetValue("members").GetObject().Items);
        Assert.Equal("PinnedDispatcher", section.GetString("log.dispatcher.type"));
        Assert.Equal("Converge.Swarm.Akka.Node.SwarmMailbox, Converge.Swarm.Akka", section.GetString("mailbox.mailbox-type"));
        Config journal = section.GetConfig("log.journal");
        Assert.Equal("Akka.Persistence.Sql.Journal.SqlWriteJournal, Akka.Persistence.Sql", journal.GetString("class"));
        Assert.Equal("converge.swarm.log.journal", journal.GetString("plugin-id"));
        Assert.Equal("akka.persistence.dispatchers.default-plugin-dispatcher", journal.GetString("plugin-dispatcher"));
        Assert.Equal("SQLite.MS", journal.GetString("provider-name"));
        Assert.Equal("", journal.GetString("connection-string"));
        Assert.True(journal.GetBoolean("auto-initialize"));
        Assert.Equal(1, journal.GetInt("parallelism"));
        Assert.True(journal.GetBoolean("prefer-parameters-on-multirow-insert"));
        Assert.Equal("fail", journal.GetString("replay-filter.mode"));
        Assert.Equal(5, journal.GetInt("circuit-breaker.max-failures"));
        Assert.Equal(TimeSpan.FromSeconds(10), journal.GetTimeSpan("circuit-breaker.call-timeout"));
        Assert.Equal(TimeSpan.FromSeconds(5), journal.GetTimeSpan("circuit-breaker.reset-timeout"));
    }

    [Fact]
    public void The_two_specs_of_defaults_name_every_setting_there_is()
    {
        string[] keys = [.. Swarm.DefaultConfig().AsEnumerable().Select(pair => pair.Key).Order(StringComparer.Ordinal)];
        Assert.Equal(["converge"], keys);

        Assert.Equal(39, CountLeaves(Swarm.DefaultConfig().Root.GetObject()));
    }

    [Fact]
    public void Members_are_known_by_number_and_address()
    {
        SwarmSettings settings = Create(Minimal);

        Assert.Equal(new NodeId(2), settings.Node);
        Assert.Equal("data/node2", settings.DataFolder);
        Assert.Equal(3, settings.Members.Count);
        Assert.Equal(Address.Parse("akka.tcp://orders@10.0.0.3:4053"), settings.Members[new NodeId(3)]);
    }

    [Theory]
    [InlineData("node = 4", "node")]
    [InlineData("node = many", "node")]
    [InlineData("cluster = \"a b\"", "cluster")]
    [InlineData("data-folder = \"\"", "data-folder")]
    [InlineData("members { 4 = \"akka.tcp://orders@10.0.0.4:4053\" }", "members")]
    [InlineData("members { 3 = \"akka.tcp://orders@10.0.0.1:4053\" }", "members")]
    [InlineData("members { 0 = \"akka.tcp://orders@10.0.0.4:4053\" }", "members.0")]
    [InlineData("members { 3 = \"10.0.0.3\" }", "members.3")]
    [InlineData("tick = 0s", "tick")]
    [InlineData("tick = soon", "tick")]
    [InlineData("heartbeat-ticks = 7", "election-ticks")]
    [InlineData("election-ticks = 1", "election-ticks")]
    [InlineData("lease-drift-ticks = 1", "lease-drift-ticks")]
    [InlineData("leased-reads = on, lease-drift-ticks = 19", "lease-drift-ticks")]
    [InlineData("request-timeout = 1ms", "request-timeout")]
    [InlineData("max-pending-commands = 0", "max-pending-commands")]
    [InlineData("max-uncommitted-bytes = 1", "max-uncommitted-bytes")]
    [InlineData("max-message-bytes = 1KiB", "max-message-bytes")]
    [InlineData("ledger-segment-bytes = 1KiB", "ledger-segment-bytes")]
    [InlineData("client.max-buffered-requests = 0", "client.max-buffered-requests")]
    [InlineData("log.restart.min-backoff = 0ms", "log.restart.min-backoff")]
    [InlineData("log.restart.max-backoff = 100ms", "log.restart.max-backoff")]
    [InlineData("log.restart.random-factor = 2", "log.restart.random-factor")]
    [InlineData("log.deletion-slice = 0", "log.deletion-slice")]
    [InlineData("snapshot.entries = few", "snapshot.entries")]
    [InlineData("snapshot.bytes = 1KiB", "snapshot.bytes")]
    [InlineData("snapshot.keep-entries = 100001", "snapshot.keep-entries")]
    public void What_is_wrong_is_named_by_its_path(string wrong, string key)
    {
        SwarmSettingsException refusal = Assert.Throws<SwarmSettingsException>(() => Create($"{Minimal}\n{wrong}"));

        Assert.Contains(refusal.Faults, fault => string.Equals(fault.Key, $"converge.swarm.{key}", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("leased-reads = perhaps", "leased-reads")]
    [InlineData("leased-reads = \"\"", "leased-reads")]
    [InlineData("leased-reads = null", "leased-reads")]
    [InlineData("leased-reads = [on]", "leased-reads")]
    [InlineData("leased-reads { every = on }", "leased-reads")]
    [InlineData("cluster = null", "cluster")]
    [InlineData("cluster { name = a }", "cluster")]
    [InlineData("data-folder = [a]", "data-folder")]
    [InlineData("node = null", "node")]
    [InlineData("node = [1]", "node")]
    [InlineData("node = 99999999999999999999", "node")]
    [InlineData("tick = null", "tick")]
    [InlineData("tick = [1, 2]", "tick")]
    [InlineData("tick = -1s", "tick")]
    [InlineData("tick = 1e300s", "tick")]
    [InlineData("request-timeout = infinite", "request-timeout")]
    [InlineData("max-uncommitted-bytes = many", "max-uncommitted-bytes")]
    [InlineData("max-uncommitted-bytes = null", "max-uncommitted-bytes")]
    [InlineData("snapshot.bytes { a = 1 }", "snapshot.bytes")]
    [InlineData("snapshot = off", "snapshot.entries")]
    [InlineData("log.restart.random-factor = some", "log.restart.random-factor")]
    [InlineData("log.restart.random-factor = null", "log.restart.random-factor")]
    [InlineData("log.journal-plugin-id = null", "log.journal-plugin-id")]
    [InlineData("members = 3", "members")]
    [InlineData("members = null", "members")]
    [InlineData("members { 3 = null }", "members.3")]
    [InlineData("members { 3 = [a] }", "members.3")]
    [InlineData("members { 3 { a = 1 } }", "members.3")]
    public void A_value_of_the_wrong_kind_is_a_fault_like_any_other(string wrong, string key)
    {
        SwarmSettingsException refusal = Assert.Throws<SwarmSettingsException>(() => Create($"{Minimal}\n{wrong}"));

        Assert.Contains(refusal.Faults, fault => string.Equals(fault.Key, $"converge.swarm.{key}", StringComparison.Ordinal));
    }

    [Fact]
    public void Everything_that_is_wrong_is_said_at_once()
    {
        SwarmSettingsException refusal = Assert.Throws<SwarmSettingsException>(() => Create($"{Minimal}\ncluster = \"\"\nnode = 9\ntick = 1h"));

        Assert.Equal(["converge.swarm.cluster", "converge.swarm.node", "converge.swarm.tick"], refusal.Faults.Select(fault => fault.Key).Order(StringComparer.Ordinal));
    }

    private static SwarmSettings Create(string section) =>
        SwarmSettings.Create(ConfigurationFactory.ParseString($"converge.swarm {{ {section} }}").WithFallback(Swarm.DefaultConfig()).GetConfig("converge.swarm"));

    private static int CountLeaves(global::Akka.Configuration.Hocon.HoconObject parent) =>
        parent.Items.Values.Sum(value => value.IsObject() && value.GetObject().Items.Count > 0 ? CountLeaves(value.GetObject()) : 1);
}
