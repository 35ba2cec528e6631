namespace Converge.Build;

/// <summary><c>simulate</c>: many seeds of the simulated swarm.</summary>
internal static class Simulate
{
    /// <summary>Builds what runs campaigns, and hands the options on to it.</summary>
    public static int Run(string[] arguments)
    {
        if (!Dotnet.Restore(Repository.CampaignProject)
            || Dotnet.Run(["build", Repository.CampaignProject, "--no-restore", "-c", "Release", "-v", "quiet", "-nologo", "-clp:NoSummary"]) != 0)
        {
            return ExitCode.Failure;
        }

        return Dotnet.Run(["exec", Repository.CampaignProgram, .. arguments]);
    }
}
