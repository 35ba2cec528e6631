using Converge.Core;

namespace Converge.Swarm.Cli.Import;

/// <summary>One fact of a file.</summary>
/// <param name="Number">Its line, from 1.</param>
/// <param name="Submission">The fact, always with a command id.</param>
/// <param name="OwnsCommandId">True when the file gave no command id, so that the file and the line made one.</param>
internal sealed record ImportLine(long Number, FactSubmission Submission, bool OwnsCommandId);

/// <summary>A line that is not a fact, or one whose outcome did not become known in time.</summary>
/// <param name="Line">Its number, from 1.</param>
/// <param name="Code">A stable code.</param>
/// <param name="Message">Why, for a person.</param>
internal sealed record ImportFailure(long Line, string Code, string Message);
