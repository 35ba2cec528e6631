using System.CommandLine;
using Converge.Swarm.Benchmarks;

Option<int[]> clients = new("--clients")
{
    Description = "How many closed-loop clients; several for several runs.",
    DefaultValueFactory = _ => [1, 16, 64, 256],
    AllowMultipleArgumentsPerToken = true,
};
Option<double> seconds = new("--seconds") { Description = "How long each run is measured, after a warm-up.", DefaultValueFactory = _ => 8 };
Option<string?> only = new("--only") { Description = "Only the set-ups whose name contains this." };
Option<int> connections = new("--connections") { Description = "Connections that the clients of the framed protocol share.", DefaultValueFactory = _ => 1 };
Option<FileInfo?> json = new("--json") { Description = "Writes the figures there, too." };
Option<bool> allocations = new("--allocations") { Description = "Shows which types are allocated most (in one process)." };
RootCommand root = new("Closed-loop clients commit facts of 256 bytes to three nodes; every acknowledged fact is on a quorum's disks.")
{
    clients, seconds, only, connections, json, allocations,
};
root.SetAction(async (parsed, cancellationToken) =>
{
    byte[] figures = await Suite.RunAsync(
        new SuiteOptions(
            parsed.GetValue(clients)!,
            TimeSpan.FromSeconds(parsed.GetValue(seconds)),
            parsed.GetValue(only),
            parsed.GetValue(connections),
            parsed.GetValue(allocations)),
        Console.Out,
        cancellationToken);
    if (parsed.GetValue(json) is { } file)
    {
        await File.WriteAllBytesAsync(file.FullName, figures, cancellationToken);
    }

    return 0;
});

Argument<DirectoryInfo> otherBuild = new("folder") { Description = "Where the other build's converge lies." };
Option<int> rounds = new("--rounds") { Description = "How many seconds each is measured for each number of clients.", DefaultValueFactory = _ => 15 };
Command duel = new("duel", "This build and another one in turn, second by second, three processes without an index: medians and their ratio.")
{
    otherBuild, clients, rounds, connections,
};
duel.SetAction((parsed, cancellationToken) => Duel.RunAsync(
    parsed.GetValue(otherBuild)!.FullName,
    parsed.GetValue(clients)!,
    parsed.GetValue(rounds),
    parsed.GetValue(connections),
    Console.Out,
    cancellationToken));
root.Subcommands.Add(duel);

Option<int[]> facts = new("--facts")
{
    Description = "Lengths of history.",
    DefaultValueFactory = _ => [10_000, 1_000_000],
    AllowMultipleArgumentsPerToken = true,
};
Option<int> tail = new("--tail") { Description = "How many facts lie behind the snapshot.", DefaultValueFactory = _ => 1_000 };
Option<int> sessions = new("--sessions") { Description = "How many clients give their commands ids, whose answers are then kept.", DefaultValueFactory = _ => 0 };
Command startUp = new("start-up", "What opening a node's state and ledger costs after histories of different lengths, from a snapshot and from the whole log.")
{
    facts, tail, sessions,
};
startUp.SetAction((parsed, cancellationToken) => StartUpRun.RunAsync(
    parsed.GetValue(facts)!, parsed.GetValue(tail), parsed.GetValue(sessions), Console.Out, cancellationToken));
root.Subcommands.Add(startUp);

Option<int> starts = new("--starts") { Description = "How often the process is started for each length.", DefaultValueFactory = _ => 7 };
Command nodeStart = new("node-start", "What starting a node costs as a process, from its start until it is ready, after histories of different lengths.")
{
    facts, tail, starts,
};
nodeStart.SetAction((parsed, cancellationToken) => NodeStartRun.RunAsync(
    parsed.GetValue(facts)!, parsed.GetValue(tail), parsed.GetValue(starts), Console.Out, cancellationToken));
root.Subcommands.Add(nodeStart);

Command core = new("core", "The protocol core and the segmented log alone, with BenchmarkDotNet; what follows is its own (try '--filter *ProtocolCore*').")
{
    TreatUnmatchedTokensAsErrors = false,
};
core.SetAction(parsed => CoreRun.Run([.. parsed.UnmatchedTokens]));
root.Subcommands.Add(core);
return await root.Parse(args).InvokeAsync();
