using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using Converge.Core;

namespace Converge.Raft;

/// <summary>
/// What is to be written to the survivor's storage, in this order and before it is started again: <see cref="Entries"/>, then
/// <see cref="HardState"/>. Nothing is done until then; a plan that is thrown away has changed nothing.
/// </summary>
/// <param name="Survivor">The node whose storage it is for.</param>
/// <param name="Entries">The entries to append: the marker first, then the changes that leave the survivor as the only voter.</param>
/// <param name="HardState">The hard state to write after them. All of the log counts as committed by it.</param>
/// <param name="Before">The last configuration in the log.</param>
/// <param name="After">The configuration once <paramref name="Entries"/> are applied: the survivor alone.</param>
/// <param name="LastIndexBefore">The end of the log as it was.</param>
/// <param name="LastTermBefore">The term of its last entry.</param>
/// <param name="CommitBefore">Up to where the survivor knew the log to be committed.</param>
/// <param name="Abandoned">
/// Members that are not named as lost, and are members no longer. What they hold beyond the survivor's log is lost; they must be wiped and
/// come back under new identities, as learners.
/// </param>
public sealed record ForcedRecoveryPlan(
    NodeId Survivor,
    ImmutableArray<Entry> Entries,
    HardState HardState,
    ConfigurationState Before,
    ConfigurationState After,
    LogIndex LastIndexBefore,
    Term LastTermBefore,
    LogIndex CommitBefore,
    ImmutableArray<NodeId> Abandoned)
{
    /// <summary>Entries at the end of the log of which nobody can tell any more whether they were committed. They are kept, and count as committed.</summary>
    public ulong UncertainEntries => LastIndexBefore.Value - CommitBefore.Value;

    /// <summary>What it does and what it cannot know, in a few lines for an operator.</summary>
    public override string ToString()
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"FORCED RECOVERY: {Survivor} goes on alone, without the consent of a quorum.\n");
        text.Append(CultureInfo.InvariantCulture, $"Configuration: {Before} becomes {After}.\n");
        text.Append(CultureInfo.InvariantCulture, $"Log: ends at {LastTermBefore}/{LastIndexBefore}; {CommitBefore} was known to be committed.\n");
        text.Append(CultureInfo.InvariantCulture, $"{UncertainEntries} entries behind that count as committed from now on, whether they were or not.\n");
        text.Append("What was committed without reaching this node is lost, whatever its clients were told.\n");
        text.Append(CultureInfo.InvariantCulture, $"{Entries.Length} entries are added in term {HardState.Term}; the log is committed up to {HardState.Commit}.\n");
        if (!Abandoned.IsEmpty)
        {
            text.Append(CultureInfo.InvariantCulture, $"Abandoned: {string.Join(' ', Abandoned)}. They must be wiped before they are started again.\n");
        }

        return text.Append("None of the former members may be started again on its old disk.").ToString();
    }
}
