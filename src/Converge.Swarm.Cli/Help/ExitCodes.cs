namespace Converge.Swarm.Cli.Help;

/// <summary>With which codes each command can end, and what they mean, for help and manual alike.</summary>
internal static class ExitCodes
{
    private static readonly int[] OfEvery = [ExitCode.ProgramFault, ExitCode.Interrupted];

    private static readonly Dictionary<string, int[]> OfCommand = new(StringComparer.Ordinal)
    {
        ["converge"] = [ExitCode.Success, ExitCode.Usage],
        ["converge up"] = [ExitCode.Success, ExitCode.Failed, ExitCode.Usage, ExitCode.Unavailable, ExitCode.InUse, ExitCode.Damaged],
        ["converge node"] = [ExitCode.Success, ExitCode.Failed, ExitCode.Usage, ExitCode.InUse, ExitCode.Damaged],
        ["converge propose"] = [ExitCode.Success, ExitCode.Failed, ExitCode.Usage, ExitCode.Unavailable, ExitCode.OutcomeUnknown],
        ["converge proposal"] = [ExitCode.Success, ExitCode.Failed, ExitCode.Usage, ExitCode.Unavailable],
        ["converge log"] = [ExitCode.Success, ExitCode.Failed, ExitCode.Usage, ExitCode.Unavailable],
        ["converge status"] = [ExitCode.Success, ExitCode.Failed, ExitCode.Usage, ExitCode.Unavailable],
        ["converge leader"] = [ExitCode.Success, ExitCode.Failed, ExitCode.Usage, ExitCode.Unavailable, ExitCode.OutcomeUnknown],
        ["converge member"] = [ExitCode.Success, ExitCode.Failed, ExitCode.Usage, ExitCode.Unavailable, ExitCode.OutcomeUnknown],
        ["converge import"] = [ExitCode.Success, ExitCode.Failed, ExitCode.Usage, ExitCode.Unavailable, ExitCode.OutcomeUnknown],
        ["converge export"] = [ExitCode.Success, ExitCode.Failed, ExitCode.Usage, ExitCode.Unavailable],
        ["converge receipt"] = [ExitCode.Success, ExitCode.Failed, ExitCode.Usage, ExitCode.Unavailable],
        ["converge receipt verify"] = [ExitCode.Success, ExitCode.Failed, ExitCode.Usage],
        ["converge verify"] = [ExitCode.Success, ExitCode.Failed, ExitCode.Usage, ExitCode.Unavailable, ExitCode.InUse],
        ["converge projection"] = [ExitCode.Success, ExitCode.Failed, ExitCode.Usage, ExitCode.InUse, ExitCode.Damaged],
        ["converge demo"] = [ExitCode.Success, ExitCode.Failed, ExitCode.Usage, ExitCode.Unavailable, ExitCode.InUse],
        ["converge completion"] = [ExitCode.Success, ExitCode.Usage],
        ["converge help"] = [ExitCode.Success, ExitCode.Usage],
    };

    /// <summary>Every code with its meaning, the least first.</summary>
    public static IReadOnlyList<(int Code, string Meaning)> All { get; } =
    [
        (ExitCode.Success, "done, and what was asked about is so"),
        (ExitCode.Failed, "it failed, or what was asked about is not so: refused, unknown, does not verify, some line is malformed"),
        (ExitCode.Usage, "the command line or the configuration is not understood; nothing was done"),
        (ExitCode.Unavailable, "the swarm cannot be reached or cannot agree now; trying again is safe"),
        (ExitCode.OutcomeUnknown, "the outcome is not known; repeating a fact under the same command id is safe and tells"),
        (ExitCode.InUse, "another process has the data folder or the address"),
        (ExitCode.Damaged, "files of this node are damaged (the message names file and byte), or its state differs from the swarm's"),
        (ExitCode.ProgramFault, "a fault of the program itself"),
        (ExitCode.Interrupted, "interrupted before it was done"),
    ];

    /// <summary>Those of a command, or of the nearest one above it for which they are laid down.</summary>
    /// <param name="path">The command's name with those above it: <c>converge receipt verify</c>.</param>
    public static IEnumerable<(int Code, string Meaning)> Of(string path)
    {
        string known = path;
        while (!OfCommand.ContainsKey(known))
        {
            known = known[..known.LastIndexOf(' ')];
        }

        return All.Where(entry => OfCommand[known].Contains(entry.Code) || OfEvery.Contains(entry.Code));
    }

    /// <summary>Whether the codes of a command, or of one above it other than the program itself, are laid down.</summary>
    public static bool AreKnown(string path) =>
        OfCommand.Keys.Any(known => !string.Equals(known, CommandPath.Program, StringComparison.Ordinal)
            && (string.Equals(path, known, StringComparison.Ordinal) || path.StartsWith($"{known} ", StringComparison.Ordinal)));
}
