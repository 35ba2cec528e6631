using System.Diagnostics;
using Converge.Swarm.Cli.Processes;

namespace Converge.Swarm.Cli.Tests.Durability;

/// <summary>A node that cannot begin says everything that keeps it from it.</summary>
[Collection(DurabilityCollection.Name)]
public sealed class RefusalTests
{
    [Fact]
    public async Task A_configuration_with_faults_is_refused_with_every_one_of_them()
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("converge-durability-");
        try
        {
            string file = Path.Combine(folder.FullName, "swarm.json");
            await File.WriteAllTextAsync(
                file,
                """
                {
                  "cluster": "no spaces please",
                  "node": 4,
                  "data_folder": "",
                  "tick_ms": 0,
                  "colour": "green",
                  "members": [
                    { "id": 1, "peer": "127.0.0.1:7201", "http": "192.0.2.1:7101" },
                    { "id": 1, "peer": "127.0.0.1:7201" }
                  ]
                }
                """);

            (int exitCode, string said) = await RunAsync("node", "--config", file);

            Assert.Equal(ExitCode.Usage, exitCode);
            Assert.All(
                new[] { "cluster", "node", "data_folder", "tick_ms", "colour", "members[0].http", "members" },
                key => Assert.Contains($"{key}: ", said));
            Assert.Contains("odd", said);
            Assert.Empty(folder.EnumerateDirectories());
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static async Task<(int ExitCode, string Said)> RunAsync(params string[] arguments)
    {
        using Process process = Process.Start(ProgramFile.Start(arguments))!;
        try
        {
            process.StandardInput.Close();
            Task<string> output = process.StandardOutput.ReadToEndAsync();
            string said = await Eventually.CompletesAsync("the program to speak its mind", process.StandardError.ReadToEndAsync());
            await Eventually.CompletesAsync("the program to end", process.WaitForExitAsync());
            Assert.Empty(await output);
            return (process.ExitCode, said);
        }
        finally
        {
            process.Kill();
        }
    }
}
