using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;

namespace Converge.Swarm.Benchmarks;

/// <summary>Runs what BenchmarkDotNet measures, in this process: nothing is built or restored for it.</summary>
internal static class CoreRun
{
    public static int Run(string[] arguments)
    {
        IConfig config = DefaultConfig.Instance
            .AddJob(Job.ShortRun.WithToolchain(InProcessEmitToolchain.Instance))
            .WithArtifactsPath(Path.Combine(Path.GetTempPath(), "converge-bench-core"));
        string[] all = ["--filter", "*"];
        return BenchmarkSwitcher.FromAssembly(typeof(CoreRun).Assembly).Run(arguments.Length == 0 ? all : arguments, config).Any() ? 0 : 1;
    }
}
