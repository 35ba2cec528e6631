using System.Globalization;
using Converge.Swarm.Campaigns;
using Converge.Swarm.Simulation;

if (args is ["--help" or "-h" or "-?"])
{
    Console.WriteLine(CampaignArguments.Help);
    return 0;
}

CampaignArguments arguments;
try
{
    arguments = CampaignArguments.Parse(args);
}
catch (ArgumentFault fault)
{
    Console.Error.WriteLine(fault.Message);
    Console.Error.WriteLine(CampaignArguments.Help);
    return 2;
}

bool differs = false;
int done = 0;
CampaignReport report = Campaign.Run(arguments.Options, result =>
{
    done++;
    if (arguments.Twice)
    {
        SimulationRunResult again = SimulationRun.Run(Campaign.RunOf(arguments.Options, result.Seed));
        if (again.TraceHash != result.TraceHash)
        {
            differs = true;
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"SEED {result.Seed} RAN DIFFERENTLY THE SECOND TIME"));
        }
    }

    if (done % 500 == 0)
    {
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{done} runs"));
    }

    if (arguments.Trace)
    {
        WriteTrace(arguments, Campaign.RunOf(arguments.Options, result.Seed), "");
    }
});
CampaignText.Write(Console.Out, report, arguments.Options);
foreach (CampaignFailure failure in report.Failures)
{
    SimulationRunOptions shortest = Campaign.RunOf(arguments.Options, failure.Result.Seed) with
    {
        MaxFaults = failure.MaxFaults,
        MaxOperations = failure.MaxOperations,
    };
    string file = WriteTrace(arguments, shortest, "-shortest");
    Console.WriteLine($"  trace of the shortest run: {file}; its end:");
    foreach (string line in File.ReadLines(file).TakeLast(40))
    {
        Console.WriteLine($"    {line}");
    }
}

return report.Succeeded && !differs ? 0 : 1;

static string WriteTrace(CampaignArguments arguments, SimulationRunOptions run, string suffix)
{
    Directory.CreateDirectory(arguments.TraceFolder);
    string file = Path.Combine(arguments.TraceFolder, string.Create(CultureInfo.InvariantCulture, $"seed-{run.Seed}{suffix}.trace"));
    using var text = new StreamWriter(file);
    SimulationRun.Run(run with { Trace = text });
    return file;
}
