using System.Diagnostics;
using Converge.Swarm.Cli.Processes;
using Converge.Swarm.Cli.Tests.Durability;

namespace Converge.Swarm.Cli.Tests.Processes;

[Collection(ProcessTests.Name)]
public sealed class InterruptedImportTests
{
    [Fact]
    public async Task An_import_that_waits_for_its_input_ends_when_it_is_told_to_and_leaves_nothing_behind()
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        using TemporaryFolder temporary = new();
        ProcessStartInfo start = ProgramFile.Start(["import", "-"]);
        start.Environment["TMPDIR"] = temporary.Path;
        start.Environment["DOTNET_EnableDiagnostics"] = "0";
        using Process import = Process.Start(start)!;
        try
        {
            await Eventually.HoldsAsync("a temporary file", _ => Task.FromResult(Directory.GetFiles(temporary.Path).Length > 0));
            Signals.AskToEnd(import);

            await Eventually.CompletesAsync("the end of the import", import.WaitForExitAsync());
            Assert.Equal(ExitCode.Interrupted, import.ExitCode);
            Assert.Empty(Directory.GetFiles(temporary.Path));
        }
        finally
        {
            import.Kill();
        }
    }
}
