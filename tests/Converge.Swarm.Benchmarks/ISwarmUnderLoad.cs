using Converge.Core;

namespace Converge.Swarm.Benchmarks;

/// <summary>Something that facts can be committed to, and what it costs.</summary>
internal interface ISwarmUnderLoad : IAsyncDisposable
{
    /// <summary>For the table.</summary>
    string Name { get; }

    /// <summary>A way to commit one fact as client so-and-so; false when it was not acknowledged.</summary>
    Func<int, FactSubmission, Task<bool>> Connect(int clients);

    /// <summary>The processor time of everything that takes part, so far, where it can be told.</summary>
    TimeSpan CpuTime();
}
