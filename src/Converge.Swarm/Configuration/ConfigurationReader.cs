using System.Globalization;
using System.Net;
using System.Text.Json;
using Converge.Core;

namespace Converge.Swarm;

/// <summary>
/// Reads the file form of the options. Goes on after a fault, so that a person sees all of them at once; a rule that looks at several
/// keys is tried only when each of them could be read.
/// </summary>
/// <param name="folder">What a relative data folder is relative to.</param>
internal sealed class ConfigurationReader(string folder)
{
    private static readonly JsonDocumentOptions Json = new()
    {
        CommentHandling = JsonCommentHandling.Skip,
        AllowTrailingCommas = true,
        MaxDepth = 8,
    };

    private static readonly string[] Keys =
    [
        ConfigurationKeys.Cluster, ConfigurationKeys.Node, ConfigurationKeys.DataFolder, ConfigurationKeys.Members, ConfigurationKeys.Join,
        ConfigurationKeys.LeasedReads, ConfigurationKeys.Projection,
        .. ConfigurationKeys.Numbers.Select(key => key.Name),
    ];

    private static readonly string[] MemberKeys = [ConfigurationKeys.MemberId, ConfigurationKeys.MemberPeer, ConfigurationKeys.MemberHttp];

    private static readonly string[] ProjectionKeys =
    [
        ConfigurationKeys.ProjectionStoreName, ConfigurationKeys.ProjectionPostgreSql, ConfigurationKeys.ProjectionSchema,
        ConfigurationKeys.ProjectionBatchRecords.Name,
    ];

    private readonly List<ConfigurationFault> _faults = [];

    public SwarmConfiguration Read(ReadOnlyMemory<byte> json, NodeId? node, string? dataFolder)
    {
        if (json.Span.StartsWith("\uFEFF"u8))
        {
            json = json["\uFEFF"u8.Length..];
        }

        JsonDocument document;
        try
        {
            document = JsonDocument.Parse(json, Json);
        }
        catch (JsonException fault)
        {
            return new SwarmConfiguration(null, [new("", NotJson(fault))]);
        }

        using (document)
        {
            SwarmOptions? options = null;
            try
            {
                options = document.RootElement.ValueKind == JsonValueKind.Object
                    ? Read(document.RootElement, node, dataFolder)
                    : Fault<SwarmOptions>("", "The file must hold one JSON object.");
            }
            catch (InvalidOperationException)
            {
                // The parser looks into a text only when it is asked for.
                Fault<SwarmOptions>("", "The file holds a text that is not valid Unicode.");
            }

            return _faults.Count == 0 ? new SwarmConfiguration(options, []) : new SwarmConfiguration(null, _faults);
        }
    }

    private static string NotJson(JsonException fault) => string.Create(
        CultureInfo.InvariantCulture,
        $"Not JSON: something is wrong at line {(fault.LineNumber ?? 0) + 1}, byte {(fault.BytePositionInLine ?? 0) + 1}.");

    private SwarmOptions Read(JsonElement root, NodeId? node, string? dataFolder)
    {
        Dictionary<string, JsonElement> values = ReadKeys("", root, Keys);

        string? cluster = Text(values, ConfigurationKeys.Cluster, required: true);
        Check(cluster, SwarmOptionsRules.CheckCluster);

        NodeId? ownNode = node ?? Id(values, ConfigurationKeys.Node, ConfigurationKeys.Node, required: true);

        string? ownFolder = dataFolder ?? Text(values, ConfigurationKeys.DataFolder, required: true);
        Check(ownFolder, SwarmOptionsRules.CheckDataFolder);

        bool join = Flag(values, ConfigurationKeys.Join);
        IReadOnlyList<MemberOptions>? members = Members(values);
        if (members is not null)
        {
            _faults.AddRange(SwarmOptionsRules.CheckMembers(members, join));
            if (ownNode is { } own)
            {
                _faults.AddRange(SwarmOptionsRules.CheckNode(own, members));
            }
        }

        SwarmOptions options = new()
        {
            Cluster = cluster ?? "",
            Node = ownNode ?? NodeId.None,
            DataFolder = "",
            Members = members ?? [],
            Join = join,
            LeasedReads = Flag(values, ConfigurationKeys.LeasedReads),
        };
        options = Projection(values, Numbers(values, options));
        return _faults.Count == 0 ? options with { DataFolder = FolderOf(ownFolder!, options.Node) } : options;
    }

    private string FolderOf(string dataFolder, NodeId node) =>
        Path.GetFullPath(dataFolder.Replace(SwarmConfiguration.NodePlaceholder, node.ToString(), StringComparison.Ordinal), folder);

    private SwarmOptions Numbers(Dictionary<string, JsonElement> values, SwarmOptions options)
    {
        HashSet<string> unread = new(StringComparer.Ordinal);
        foreach (ConfigurationKeys.NumberKey key in ConfigurationKeys.Numbers)
        {
            if (!TryNumber(values, "", key, ref options))
            {
                unread.Add(key.Name);
            }
        }

        if (!unread.Contains(ConfigurationKeys.HeartbeatTicks.Name) && !unread.Contains(ConfigurationKeys.ElectionTicks.Name))
        {
            _faults.AddRange(SwarmOptionsRules.CheckElection(options.HeartbeatTicks, options.ElectionTicks));
        }

        if (!unread.Contains(ConfigurationKeys.LeaseDriftTicks.Name) && !unread.Contains(ConfigurationKeys.ElectionTicks.Name))
        {
            _faults.AddRange(SwarmOptionsRules.CheckLease(options.LeasedReads, options.LeaseDriftTicks, options.ElectionTicks));
        }

        if (!unread.Contains(ConfigurationKeys.SnapshotEntries.Name) && !unread.Contains(ConfigurationKeys.SnapshotKeepEntries.Name))
        {
            _faults.AddRange(SwarmOptionsRules.CheckSnapshots(options.Snapshots));
        }

        return options;
    }

    /// <summary>Takes over a number that is there. False when it cannot be what it is.</summary>
    private bool TryNumber(Dictionary<string, JsonElement> values, string prefix, ConfigurationKeys.NumberKey key, ref SwarmOptions options)
    {
        if (!values.TryGetValue(key.Name, out JsonElement value))
        {
            return true;
        }

        if (value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out long number) && key.Allows(number))
        {
            options = key.With(options, number);
            return true;
        }

        Fault<long>(prefix + key.Name, $"must be {key.Range}; it is {Shown(value)}.");
        return false;
    }

    private SwarmOptions Projection(Dictionary<string, JsonElement> root, SwarmOptions options)
    {
        if (!root.TryGetValue(ConfigurationKeys.Projection, out JsonElement element))
        {
            return options;
        }

        if (element.ValueKind != JsonValueKind.Object)
        {
            Fault<string>(ConfigurationKeys.Projection, $"must be an object with {string.Join(", ", ProjectionKeys)}; it is {Shown(element)}.");
            return options;
        }

        const string Prefix = $"{ConfigurationKeys.Projection}.";
        int before = _faults.Count;
        Dictionary<string, JsonElement> values = ReadKeys(Prefix, element, ProjectionKeys);
        ProjectionOptions projection = options.Projection;
        projection = projection with
        {
            Store = StoreOf(values) ?? projection.Store,
            PostgreSql = Text(values, ConfigurationKeys.ProjectionPostgreSql, required: false, Prefix),
            Schema = Text(values, ConfigurationKeys.ProjectionSchema, required: false, Prefix) ?? projection.Schema,
        };
        options = options with { Projection = projection };
        TryNumber(values, Prefix, ConfigurationKeys.ProjectionBatchRecords, ref options);
        if (_faults.Count == before)
        {
            _faults.AddRange(ProjectionRules.Check(options.Projection));
        }

        return options;
    }

    private ProjectionStore? StoreOf(Dictionary<string, JsonElement> values)
    {
        if (!values.TryGetValue(ConfigurationKeys.ProjectionStoreName, out JsonElement value))
        {
            return null;
        }

        if (value.ValueKind == JsonValueKind.String && ConfigurationKeys.ProjectionStores.TryGetValue(value.GetString()!, out ProjectionStore store))
        {
            return store;
        }

        Fault<string>(
            $"{ConfigurationKeys.Projection}.{ConfigurationKeys.ProjectionStoreName}",
            $"must be one of {string.Join(", ", ConfigurationKeys.ProjectionStores.Keys)}; it is {Shown(value)}.");
        return null;
    }

    /// <summary>The members, or null when one of them cannot be read.</summary>
    private List<MemberOptions>? Members(Dictionary<string, JsonElement> values)
    {
        if (!values.TryGetValue(ConfigurationKeys.Members, out JsonElement list))
        {
            return Fault<List<MemberOptions>>(ConfigurationKeys.Members, "is missing.");
        }

        if (list.ValueKind != JsonValueKind.Array)
        {
            return Fault<List<MemberOptions>>(ConfigurationKeys.Members, $"must be a list; it is {Shown(list)}.");
        }

        List<MemberOptions> members = [];
        bool complete = true;
        int position = 0;
        foreach (JsonElement element in list.EnumerateArray())
        {
            MemberOptions? member = Member(SwarmOptionsRules.MemberKey(position++), element);
            if (member is null)
            {
                complete = false;
            }
            else
            {
                members.Add(member);
            }
        }

        return complete ? members : null;
    }

    private MemberOptions? Member(string key, JsonElement element)
    {
        if (element.ValueKind != JsonValueKind.Object)
        {
            return Fault<MemberOptions>(key, $"must be an object with {string.Join(", ", MemberKeys)}; it is {Shown(element)}.");
        }

        int before = _faults.Count;
        Dictionary<string, JsonElement> values = ReadKeys($"{key}.", element, MemberKeys);
        NodeId? id = Id(values, ConfigurationKeys.MemberId, $"{key}.{ConfigurationKeys.MemberId}", required: true);
        IPEndPoint? peer = Address(values, ConfigurationKeys.MemberPeer, key, required: true);
        IPEndPoint? http = Address(values, ConfigurationKeys.MemberHttp, key, required: false);
        if (id is null || peer is null || _faults.Count > before)
        {
            return null;
        }

        MemberOptions member = new(id.Value, peer, http);
        _faults.AddRange(SwarmOptionsRules.CheckMember(key, member));
        return member;
    }

    private Dictionary<string, JsonElement> ReadKeys(string prefix, JsonElement element, string[] known)
    {
        Dictionary<string, JsonElement> values = new(StringComparer.Ordinal);
        foreach (JsonProperty property in element.EnumerateObject())
        {
            if (!known.Contains(property.Name, StringComparer.Ordinal))
            {
                Fault<string>(prefix + property.Name, $"is not a key; there are {string.Join(", ", known)}.");
            }
            else if (!values.TryAdd(property.Name, property.Value))
            {
                Fault<string>(prefix + property.Name, "is there twice.");
            }
        }

        return values;
    }

    private string? Text(Dictionary<string, JsonElement> values, string key, bool required, string prefix = "")
    {
        if (!values.TryGetValue(key, out JsonElement value))
        {
            return required ? Fault<string>(prefix + key, "is missing.") : null;
        }

        return value.ValueKind == JsonValueKind.String
            ? value.GetString()
            : Fault<string>(prefix + key, $"must be a text; it is {Shown(value)}.");
    }

    private bool Flag(Dictionary<string, JsonElement> values, string key)
    {
        if (!values.TryGetValue(key, out JsonElement value))
        {
            return false;
        }

        return value.ValueKind is JsonValueKind.True or JsonValueKind.False
            ? value.GetBoolean()
            : Fault<bool>(key, $"must be true or false; it is {Shown(value)}.");
    }

    private NodeId? Id(Dictionary<string, JsonElement> values, string name, string key, bool required)
    {
        if (!values.TryGetValue(name, out JsonElement value))
        {
            if (required)
            {
                Fault<string>(key, "is missing.");
            }

            return null;
        }

        if (value.ValueKind == JsonValueKind.Number && value.TryGetUInt64(out ulong id) && id is >= 1 and <= FactLimits.MaxNumber)
        {
            return new NodeId(id);
        }

        Fault<string>(key, $"must be a whole number from 1 to {FactLimits.MaxNumber}; it is {Shown(value)}.");
        return null;
    }

    private IPEndPoint? Address(Dictionary<string, JsonElement> values, string name, string memberKey, bool required)
    {
        string key = $"{memberKey}.{name}";
        if (!values.TryGetValue(name, out JsonElement value))
        {
            return required ? Fault<IPEndPoint>(key, "is missing.") : null;
        }

        return value.ValueKind == JsonValueKind.String && ParseAddress(value.GetString()!) is { } address
            ? address
            : Fault<IPEndPoint>(key, $"must be an IP address and a port, such as \"127.0.0.1:7101\"; it is {Shown(value)}.");
    }

    /// <summary>An IP address, or localhost, and a port; null when it is something else.</summary>
    internal static IPEndPoint? ParseAddress(string text)
    {
        int colon = text.LastIndexOf(':');
        if (colon <= 0 || !ushort.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out ushort port))
        {
            return null;
        }

        string host = text[..colon];
        if (string.Equals(host, "localhost", StringComparison.OrdinalIgnoreCase))
        {
            return new IPEndPoint(IPAddress.Loopback, port);
        }

        // .NET also takes "1" for 0.0.0.1 and an IPv6 address without brackets; neither is what anyone means before a port.
        bool bracketed = host.StartsWith('[') && host.EndsWith(']');
        bool dotted = host.Count(c => c == '.') == 3;
        return (bracketed || dotted) && IPAddress.TryParse(host, out IPAddress? address) ? new IPEndPoint(address, port) : null;
    }

    private void Check(string? value, Func<string, IEnumerable<ConfigurationFault>> rule)
    {
        if (value is not null)
        {
            _faults.AddRange(rule(value));
        }
    }

    private static string Shown(JsonElement value)
    {
        const int Longest = 60;
        string text = value.GetRawText().ReplaceLineEndings(" ");
        return text.Length <= Longest ? text : $"{text.AsSpan(0, Longest)}…";
    }

    private T? Fault<T>(string key, string message)
    {
        _faults.Add(new ConfigurationFault(key, message));
        return default;
    }
}
