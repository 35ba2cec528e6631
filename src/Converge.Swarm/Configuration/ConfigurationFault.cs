namespace Converge.Swarm;

/// <summary>One thing that is wrong with a configuration.</summary>
/// <param name="Key">Where: a key of the file, nested ones as <c>members[0].peer</c>; empty for the file as a whole.</param>
/// <param name="Message">What is wrong and what would be right, for a person.</param>
public sealed record ConfigurationFault(string Key, string Message)
{
    /// <summary>The key and the message in one line.</summary>
    public override string ToString() => Key.Length == 0 ? Message : $"{Key}: {Message}";
}
