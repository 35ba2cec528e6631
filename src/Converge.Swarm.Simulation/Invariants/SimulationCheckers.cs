namespace Converge.Swarm.Simulation;

/// <summary>What is checked in every run unless somebody says otherwise.</summary>
public static class SimulationCheckers
{
    /// <summary>One of each, fresh.</summary>
    public static IEnumerable<ISimulationChecker> All() =>
    [
        new AppliedStatesAgree(),
        new AnswersMatchTheAgreedLog(),
    ];
}
