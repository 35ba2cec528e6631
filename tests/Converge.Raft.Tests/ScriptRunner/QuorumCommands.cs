using System.Globalization;
using System.Text;
using Converge.Core;

namespace Converge.Raft.Tests.ScriptRunner;

/// <summary>The commands <c>committed</c> and <c>vote</c>: quorum arithmetic without any node.</summary>
internal sealed class QuorumCommands : IScriptCommands
{
    public static readonly IReadOnlyList<string> Names = ["committed", "vote"];

    public string Run(ScriptBlock block)
    {
        NodeId[] incoming = Nodes(block, "cfg");
        bool isJoint = block.Arguments.Any(argument => string.Equals(argument.Key, "cfgj", StringComparison.Ordinal));
        NodeId[] outgoing = Nodes(block, "cfgj");
        NodeId[] voters = [.. incoming.Concat(outgoing).Distinct()];

        string key = string.Equals(block.Command, "vote", StringComparison.Ordinal) ? "votes" : "idx";
        IReadOnlyList<string> given = block.Arguments.FirstOrDefault(argument => string.Equals(argument.Key, key, StringComparison.Ordinal))?.Values ?? [];
        if (given.Count != voters.Length)
        {
            return $"error: {given.Count} values for {voters.Length} voters";
        }

        var values = voters.Zip(given)
            .Where(pair => !string.Equals(pair.Second, "_", StringComparison.Ordinal))
            .ToDictionary(pair => pair.First, pair => pair.Second);
        return block.Command switch
        {
            "committed" => Committed(incoming, outgoing, isJoint, new Indexes(values)),
            "vote" => Vote(incoming, outgoing, new Ballots(values)),
            _ => "unknown command",
        };
    }

    private static NodeId[] Nodes(ScriptBlock block, string key) =>
    [
        .. block.Arguments
            .Where(argument => string.Equals(argument.Key, key, StringComparison.Ordinal))
            .SelectMany(argument => argument.Values)
            .Where(value => !string.Equals(value, "zero", StringComparison.Ordinal))
            .Select(value => new NodeId(ulong.Parse(value, CultureInfo.InvariantCulture))),
    ];

    private static string Committed(NodeId[] incoming, NodeId[] outgoing, bool isJoint, Indexes indexes)
    {
        var text = new StringBuilder(Picture([.. incoming.Concat(outgoing).Distinct().Order()], indexes));
        LogIndex index = isJoint
            ? JointQuorum.CommittedIndex(incoming, outgoing, indexes)
            : MajorityQuorum.CommittedIndex(incoming, indexes);

        // What must make no difference. If it does, the output shows it.
        Check("symmetry", JointQuorum.CommittedIndex(outgoing, incoming, indexes), isJoint);
        Check("zero-joint quorum", JointQuorum.CommittedIndex(incoming, [], indexes), !isJoint);
        Check("self-joint quorum", JointQuorum.CommittedIndex(incoming, incoming, indexes), !isJoint);
        return text.Append(Print(index)).Append('\n').ToString();

        void Check(string way, LogIndex other, bool applies)
        {
            if (applies && other != index)
            {
                text.Append(CultureInfo.InvariantCulture, $"{Print(other)} <-- via {way}\n");
            }
        }
    }

    private static string Vote(NodeId[] incoming, NodeId[] outgoing, Ballots ballots)
    {
        VoteResult result = JointQuorum.Tally(incoming, outgoing, ballots);
        VoteResult swapped = JointQuorum.Tally(outgoing, incoming, ballots);
        return swapped == result
            ? $"{ScriptPrinter.Name(result)}\n"
            : $"{ScriptPrinter.Name(swapped)} <-- via symmetry\n{ScriptPrinter.Name(result)}\n";
    }

    private static string Print(LogIndex index) => index == MajorityQuorum.Everything ? "∞" : index.ToString();

    /// <summary>A row for each voter, whose bar grows with the number of voters behind it.</summary>
    private static string Picture(NodeId[] voters, Indexes indexes)
    {
        if (voters.Length == 0)
        {
            return "<empty majority quorum>";
        }

        var text = new StringBuilder();
        text.Append(' ', voters.Length).Append("    idx\n");
        foreach (NodeId voter in voters)
        {
            bool isKnown = indexes.TryGet(voter, out LogIndex index);
            int behind = voters.Count(other => (indexes.TryGet(other, out LogIndex otherIndex) ? otherIndex : LogIndex.Zero) < index);
            if (isKnown)
            {
                text.Append('x', behind).Append('>').Append(' ', voters.Length - behind);
            }
            else
            {
                text.Append('?').Append(' ', voters.Length);
            }

            text.Append(CultureInfo.InvariantCulture, $" {index.Value,5}    (id={voter})\n");
        }

        return text.ToString();
    }

    private readonly struct Indexes(Dictionary<NodeId, string> values) : IAcknowledgedIndexes
    {
        public bool TryGet(NodeId voter, out LogIndex index)
        {
            bool isKnown = values.TryGetValue(voter, out string? value);
            index = isKnown ? new LogIndex(ulong.Parse(value!, CultureInfo.InvariantCulture)) : LogIndex.Zero;
            return isKnown;
        }
    }

    private readonly struct Ballots(Dictionary<NodeId, string> values) : IBallots
    {
        public Ballot Of(NodeId voter) => values.GetValueOrDefault(voter) switch
        {
            "y" => Ballot.Granted,
            "n" => Ballot.Rejected,
            _ => Ballot.None,
        };
    }
}
