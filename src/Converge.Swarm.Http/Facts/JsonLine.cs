namespace Converge.Swarm.Http.Facts;

/// <summary>One line of a file of JSON values.</summary>
/// <param name="Number">From 1.</param>
/// <param name="Bytes">The line without its end; empty when it is too long.</param>
/// <param name="TooLong">True when the line was longer than allowed and was stepped over.</param>
internal readonly record struct JsonLine(long Number, ReadOnlyMemory<byte> Bytes, bool TooLong);
