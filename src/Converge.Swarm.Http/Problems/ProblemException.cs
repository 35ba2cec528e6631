namespace Converge.Swarm.Http.Problems;

/// <summary>Ends the handling of a request with a problem for an answer.</summary>
internal sealed class ProblemException(Problem problem) : Exception(problem.Detail)
{
    public Problem Problem { get; } = problem;
}
