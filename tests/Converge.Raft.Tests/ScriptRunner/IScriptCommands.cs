namespace Converge.Raft.Tests.ScriptRunner;

/// <summary>What the blocks of one script act upon; made anew for each script.</summary>
internal interface IScriptCommands
{
    /// <summary>Runs one block and returns its output.</summary>
    string Run(ScriptBlock block);
}
