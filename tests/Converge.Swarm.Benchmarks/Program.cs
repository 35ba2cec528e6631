using System.CommandLine;
using Converge.Swarm.Benchmarks;

Option<int[]> clients = new("--clients")
{
    Description = "How many closed-loop clients; several for several runs.",
    DefaultValueFactory = _ => [1, 16, 64, 256],
    AllowMultipleArgumentsPerToken = true,
};
Option<double> seconds = new("--seconds") { Description = "How long each run is measured, after two seconds of warm-up.", DefaultValueFactory = _ => 8 };
Option<FileInfo?> json = new("--json") { Description = "Writes the figures there, too." };
Option<string?> only = new("--only") { Description = "Only the set-ups whose name contains this." };
Option<bool> allocations = new("--allocations") { Description = "Shows which types are allocated most (in one process)." };
RootCommand root = new("Closed-loop clients commit 256-byte facts to three nodes; every acknowledged fact is on a quorum's disks.")
{
    clients, seconds, json, only, allocations,
};
root.SetAction(async (parsed, cancellationToken) =>
{
    await Suite.RunAsync(
        parsed.GetValue(clients)!,
        TimeSpan.FromSeconds(parsed.GetValue(seconds)),
        parsed.GetValue(only),
        parsed.GetValue(allocations),
        parsed.GetValue(json),
        cancellationToken);
    return 0;
});
return await root.Parse(args).InvokeAsync();
