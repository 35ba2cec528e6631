namespace Converge.Swarm.Projection;

/// <summary>
/// A projection does not fit the ledger that it is to be filled from: it was filled from another one, or its rows were changed. It is not
/// touched; <c>converge projection rebuild</c> makes it anew.
/// </summary>
/// <param name="message">What does not fit, for a person.</param>
public sealed class ProjectionMismatchException(string message) : Exception(message);

/// <summary>A projection was made by a later version of this program. It is not touched.</summary>
/// <param name="message">Which versions, for a person.</param>
public sealed class ProjectionVersionException(string message) : Exception(message);
