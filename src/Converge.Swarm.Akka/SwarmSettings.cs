using System.Collections.Frozen;
using System.Globalization;
using Akka.Actor;
using Akka.Configuration;
using Akka.Configuration.Hocon;
using Converge.Core;

namespace Converge.Swarm.Akka;

/// <summary>The settings of a node in an ActorSystem: the section <c>converge.swarm</c>, read and checked. Immutable.</summary>
/// <remarks>What each means, and its default, is written in <c>reference.conf</c> (<see cref="Swarm.DefaultConfig"/>).</remarks>
public sealed class SwarmSettings
{
    /// <summary>The path of the section in an ActorSystem's configuration.</summary>
    public const string Section = "converge.swarm";

    private SwarmSettings(SettingsReader reader)
    {
        Cluster = reader.Text("cluster");
        Node = new NodeId((ulong)reader.Number("node", 0, (long)FactLimits.MaxNumber));
        DataFolder = reader.Text("data-folder");
        Members = reader.Members("members");
        Tick = reader.Time("tick", ConfigurationKeys.Tick.Least, ConfigurationKeys.Tick.Greatest);
        HeartbeatTicks = (int)reader.Number("heartbeat-ticks", ConfigurationKeys.HeartbeatTicks.Least, ConfigurationKeys.HeartbeatTicks.Greatest);
        ElectionTicks = (int)reader.Number("election-ticks", ConfigurationKeys.ElectionTicks.Least, ConfigurationKeys.ElectionTicks.Greatest);
        LeasedReads = reader.Flag("leased-reads");
        LeaseDriftTicks = (int)reader.Number("lease-drift-ticks", ConfigurationKeys.LeaseDriftTicks.Least, ConfigurationKeys.LeaseDriftTicks.Greatest);
        RequestTimeout = reader.Time("request-timeout", ConfigurationKeys.RequestTimeout.Least, ConfigurationKeys.RequestTimeout.Greatest);
        MaxPendingCommands = (int)reader.Number("max-pending-commands", ConfigurationKeys.MaxPendingCommands.Least, ConfigurationKeys.MaxPendingCommands.Greatest);
        MaxUncommittedBytes = (int)reader.Bytes("max-uncommitted-bytes", ConfigurationKeys.MaxUncommittedBytes.Least, ConfigurationKeys.MaxUncommittedBytes.Greatest);
        MaxMessageBytes = (int)reader.Bytes("max-message-bytes", MinMessageBytes, MaxMaxMessageBytes);
        LedgerSegmentBytes = (int)reader.Bytes("ledger-segment-bytes", ConfigurationKeys.LedgerSegmentBytes.Least, ConfigurationKeys.LedgerSegmentBytes.Greatest);
        Snapshots = new SnapshotOptions
        {
            Entries = (int)reader.Number("snapshot.entries", ConfigurationKeys.SnapshotEntries.Least, ConfigurationKeys.SnapshotEntries.Greatest),
            Bytes = reader.Bytes("snapshot.bytes", ConfigurationKeys.SnapshotBytes.Least, ConfigurationKeys.SnapshotBytes.Greatest),
            KeepEntries = (int)reader.Number("snapshot.keep-entries", ConfigurationKeys.SnapshotKeepEntries.Least, ConfigurationKeys.SnapshotKeepEntries.Greatest),
        };
        Dispatcher = reader.Text("use-dispatcher");
        MaxBufferedRequests = (int)reader.Number("client.max-buffered-requests", 1, 1_000_000);
        Log = new LogSettings(reader);
        CheckTogether(reader);
    }

    private const long MinMessageBytes = 32 * 1024;
    private const long MaxMaxMessageBytes = 8 * 1024 * 1024;

    /// <summary>The swarm's name.</summary>
    public string Cluster { get; }

    /// <summary>This node.</summary>
    public NodeId Node { get; }

    /// <summary>Where this node keeps its files.</summary>
    public string DataFolder { get; }

    /// <summary>All members, this one included, with the addresses of their ActorSystems.</summary>
    public IReadOnlyDictionary<NodeId, Address> Members { get; }

    /// <summary>The members as addresses, by ascending id.</summary>
    internal IReadOnlyList<MemberAddress> Addresses =>
        [.. Members.OrderBy(member => member.Key).Select(member => new MemberAddress(member.Key, member.Value.ToString(), null, false))];

    /// <summary>The length of a tick.</summary>
    public TimeSpan Tick { get; }

    /// <summary>A leader's heartbeat, in ticks.</summary>
    public int HeartbeatTicks { get; }

    /// <summary>The shortest time without a leader before an election, in ticks.</summary>
    public int ElectionTicks { get; }

    /// <summary>The shortest time without a leader before an election.</summary>
    public TimeSpan ElectionTimeout => Tick * ElectionTicks;

    /// <summary>Whether reads are served from leases to those who ask for it.</summary>
    public bool LeasedReads { get; }

    /// <summary>By how many ticks a lease is shorter than the shortest election timeout.</summary>
    public int LeaseDriftTicks { get; }

    /// <summary>How long a request waits before its outcome is called unknown.</summary>
    public TimeSpan RequestTimeout { get; }

    /// <summary>The greatest number of client commands waiting on this node.</summary>
    public int MaxPendingCommands { get; }

    /// <summary>The greatest number of bytes in uncommitted entries.</summary>
    public int MaxUncommittedBytes { get; }

    /// <summary>The greatest size in bytes of entries or commands in one message to a member.</summary>
    public int MaxMessageBytes { get; }

    /// <summary>The size in bytes of a segment file of the ledger.</summary>
    public int LedgerSegmentBytes { get; }

    /// <summary>When a snapshot is taken, and what stays in the log behind it.</summary>
    public SnapshotOptions Snapshots { get; }

    /// <summary>The dispatcher of all actors but the log's.</summary>
    public string Dispatcher { get; }

    /// <summary>The greatest number of requests that wait for a leader to be known.</summary>
    public int MaxBufferedRequests { get; }

    /// <summary>The log's settings.</summary>
    public LogSettings Log { get; }

    /// <summary>Reads the section and checks it.</summary>
    /// <param name="config">The section <c>converge.swarm</c> with its defaults behind it.</param>
    /// <exception cref="SwarmSettingsException">Something is wrong; it names everything that is.</exception>
    public static SwarmSettings Create(Config config)
    {
        ArgumentNullException.ThrowIfNull(config);
        var reader = new SettingsReader(config);
        var settings = new SwarmSettings(reader);
        reader.ThrowIfFaulty();
        return settings;
    }

    private void CheckTogether(SettingsReader reader)
    {
        reader.Add(SwarmOptionsRules.CheckSnapshots(Snapshots), "snapshot.keep-entries");
        reader.Add(SwarmOptionsRules.CheckCluster(Cluster), "cluster");
        reader.Add(SwarmOptionsRules.CheckDataFolder(DataFolder), "data-folder");
        if (Members.Count is 0 or > SwarmOptionsRules.MaxMembers)
        {
            reader.Add("members", $"must be 1 to {SwarmOptionsRules.MaxMembers}; there are {Members.Count}.");
        }
        else if (Members.Count % 2 == 0)
        {
            reader.Add("members", $"must be an odd number; there are {Members.Count}. An even number needs a larger quorum and survives no more failures.");
        }

        if (!Members.ContainsKey(Node))
        {
            reader.Add("node", $"{Node} is not among the members ({string.Join(", ", Members.Keys.Order())}).");
        }

        foreach (IGrouping<Address, NodeId> shared in Members.GroupBy(member => member.Value, member => member.Key).Where(group => group.Count() > 1))
        {
            reader.Add("members", $"{string.Join(" and ", shared.Order())} have the same address {shared.Key}.");
        }

        if (ElectionTicks < (long)HeartbeatTicks * SwarmOptionsRules.MinHeartbeatsPerElection)
        {
            reader.Add(
                "election-ticks",
                $"must be at least {SwarmOptionsRules.MinHeartbeatsPerElection} times heartbeat-ticks ({HeartbeatTicks}), or a late heartbeat unseats the leader; it is {ElectionTicks}.");
        }

        reader.Add(SwarmOptionsRules.CheckLease(LeasedReads, LeaseDriftTicks, ElectionTicks), "lease-drift-ticks");
    }

    /// <summary>The settings of the log.</summary>
    public sealed class LogSettings
    {
        internal LogSettings(SettingsReader reader)
        {
            JournalPluginId = reader.Text("log.journal-plugin-id");
            Dispatcher = reader.Text("log.use-dispatcher");
            MinBackoff = reader.Time("log.restart.min-backoff", 1, 60_000);
            MaxBackoff = reader.Time("log.restart.max-backoff", 1, 600_000);
            RandomFactor = reader.Factor("log.restart.random-factor");
            DeletionSlice = (int)reader.Number("log.deletion-slice", 1, 100_000);
            if (MaxBackoff < MinBackoff)
            {
                reader.Add("log.restart.max-backoff", "must not be less than log.restart.min-backoff.");
            }
        }

        /// <summary>The path of the journal of the reference configuration.</summary>
        public const string OwnJournal = Section + ".log.journal";

        /// <summary>The Akka.Persistence journal that holds the log.</summary>
        public string JournalPluginId { get; }

        /// <summary>The dispatcher of the log's actor.</summary>
        public string Dispatcher { get; }

        /// <summary>The pause before the log's actor recovers after a first failure.</summary>
        public TimeSpan MinBackoff { get; }

        /// <summary>The longest such pause.</summary>
        public TimeSpan MaxBackoff { get; }

        /// <summary>By what part a pause may be longer by chance.</summary>
        public double RandomFactor { get; }

        /// <summary>How many events are deleted at a time.</summary>
        public int DeletionSlice { get; }
    }
}

/// <summary>The configuration of a swarm's node is wrong. Nothing was started.</summary>
public sealed class SwarmSettingsException : Exception
{
    internal SwarmSettingsException(IReadOnlyList<ConfigurationFault> faults)
        : base(string.Join(Environment.NewLine, faults.Select(fault => fault.ToString())))
    {
        Faults = faults;
    }

    /// <summary>Everything that is wrong; the keys are full paths.</summary>
    public IReadOnlyList<ConfigurationFault> Faults { get; }
}

/// <summary>Reads settings and gathers what is wrong with them, so that one look mends all.</summary>
internal sealed class SettingsReader(Config config)
{
    private readonly List<ConfigurationFault> _faults = [];

    public string Text(string key) => Read(key, path => config.GetString(path), "");

    public long Number(string key, long least, long greatest) => InRange(key, Read(key, path => config.GetLong(path), least), least, greatest, "");

    public bool Flag(string key) => Read(key, path => config.GetBoolean(path), false);

    public long Bytes(string key, long least, long greatest) => InRange(key, Read(key, path => config.GetByteSize(path) ?? 0, least), least, greatest, " bytes");

    public TimeSpan Time(string key, long leastMilliseconds, long greatestMilliseconds)
    {
        TimeSpan time = Read(key, path => config.GetTimeSpan(path, null, allowInfinite: false), TimeSpan.FromMilliseconds(leastMilliseconds));
        return TimeSpan.FromMilliseconds(InRange(key, (long)time.TotalMilliseconds, leastMilliseconds, greatestMilliseconds, " ms"));
    }

    public double Factor(string key)
    {
        double factor = Read(key, path => config.GetDouble(path), 0.0);
        if (factor is not (>= 0 and <= 1))
        {
            Add(key, string.Create(CultureInfo.InvariantCulture, $"must be from 0 to 1; it is {factor}."));
        }

        return factor;
    }

    public FrozenDictionary<NodeId, Address> Members(string key)
    {
        Dictionary<NodeId, Address> members = [];
        HoconValue? value = config.GetValue(key);
        if (value is null || !value.IsObject())
        {
            Add(key, "must map the number of each member to the address of its ActorSystem.");
            return members.ToFrozenDictionary();
        }

        foreach ((string number, HoconValue address) in value.GetObject().Items)
        {
            string memberKey = $"{key}.{number}";
            if (!ulong.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out ulong id) || id is 0 or > FactLimits.MaxNumber)
            {
                Add(memberKey, $"a member's number must be from 1 to {FactLimits.MaxNumber}.");
            }
            else if (address.GetString() is not { } text || !ActorPath.TryParseAddress(text, out Address parsed))
            {
                Add(memberKey, "must be the address of an ActorSystem, as \"akka.tcp://system@host:port\".");
            }
            else if (!members.TryAdd(new NodeId(id), parsed))
            {
                Add(memberKey, $"member {id} is there twice.");
            }
        }

        return members.ToFrozenDictionary();
    }

    public void Add(string key, string message) => _faults.Add(new ConfigurationFault($"{SwarmSettings.Section}.{key}", message));

    public void Add(IEnumerable<ConfigurationFault> faults, string key)
    {
        foreach (ConfigurationFault fault in faults)
        {
            Add(key, fault.Message);
        }
    }

    public void ThrowIfFaulty()
    {
        if (_faults.Count > 0)
        {
            throw new SwarmSettingsException(_faults);
        }
    }

    private T Read<T>(string key, Func<string, T> read, T otherwise)
    {
        if (!config.HasPath(key))
        {
            Add(key, "is missing; the reference configuration must stand behind the application's.");
            return otherwise;
        }

        if (config.GetString(key) is null)
        {
            // What reads numbers, times and sizes would trip over it.
            Add(key, "must be one value; it is null, a list or a section.");
            return otherwise;
        }

        try
        {
            return read(key);
        }
        catch (Exception e) when (e is FormatException or OverflowException or InvalidOperationException or NotSupportedException or ConfigurationException)
        {
            Add(key, $"cannot be understood: {e.Message}");
            return otherwise;
        }
    }

    private long InRange(string key, long value, long least, long greatest, string unit)
    {
        if (value < least || value > greatest)
        {
            Add(key, string.Create(CultureInfo.InvariantCulture, $"must be from {least} to {greatest}{unit}; it is {value}."));
        }

        return value;
    }
}
