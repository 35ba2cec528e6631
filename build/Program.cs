using Converge.Build;

Word[] words =
[
    new("build", "", "builds the program to artifacts/converge/converge", ProgramBuild.Run),
    new("demo", "[options]", "builds it and shows it: three nodes, real facts, a leader killed half-way", Demo.Run),
    new("test", "[options]", "builds everything and runs every test; --help lists its options", TestRun.Run),
    new("bench", "[options]", "measures what a commit costs: three processes, a loader, this disk; --help lists its options", Bench.Run),
    new("simulate", "[options]", "runs many seeds of the simulated swarm; --help lists its options", Simulate.Run),
    new("mutants", "[options]", "puts known defects back one by one, and shows who notices each", Mutants.Run),
    new("exhaust", "[options]", "tries everything that can happen in a small cluster; --help lists its options", Exhaust.Run),
    new("format", "[--fix]", "checks the formatting, or mends it", Format.Run),
    new("pack", "", "makes the NuGet packages in artifacts/packages", Pack.Run),
];

string name = args.Length == 0 ? "help" : args[0];
Word? word = Array.Find(words, candidate => string.Equals(candidate.Name, name, StringComparison.Ordinal));
if (word is not null)
{
    try
    {
        return word.Run(args[1..]);
    }
    catch (UsageException fault)
    {
        Console.Error.WriteLine(fault.Message);
        return ExitCode.Usage;
    }
    catch (InterruptedException)
    {
        return ExitCode.Interrupted;
    }
}

bool asked = name is "help" or "--help" or "-h" or "-?" or "/?";
TextWriter output = asked ? Console.Out : Console.Error;
if (!asked)
{
    output.WriteLine($"There is no word '{name}'.");
    output.WriteLine();
}

output.WriteLine("./build.sh WORD [options]      (Windows: ./build.ps1 WORD [options])");
output.WriteLine();
foreach (Word known in words)
{
    output.WriteLine($"  {known.Name,-8} {known.Options,-10} {known.Help}");
}

return asked ? ExitCode.Success : ExitCode.Usage;
