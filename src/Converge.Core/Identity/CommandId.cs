namespace Converge.Core;

/// <summary>
/// Names one command of one client session, so that repeating it changes nothing and gets the first answer again.
/// </summary>
/// <param name="Session">Chosen by the client; 1 to <see cref="FactLimits.MaxSessionLength"/> characters.</param>
/// <param name="Number">From 1; a session uses each number for one command only.</param>
/// <remarks>
/// A session keeps its last answers and a low-water mark. A number at or below the mark whose answer is gone is refused as
/// <see cref="RefusalCode.CommandExpired"/>, never applied again.
/// </remarks>
public sealed record CommandId(string Session, ulong Number);
