using System.Globalization;
using Converge.Swarm.Ledger;

namespace Converge.Swarm;

/// <summary>The keys of the file form and, for those that are numbers, their ranges.</summary>
internal static class ConfigurationKeys
{
    public const string Cluster = "cluster";
    public const string Node = "node";
    public const string DataFolder = "data_folder";
    public const string Members = "members";
    public const string Join = "join";
    public const string MemberId = "id";
    public const string MemberPeer = "peer";
    public const string MemberHttp = "http";
    public const string LeasedReads = "leased_reads";
    public const string Projection = "projection";
    public const string ProjectionStoreName = "store";
    public const string ProjectionPostgreSql = "postgresql";
    public const string ProjectionSchema = "schema";

    private const int SectorBytes = 512;
    private const int MiB = 1024 * 1024;

    public static readonly NumberKey Tick = new(
        "tick_ms", 1, 1_000, options => (long)options.Tick.TotalMilliseconds, (options, value) => options with { Tick = TimeSpan.FromMilliseconds(value) });

    public static readonly NumberKey HeartbeatTicks = new(
        "heartbeat_ticks", 1, 1_000, options => options.HeartbeatTicks, (options, value) => options with { HeartbeatTicks = (int)value });

    public static readonly NumberKey ElectionTicks = new(
        "election_ticks", 3, 10_000, options => options.ElectionTicks, (options, value) => options with { ElectionTicks = (int)value });

    public static readonly NumberKey LeaseDriftTicks = new(
        "lease_drift_ticks", 2, 1_000, options => options.LeaseDriftTicks, (options, value) => options with { LeaseDriftTicks = (int)value });

    public static readonly NumberKey RequestTimeout = new(
        "request_timeout_ms",
        100,
        600_000,
        options => (long)options.RequestTimeout.TotalMilliseconds,
        (options, value) => options with { RequestTimeout = TimeSpan.FromMilliseconds(value) });

    public static readonly NumberKey MaxPendingCommands = new(
        "max_pending_commands", 1, 1_000_000, options => options.MaxPendingCommands, (options, value) => options with { MaxPendingCommands = (int)value });

    public static readonly NumberKey MaxUncommittedBytes = new(
        "max_uncommitted_bytes", MiB, 1024 * MiB, options => options.MaxUncommittedBytes, (options, value) => options with { MaxUncommittedBytes = (int)value });

    // A segment must have room for the largest group that is written at once, with the segment's own framing around it.
    public static readonly NumberKey LogSegmentBytes = new(
        "log_segment_bytes", 17 * MiB, 1024 * MiB, options => options.LogSegmentBytes, (options, value) => options with { LogSegmentBytes = (int)value })
    {
        Multiple = SectorBytes,
    };

    public static readonly NumberKey LedgerSegmentBytes = new(
        "ledger_segment_bytes",
        GovernanceLedgerOptions.MinSegmentBytes,
        1024 * MiB,
        options => options.LedgerSegmentBytes,
        (options, value) => options with { LedgerSegmentBytes = (int)value })
    {
        Multiple = SectorBytes,
    };

    public static readonly NumberKey SnapshotEntries = new(
        "snapshot_entries",
        10,
        100_000_000,
        options => options.Snapshots.Entries,
        (options, value) => options with { Snapshots = options.Snapshots with { Entries = (int)value } });

    public static readonly NumberKey SnapshotBytes = new(
        "snapshot_bytes",
        64 * 1024,
        64L * 1024 * MiB,
        options => options.Snapshots.Bytes,
        (options, value) => options with { Snapshots = options.Snapshots with { Bytes = value } });

    public static readonly NumberKey SnapshotKeepEntries = new(
        "snapshot_keep_entries",
        0,
        100_000_000,
        options => options.Snapshots.KeepEntries,
        (options, value) => options with { Snapshots = options.Snapshots with { KeepEntries = (int)value } });

    public static readonly NumberKey ProjectionBatchRecords = new(
        "batch_records",
        1,
        10_000,
        options => options.Projection.BatchRecords,
        (options, value) => options with { Projection = options.Projection with { BatchRecords = (int)value } });

    /// <summary>The names of the places where a projection may be kept.</summary>
    public static readonly IReadOnlyDictionary<string, ProjectionStore> ProjectionStores = new Dictionary<string, ProjectionStore>(StringComparer.Ordinal)
    {
        ["none"] = ProjectionStore.None,
        ["sqlite"] = ProjectionStore.Sqlite,
        ["postgresql"] = ProjectionStore.PostgreSql,
    };

    /// <summary>The keys that are numbers and stand at the top, all of them optional.</summary>
    public static readonly IReadOnlyList<NumberKey> Numbers =
    [
        Tick, HeartbeatTicks, ElectionTicks, LeaseDriftTicks, RequestTimeout, MaxPendingCommands, MaxUncommittedBytes, LogSegmentBytes, LedgerSegmentBytes,
        SnapshotEntries, SnapshotBytes, SnapshotKeepEntries,
    ];

    /// <summary>A setting that is a whole number.</summary>
    /// <param name="Name">Its key.</param>
    /// <param name="Least">The least value it may have.</param>
    /// <param name="Greatest">The greatest value it may have.</param>
    /// <param name="Get">Takes it from options.</param>
    /// <param name="With">Options with another value.</param>
    internal sealed record NumberKey(string Name, long Least, long Greatest, Func<SwarmOptions, long> Get, Func<SwarmOptions, long, SwarmOptions> With)
    {
        /// <summary>It must be a multiple of this.</summary>
        public int Multiple { get; init; } = 1;

        /// <summary>The values it may have, in words.</summary>
        public string Range => string.Create(
            CultureInfo.InvariantCulture, $"a {(Multiple > 1 ? string.Create(CultureInfo.InvariantCulture, $"multiple of {Multiple}") : "whole number")} from {Least} to {Greatest}");

        public bool Allows(long value) => value >= Least && value <= Greatest && value % Multiple == 0;

        public IEnumerable<ConfigurationFault> CheckRange(long value)
        {
            if (!Allows(value))
            {
                yield return new(Name, string.Create(CultureInfo.InvariantCulture, $"must be {Range}; it is {value}."));
            }
        }
    }
}
