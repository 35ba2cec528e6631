using System.Globalization;
using System.Text.RegularExpressions;
using Converge.Core;
using Converge.Swarm.Cli.Processes;
using Converge.Swarm.Ledger;
using Converge.Swarm.Storage;
using Xunit.Sdk;

namespace Converge.Swarm.Cli.Tests.Durability;

/// <summary>Files that are not what was written.</summary>
[Collection(DurabilityCollection.Name)]
public sealed partial class DamageTests(SharedSwarm shared)
{
    private const int LargeFacts = 48;
    private const int LargeBatchesInASegment = 4;

    /// <summary>One way to damage a node's files.</summary>
    /// <param name="What">In words.</param>
    /// <param name="Path">The file.</param>
    /// <param name="From">The least offset at which the node may find it.</param>
    /// <param name="To">The greatest.</param>
    /// <param name="Do">Does it.</param>
    private sealed record Harm(string What, string Path, long From, long To, Func<string, Damage> Do);

    [Fact]
    public async Task Damage_of_any_kind_to_a_stopped_nodes_files_is_refused_with_file_and_offset_and_the_others_go_on()
    {
        ProcessSwarm swarm = await shared.WholeAsync();
        (LocalNode leader, _) = await swarm.LeaderAsync();
        LocalNode node = swarm.Nodes.First(other => other != leader);

        // Together more than one segment of the ledger holds, so that there is a sealed one.
        for (int i = 0; i < LargeBatchesInASegment; i++)
        {
            Assert.All(await leader.Client.CommitAsync(LargeBatch()), answer => Assert.IsType<FactAccepted>(answer));
        }

        await using ClientLoad load = await ClientLoad.StartAsync(swarm);
        await swarm.BreakAsync(async () =>
        {
            await swarm.KillAsync(node);
            foreach (Harm harm in HarmTo(node))
            {
                await AssertRefusedAsync(node, harm);
            }

            await load.GoesOnAsync();
            swarm.Start(node);
            await swarm.ProveAsync(await load.FinishAsync());
        });
    }

    [SignalFact]
    public async Task A_leader_whose_last_write_was_torn_says_what_it_cut_and_catches_up()
    {
        ProcessSwarm swarm = await shared.WholeAsync();
        await swarm.BreakAsync(async () =>
        {
            FactSubmission[] batch = LargeBatch();
            (LocalNode leader, Task<IReadOnlyList<CommitAnswer>> submitted) = await WriteOnALeaderAloneAsync(swarm, batch);
            await swarm.KillAsync(leader);
            ClientHistory history = new(batch[0].Fact.ProposalId[..8]);
            foreach ((FactSubmission fact, CommitAnswer answer) in batch.Zip(await submitted))
            {
                history.KeepAnonymous(fact, answer);
            }

            // The write was under way, and nobody was told of it: the second half of its sectors never reached the disk.
            SegmentFile log = LogOf(leader);
            SegmentFile.Group last = log.Groups[^1];
            Assert.True(last.Bytes > 100 * SegmentFile.SectorBytes, log.ToString());
            long torn = last.SecondSector + (last.Bytes / 2 / SegmentFile.SectorBytes * SegmentFile.SectorBytes);
            SegmentFile.Clear(log.Path, torn, last.End);

            foreach (LocalNode other in swarm.Nodes.Where(other => other != leader))
            {
                swarm.Resume(other);
            }

            await swarm.LeaderAsync();
            await using ClientLoad load = await ClientLoad.StartAsync(swarm);
            swarm.Start(leader);
            await swarm.ProveAsync(await load.FinishAsync());
            await swarm.ProveAsync(history);

            Assert.Contains(
                string.Create(CultureInfo.InvariantCulture, $"A torn tail was cut off {log.Path} at offset {last.Offset}"), ProcessSwarm.LogOf(leader));
        });
    }

    [Fact]
    public async Task A_node_that_lost_what_it_had_acknowledged_ends_and_the_others_go_on()
    {
        ProcessSwarm swarm = await shared.WholeAsync();
        await swarm.BreakAsync(async () =>
        {
            (int ExitCode, string Message)? ended = null;
            await Eventually.HoldsAsync(
                "a node that its leader caught without what it had acknowledged",
                async _ =>
                {
                    ended = await LoseWhatWasAcknowledgedAsync(swarm);
                    return ended is not null;
                },
                swarm.Describe);

            Assert.Equal(ExitCode.Damaged, ended!.Value.ExitCode);
            Assert.Contains("its data must be replaced from the others", ended.Value.Message);
            await swarm.ProveAsync();
        });
    }

    private static IReadOnlyList<Harm> HarmTo(LocalNode node)
    {
        SegmentFile log = LogOf(node);
        SegmentFile.Group some = log.Groups[log.Groups.Count / 2];
        SegmentFile.Group last = log.Groups[^1];
        IReadOnlyList<SegmentFile> ledger = SegmentFile.In(Path.Combine(node.DataFolder, GovernanceLedger.Purpose));
        SegmentFile first = ledger[0];
        SegmentFile newest = ledger.Last(segment => segment.Groups.Count > 0);
        SegmentFile.Group firstRecords = first.Groups[0];
        SegmentFile.Group newestRecords = newest.Groups[^1];
        Assert.True(first.IsSealed && first != newest, string.Join('\n', ledger));
        return
        [
            new("a byte of the log's header", log.Path, 0, SegmentFile.SectorBytes, path => Damage.Flip(path, 20)),
            new("a byte of a group's header in the log", log.Path, some.Offset, some.End, path => Damage.Flip(path, some.Offset + 9)),
            new("a byte of an entry in the log", log.Path, some.Offset, some.End, path => Damage.Flip(path, some.Offset + 40)),
            new("a byte of what was written last to the log", log.Path, last.Offset, last.End, path => Damage.Flip(path, last.Offset + 40)),
            new("the log cut in the middle", log.Path, some.Offset, some.Offset, path => Damage.Cut(path, some.Offset)),
            new("the log cut to nothing", log.Path, 0, 0, path => Damage.Cut(path, 0)),
            new("no log", log.Path, 0, 0, Damage.Remove),
            new("a byte of a sealed part of the ledger", first.Path, firstRecords.Offset, firstRecords.End, path => Damage.Flip(path, firstRecords.Offset + 60)),
            new("a byte of the ledger's last records", newest.Path, newestRecords.Offset, newestRecords.End, path => Damage.Flip(path, newestRecords.Offset + 60)),
            new("a sealed part of the ledger cut", first.Path, 1024, 1024, path => Damage.Cut(path, 1024)),
            new("the beginning of the ledger gone", first.Path, 0, 0, Damage.Remove),
            new("the end of the ledger gone", ledger[^1].Path, 0, 0, Damage.Remove),
        ];
    }

    private static async Task AssertRefusedAsync(LocalNode node, Harm harm)
    {
        using Damage damage = harm.Do(harm.Path);
        (int exitCode, string message) = await ProcessSwarm.StartInVainAsync(node);
        Match offset = Offset().Match(message);
        bool named = message.Contains(harm.Path, StringComparison.Ordinal)
            && offset.Success
            && long.Parse(offset.Groups["offset"].ValueSpan, CultureInfo.InvariantCulture) is var at
            && at >= harm.From
            && at <= harm.To;
        if (exitCode != ExitCode.Damaged || !named)
        {
            throw new XunitException(string.Create(
                CultureInfo.InvariantCulture, $"{harm.What} ({harm.Path}, {harm.From} to {harm.To}): the node ended with {exitCode} and said: {message}"));
        }
    }

    /// <summary>Has a leader write facts that no other node gets: the others stand still.</summary>
    private static async Task<(LocalNode Leader, Task<IReadOnlyList<CommitAnswer>> Submitted)> WriteOnALeaderAloneAsync(ProcessSwarm swarm, FactSubmission[] batch)
    {
        (LocalNode Leader, Task<IReadOnlyList<CommitAnswer>> Submitted)? alone = null;
        await Eventually.HoldsAsync(
            "a leader alone with a write",
            async cancellation =>
            {
                SwarmStatus before = (await swarm.AgreeAsync()).Single(status => status.Role == NodeRole.Leader);
                LocalNode leader = swarm.Nodes.Single(node => node.Id == before.Node);
                foreach (LocalNode other in swarm.Nodes.Where(other => other != leader))
                {
                    swarm.Pause(other);
                }

                Task<IReadOnlyList<CommitAnswer>> submitted = leader.Client.CommitAsync(batch, CancellationToken.None);
                SwarmStatus? now = null;
                await Eventually.HoldsAsync(
                    "the leader's log to have it",
                    async _ => submitted.IsCompleted || ((now = await leader.TryGetStatusAsync(_))?.DurableIndex >= before.LastIndex + (ulong)batch.Length && now.DurableIndex == now.LastIndex),
                    swarm.Describe);
                if (!submitted.IsCompleted)
                {
                    alone = (leader, submitted);
                    return true;
                }

                // It noticed that it was alone before it had taken the facts on. Once more.
                await swarm.MakeWholeAsync();
                return false;
            },
            swarm.Describe);
        return alone!.Value;
    }

    /// <summary>
    /// Takes from a follower what it has just acknowledged, and starts it. Everything is put back afterwards.
    /// </summary>
    /// <returns>How it ended; null when another leader was elected meanwhile, which cannot know what the node had.</returns>
    private static async Task<(int ExitCode, string Message)?> LoseWhatWasAcknowledgedAsync(ProcessSwarm swarm)
    {
        (LocalNode leader, Term term) = await swarm.LeaderAsync();
        LocalNode node = swarm.Nodes.First(other => other != leader);
        Assert.All(await leader.Client.CommitAsync(LargeBatch()), answer => Assert.IsType<FactAccepted>(answer));
        await swarm.AgreeAsync();
        await swarm.KillAsync(node);

        (int ExitCode, string Message)? ended = null;
        SegmentFile log = LogOf(node);
        SegmentFile.Group large = log.Groups.Last(group => group.Bytes > 100 * SegmentFile.SectorBytes);
        using (Damage.Cleared(log.Path, large.SecondSector, log.End))
        {
            node.Start();
            await Eventually.HoldsAsync(
                "the node to end, or another leader",
                async cancellation =>
                {
                    if (node.Process!.HasExited)
                    {
                        ended = (await node.Process.Exited, node.Process.LastLine);
                        return true;
                    }

                    return (await leader.TryGetStatusAsync(cancellation))?.Term != term;
                },
                swarm.Describe);
            await node.Process!.KillAsync();
        }

        await swarm.MakeWholeAsync();
        return ended;
    }

    private static SegmentFile LogOf(LocalNode node) => SegmentFile.In(Path.Combine(node.DataFolder, RaftLogStore.FolderName))[^1];

    /// <summary>Facts that fill many sectors, all together.</summary>
    private static FactSubmission[] LargeBatch()
    {
        string name = Guid.NewGuid().ToString();
        return
        [
            .. Enumerable.Range(0, LargeFacts).Select(i => new FactSubmission(new ProposalCreated(
                string.Create(CultureInfo.InvariantCulture, $"{name}-{i}"), "author://large", new string('x', FactLimits.MaxTitleLength), new string('y', FactLimits.MaxContentHashLength)))),
        ];
    }

    [GeneratedRegex("at byte (?<offset>\\d+)", RegexOptions.ExplicitCapture | RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Offset();
}
