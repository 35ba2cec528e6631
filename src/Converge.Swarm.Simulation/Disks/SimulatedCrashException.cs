namespace Converge.Swarm.Simulation;

/// <summary>The simulated machine lost its power in the middle of an operation of its disk.</summary>
public sealed class SimulatedCrashException : Exception
{
    /// <summary>The machine stopped.</summary>
    public SimulatedCrashException()
        : base("The simulated machine lost its power.")
    {
    }
}
