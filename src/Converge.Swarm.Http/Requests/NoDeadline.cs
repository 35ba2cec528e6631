namespace Converge.Swarm.Http.Requests;

/// <summary>Marks an endpoint whose requests may take as long as they like: something else bounds them.</summary>
internal sealed class NoDeadline
{
    public static readonly NoDeadline Instance = new();

    private NoDeadline()
    {
    }
}
