namespace Converge.Swarm;

/// <summary>What answered is not a node of this swarm's version, or not a node at all.</summary>
/// <param name="message">For a person.</param>
public sealed class SwarmProtocolException(string message) : Exception(message);
