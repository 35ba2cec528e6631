using System.Globalization;
using System.Net;
using Converge.Core;

namespace Converge.Swarm;

/// <summary>What options must be like before a node may start with them: the one place that says so, for files and for code.</summary>
public static class SwarmOptionsRules
{
    /// <summary>The greatest length of a swarm's name.</summary>
    public const int MaxClusterLength = 64;

    /// <summary>The greatest number of members: beyond it, every commit waits for more disks without surviving more.</summary>
    public const int MaxMembers = MembershipLimits.MaxMembers;

    /// <summary>An election timeout holds at least this many heartbeats, so that one late heartbeat unseats nobody.</summary>
    public const int MinHeartbeatsPerElection = 3;

    /// <summary>A lease of fewer ticks would end before the next heartbeat renews it.</summary>
    private const int MinLeaseTicks = 2;

    private const string LoopbackOnly = "HTTP and peers listen on loopback only until transport security exists";

    /// <summary>Everything that is wrong with the options; nothing when a node may start with them.</summary>
    /// <remarks>The keys are those of the file form.</remarks>
    public static IReadOnlyList<ConfigurationFault> Check(SwarmOptions options) =>
    [
        .. CheckCluster(options.Cluster),
        .. CheckDataFolder(options.DataFolder),
        .. options.Members.SelectMany((member, i) => CheckMember(MemberKey(i), member)),
        .. CheckMembers(options.Members, options.Join),
        .. CheckNode(options.Node, options.Members),
        .. ConfigurationKeys.Numbers.SelectMany(key => key.CheckRange(key.Get(options))),
        .. CheckElection(options.HeartbeatTicks, options.ElectionTicks),
        .. CheckLease(options.LeasedReads, options.LeaseDriftTicks, options.ElectionTicks),
        .. CheckSnapshots(options.Snapshots),
        .. ProjectionRules.Check(options.Projection),
        .. ProjectionRules.CheckBatch(options),
    ];

    /// <summary>The key of a member: <c>members[0]</c> and so on.</summary>
    internal static string MemberKey(int position) => string.Create(CultureInfo.InvariantCulture, $"{ConfigurationKeys.Members}[{position}]");

    internal static IEnumerable<ConfigurationFault> CheckCluster(string cluster)
    {
        if (cluster.Length is 0 or > MaxClusterLength)
        {
            yield return new(ConfigurationKeys.Cluster, $"must have 1 to {MaxClusterLength} characters.");
        }
        else if (!cluster.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.'))
        {
            yield return new(ConfigurationKeys.Cluster, "may hold only letters, digits, '-', '_' and '.'.");
        }
    }

    internal static IEnumerable<ConfigurationFault> CheckDataFolder(string dataFolder)
    {
        if (string.IsNullOrWhiteSpace(dataFolder))
        {
            yield return new(ConfigurationKeys.DataFolder, "must name a folder.");
        }
        else if (dataFolder.Contains('\0', StringComparison.Ordinal))
        {
            yield return new(ConfigurationKeys.DataFolder, "holds a character that no path may have.");
        }
    }

    internal static IEnumerable<ConfigurationFault> CheckMember(string key, MemberOptions member)
    {
        if (member.Id.IsNone || member.Id.Value > FactLimits.MaxNumber)
        {
            yield return new($"{key}.{ConfigurationKeys.MemberId}", $"must be from 1 to {FactLimits.MaxNumber}.");
        }

        foreach (ConfigurationFault fault in CheckAddress($"{key}.{ConfigurationKeys.MemberPeer}", member.Peer))
        {
            yield return fault;
        }

        if (member.Http is not null)
        {
            foreach (ConfigurationFault fault in CheckAddress($"{key}.{ConfigurationKeys.MemberHttp}", member.Http))
            {
                yield return fault;
            }
        }
    }

    /// <summary>Why a member may not be added with these addresses; null when it may.</summary>
    /// <param name="peer">Where its peers are to reach it.</param>
    /// <param name="http">Where its HTTP API is, if it was said.</param>
    internal static string? AddressObjection(string peer, string? http)
    {
        if (ConfigurationReader.ParseAddress(peer) is not { } address)
        {
            return $"'{peer}' is not an IP address and a port, such as 127.0.0.1:7104.";
        }

        if (CheckAddress("", address).FirstOrDefault() is { } fault)
        {
            return fault.Message;
        }

        if (http is null)
        {
            return null;
        }

        return Uri.TryCreate(http, UriKind.Absolute, out Uri? url) && string.Equals(url.Scheme, Uri.UriSchemeHttp, StringComparison.Ordinal)
            ? url.IsLoopback ? null : $"{http} is not a loopback address. {LoopbackOnly}."
            : $"'{http}' is not the URL of an HTTP API, such as http://127.0.0.1:7204.";
    }

    internal static IEnumerable<ConfigurationFault> CheckMembers(IReadOnlyList<MemberOptions> members, bool join)
    {
        if (members.Count is 0 or > MaxMembers)
        {
            yield return new(ConfigurationKeys.Members, $"must be 1 to {MaxMembers}; there are {members.Count}.");
        }
        else if (join && members.Count == 1)
        {
            yield return new(ConfigurationKeys.Members, $"must be this node and at least one member of the swarm that it is to join ({ConfigurationKeys.Join}).");
        }
        else if (!join && members.Count % 2 == 0)
        {
            yield return new(
                ConfigurationKeys.Members,
                $"must be an odd number; there are {members.Count}. An even number needs a larger quorum and survives no more failures.");
        }

        HashSet<NodeId> ids = [];
        Dictionary<IPEndPoint, string> addresses = [];
        for (int i = 0; i < members.Count; i++)
        {
            string key = MemberKey(i);
            if (!ids.Add(members[i].Id))
            {
                yield return new($"{key}.{ConfigurationKeys.MemberId}", $"{members[i].Id} is the id of another member too.");
            }

            foreach ((string name, IPEndPoint? address) in
                new[] { (ConfigurationKeys.MemberPeer, members[i].Peer), (ConfigurationKeys.MemberHttp, members[i].Http) })
            {
                string addressKey = $"{key}.{name}";
                if (address is not null && !addresses.TryAdd(address, addressKey))
                {
                    yield return new(addressKey, $"{address} is taken by {addresses[address]}.");
                }
            }
        }
    }

    internal static IEnumerable<ConfigurationFault> CheckNode(NodeId node, IReadOnlyList<MemberOptions> members)
    {
        if (members.Count > 0 && members.All(member => member.Id != node))
        {
            yield return new(ConfigurationKeys.Node, $"{node} is not among the members ({string.Join(", ", members.Select(member => member.Id))}).");
        }
    }

    internal static IEnumerable<ConfigurationFault> CheckElection(int heartbeatTicks, int electionTicks)
    {
        if (electionTicks < (long)heartbeatTicks * MinHeartbeatsPerElection)
        {
            yield return new(
                ConfigurationKeys.ElectionTicks.Name,
                $"must be at least {MinHeartbeatsPerElection} times {ConfigurationKeys.HeartbeatTicks.Name} ({heartbeatTicks}), or a late heartbeat unseats the leader; it is {electionTicks}.");
        }
    }

    internal static IEnumerable<ConfigurationFault> CheckLease(bool leasedReads, int driftTicks, int electionTicks)
    {
        if (leasedReads && driftTicks > electionTicks - MinLeaseTicks)
        {
            yield return new(
                ConfigurationKeys.LeaseDriftTicks.Name,
                $"must leave at least {MinLeaseTicks} ticks of {ConfigurationKeys.ElectionTicks.Name} ({electionTicks}) to a lease; it is {driftTicks}.");
        }
    }

    internal static IEnumerable<ConfigurationFault> CheckSnapshots(SnapshotOptions snapshots)
    {
        if (snapshots.KeepEntries > snapshots.Entries)
        {
            yield return new(
                ConfigurationKeys.SnapshotKeepEntries.Name,
                $"must be at most {ConfigurationKeys.SnapshotEntries.Name} ({snapshots.Entries}), or a snapshot would free nothing; it is {snapshots.KeepEntries}.");
        }
    }

    private static IEnumerable<ConfigurationFault> CheckAddress(string key, IPEndPoint address)
    {
        if (!IPAddress.IsLoopback(address.Address))
        {
            yield return new(key, $"{address} is not a loopback address. {LoopbackOnly}.");
        }

        if (address.Port == 0)
        {
            yield return new(key, "must name a port from 1 to 65535.");
        }
    }
}
