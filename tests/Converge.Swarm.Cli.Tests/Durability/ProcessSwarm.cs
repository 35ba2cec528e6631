using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using Converge.Core;
using Converge.Core.Json;
using Converge.Swarm.Cli.Processes;
using Converge.Swarm.Cli.Verify;
using Converge.Swarm.Ledger;
using Xunit.Sdk;

namespace Converge.Swarm.Cli.Tests.Durability;

/// <summary>Three nodes, each in a process of its own that is killed, stopped, continued and started again; in a folder that goes with them.</summary>
internal sealed class ProcessSwarm : IAsyncDisposable
{
    private readonly DirectoryInfo _folder;
    private readonly LocalSwarm _swarm;
    private readonly HashSet<LocalNode> _paused = [];
    private readonly HashSet<LocalNode> _down = [];
    private readonly List<LocalNode> _joined = [];
    private readonly List<LocalNode> _left = [];

    private ProcessSwarm(DirectoryInfo folder, LocalSwarm swarm)
    {
        _folder = folder;
        _swarm = swarm;
    }

    /// <summary>The members.</summary>
    public IReadOnlyList<LocalNode> Nodes => [.. _swarm.Nodes.Concat(_joined).Except(_left)];

    public IReadOnlyList<Uri> Urls => [.. Nodes.Select(node => node.Url)];

    public LocalSwarmLayout Layout => _swarm.Layout;

    /// <summary>True when a test ended without having put back what it broke.</summary>
    public bool IsSpoilt { get; private set; }

    /// <summary>Starts a new swarm. Elections are short, so that a test lives through many.</summary>
    /// <param name="adjust">Other settings than those.</param>
    public static async Task<ProcessSwarm> StartAsync(Func<SwarmOptions, SwarmOptions>? adjust = null)
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("converge-durability-");
        try
        {
            LocalSwarm swarm = await LocalSwarm.StartOnFreePortsAsync(
                () => LocalSwarmLayout.OnFreePorts(folder.FullName, 3) with
                {
                    Adjust = options => (adjust ?? (same => same))(options with
                    {
                        Tick = TimeSpan.FromMilliseconds(25),
                        ElectionTicks = 20,
                        RequestTimeout = TimeSpan.FromSeconds(5),
                        LogSegmentBytes = 17 * 1024 * 1024,
                        LedgerSegmentBytes = GovernanceLedgerOptions.MinSegmentBytes,
                    }),
                },
                CancellationToken.None);
            return new ProcessSwarm(folder, swarm);
        }
        catch
        {
            folder.Delete(recursive: true);
            throw;
        }
    }

    /// <summary>Runs something that breaks the swarm and puts everything back; when it does not get that far, the swarm is given up.</summary>
    public async Task BreakAsync(Func<Task> play)
    {
        IsSpoilt = true;
        await play();
        IsSpoilt = false;
    }

    /// <summary>Ends a node as a power failure would.</summary>
    public async Task KillAsync(LocalNode node)
    {
        _down.Add(node);
        await node.Process!.KillAsync();
        _paused.Remove(node);
    }

    /// <summary>
    /// Starts new nodes, which know of the members only the first, has them added together, and waits until they have their votes.
    /// </summary>
    public async Task JoinAsync(int nodes)
    {
        IReadOnlyList<MemberOptions> ports = LocalSwarmLayout.OnFreePorts(_folder.FullName, nodes).Members;
        MemberOptions[] members = [.. ports.Select(member => member with { Id = new NodeId((ulong)Layout.Members.Count + member.Id.Value) })];
        LocalSwarmLayout layout = Layout with
        {
            Folder = Path.Combine(_folder.FullName, "joining"),
            Members = [Layout.Members[0], .. members],
            Adjust = options => Layout.Adjust(options) with { Join = true },
        };
        layout.Write();
        LocalNode[] joining = [.. members.Select(member => new LocalNode(layout, member))];
        foreach (LocalNode node in joining)
        {
            node.Start();
        }

        await ChangeAsync([.. members.Select(member => MembershipStep.Add(member.Id, MemberRole.Voter, member.Peer.ToString(), $"http://{member.Http}"))]);
        _joined.AddRange(joining);
        await VotersAsync();
    }

    /// <summary>Removes members; their processes go on.</summary>
    public async Task RemoveAsync(params LocalNode[] nodes)
    {
        await ChangeAsync([.. nodes.Select(node => MembershipStep.Remove(node.Id))]);
        _left.AddRange(nodes);
        await VotersAsync();
    }

    /// <summary>Starts a node that was ended.</summary>
    public void Start(LocalNode node)
    {
        _down.Remove(node);
        node.Start();
    }

    /// <summary>Starts a node of which it is expected that it refuses.</summary>
    /// <returns>Its exit code and the last it said.</returns>
    public static async Task<(int ExitCode, string Message)> StartInVainAsync(LocalNode node)
    {
        node.Start();
        int exitCode = await Eventually.CompletesAsync($"node {node.Id} to refuse", node.Process!.Exited);
        return (exitCode, node.Process.LastLine);
    }

    public void Pause(LocalNode node)
    {
        _paused.Add(node);
        Signals.Pause(node.Process!);
    }

    public void Resume(LocalNode node)
    {
        Signals.Resume(node.Process!);
        _paused.Remove(node);
    }

    /// <summary>Asks a node to end and waits until it has.</summary>
    /// <returns>Its exit code.</returns>
    public async Task<int> AskToEndAsync(LocalNode node)
    {
        _down.Add(node);
        Signals.AskToEnd(node.Process!);
        return await Eventually.CompletesAsync($"node {node.Id} to end", node.Process!.Exited);
    }

    /// <summary>Everything runs that should, and all of it agrees.</summary>
    public async Task MakeWholeAsync()
    {
        foreach (LocalNode node in _paused.ToArray())
        {
            Resume(node);
        }

        foreach (LocalNode node in _down.ToArray())
        {
            Start(node);
        }

        await AgreeAsync();
    }

    /// <summary>The node that leads and that every node at work follows.</summary>
    /// <param name="after">Only a leader of a later term will do.</param>
    public async Task<(LocalNode Node, Term Term)> LeaderAsync(Term after = default)
    {
        SwarmStatus? leader = null;
        await Eventually.HoldsAsync(
            $"a leader after term {after}",
            async cancellation =>
            {
                SwarmStatus[] all = await StatusesAsync(cancellation);
                leader = Array.Find(all, status => status.Role == NodeRole.Leader && status.Term > after);
                return leader is not null && all.Length == AtWork.Count() && all.All(status => status.Leader == leader.Node && status.Term == leader.Term);
            },
            Describe);
        return (Nodes.Single(node => node.Id == leader!.Node), leader!.Term);
    }

    /// <summary>Waits until every node runs, has applied the same and is ready.</summary>
    public async Task<SwarmStatus[]> AgreeAsync()
    {
        SwarmStatus[] all = [];
        await Eventually.HoldsAsync(
            "all nodes to have applied the same",
            async cancellation =>
            {
                all = await StatusesAsync(cancellation);
                return all.Length == Nodes.Count
                    && all.All(status => status.Ready && status.AppliedIndex == status.LastIndex)
                    && all.Select(status => (status.AppliedIndex, status.Leader, status.Term)).Distinct().Count() == 1;
            },
            Describe);
        return all;
    }

    /// <summary>
    /// Waits until all nodes agree; then compares digests and heads, derives every ledger anew, compares the records of all nodes byte for
    /// byte and with everything a client was told.
    /// </summary>
    public async Task<LedgerHead> ProveAsync(ClientHistory? history = null)
    {
        SwarmStatus[] statuses = await AgreeAsync();
        Assert.Single(statuses.Select(status => status.Digest).Distinct());
        LedgerHead head = Assert.Single(statuses.Select(status => status.Ledger).Distinct());
        List<string> problems = [];
        byte[]? firstBytes = null;
        foreach (LocalNode node in Nodes)
        {
            List<LedgerRecord> records = [];
            using MemoryStream bytes = new();
            LedgerVerification verification = await LedgerProof.OfNodeAsync(
                node.Client,
                saved: null,
                record =>
                {
                    records.Add(record);
                    bytes.Write(LedgerRecordJson.ToUtf8(record));
                },
                CancellationToken.None);
            problems.AddRange(verification.Problems.Select(problem => $"Node {node.Id}: {problem}"));
            problems.AddRange((history?.Compare(records) ?? []).Select(problem => $"Node {node.Id}: {problem}"));
            firstBytes ??= bytes.ToArray();
            if (!bytes.ToArray().AsSpan().SequenceEqual(firstBytes))
            {
                problems.Add($"Node {node.Id} does not hold the same bytes as node {Nodes[0].Id}.");
            }

            if (verification.Head != head)
            {
                problems.Add($"Node {node.Id}: the records end with {verification.Head}, its status says {head}.");
            }
        }

        if (problems.Count > 0)
        {
            throw new XunitException(string.Join('\n', problems.Take(20).Append($"{problems.Count} problems. {Describe()}")));
        }

        return head;
    }

    /// <summary>Verifies what lies on the disk of a node that does not run: whole, and an undamaged continuation of a head.</summary>
    public static void ProveFolder(LocalNode node, LedgerHead head)
    {
        LedgerVerification verification = LedgerProof.OfFolder(node.DataFolder, head);
        Assert.Empty(verification.Problems);
        Assert.True(verification.Records >= head.Sequence, $"{node.DataFolder} holds {verification.Records} of {head.Sequence} records.");
    }

    /// <summary>What a node said on its error stream, in all its lives.</summary>
    public static string LogOf(LocalNode node)
    {
        using StreamReader log = new(new FileStream(node.LogFile, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete), Encoding.UTF8);
        return log.ReadToEnd();
    }

    public async ValueTask DisposeAsync()
    {
        foreach (LocalNode node in _joined)
        {
            await node.DisposeAsync();
        }

        await _swarm.DisposeAsync();
        _folder.Delete(recursive: true);
    }

    /// <summary>The last that each node said, for the message of a test that fails.</summary>
    public string Describe()
    {
        StringBuilder description = new();
        foreach (LocalNode node in _swarm.Nodes.Concat(_joined))
        {
            string state = _down.Contains(node) ? "down" : _paused.Contains(node) ? "paused" : node.Process is { HasExited: true } ? "ended" : "running";
            description.Append(CultureInfo.InvariantCulture, $"\nNode {node.Id} ({state}):");
            foreach (string line in LogOf(node).Split('\n', StringSplitOptions.RemoveEmptyEntries).TakeLast(12))
            {
                description.Append("\n  ").Append(line);
            }
        }

        return description.ToString();
    }

    /// <summary>Asks one member after the other until the change is made; after one that did not know, it may have been made already.</summary>
    private async Task ChangeAsync(ImmutableArray<MembershipStep> steps)
    {
        IReadOnlyList<LocalNode> asked = Nodes;
        int turn = 0;
        bool mayBeMade = false;
        MembershipOutcome? last = null;
        await Eventually.HoldsAsync(
            $"{string.Join(", ", steps)}",
            async cancellation =>
            {
                last = await asked[turn++ % asked.Count].Client.ChangeMembersAsync(steps, cancellation);
                mayBeMade |= last is MembershipChangeUnknown;
                return last is MembershipChanged
                    || (mayBeMade && last is MembershipNotChanged { Reason: MembershipRefusal.AlreadyMember or MembershipRefusal.RemovedMember });
            },
            () => $"The last answer was {last}. {Describe()}");
    }

    /// <summary>Waits until every member knows that exactly the members have votes.</summary>
    private async Task VotersAsync() => await Eventually.HoldsAsync(
        "all members to have their votes",
        async cancellation =>
        {
            IReadOnlyList<LocalNode> nodes = Nodes;
            SwarmMembers?[] all = await Task.WhenAll(nodes.Select(node => TryGetMembersAsync(node, cancellation)));
            return all.All(members => members is { Changing: false }
                && members.Members.Where(member => member.Role == MemberRole.Voter).Select(member => member.Id).SequenceEqual(nodes.Select(node => node.Id).Order())
                && members.Members.Count == nodes.Count);
        },
        Describe);

    /// <summary>What a node knows of the members, or null when it does not answer; it may have just been started.</summary>
    private static async Task<SwarmMembers?> TryGetMembersAsync(LocalNode node, CancellationToken cancellation)
    {
        try
        {
            return await node.Client.GetMembersAsync(cancellation);
        }
        catch (SwarmUnavailableException)
        {
            return null;
        }
    }

    private IEnumerable<LocalNode> AtWork => Nodes.Where(node => !_paused.Contains(node) && !_down.Contains(node));

    private async Task<SwarmStatus[]> StatusesAsync(CancellationToken cancellation)
    {
        LocalNode[] asked = [.. AtWork];
        foreach (LocalNode node in asked)
        {
            if (node.Process!.HasExited)
            {
                throw new XunitException($"Node {node.Id} ended with {await node.Process.Exited}. {Describe()}");
            }
        }

        SwarmStatus?[] statuses = await Task.WhenAll(asked.Select(node => node.TryGetStatusAsync(cancellation)));
        return [.. statuses.OfType<SwarmStatus>()];
    }
}
