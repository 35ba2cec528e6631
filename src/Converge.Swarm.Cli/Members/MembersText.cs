using System.Globalization;
using Converge.Core;
using Converge.Swarm.Cli.Terminal;
using Spectre.Console;

namespace Converge.Swarm.Cli.Members;

/// <summary>The members for a person.</summary>
internal static class MembersText
{
    public static void Show(CommandTerminal terminal, SwarmMembers members)
    {
        var table = new Table().Border(TableBorder.None).AddColumns("node", "role", "peer", "http", "");
        foreach (MemberView member in members.Members)
        {
            table.AddRow(
                new Text(member.Id.ToString()),
                new Text(Role(member)),
                new Text(Printable.Line(member.Peer)),
                new Text(Printable.Line(member.Http ?? "")),
                new Text(Remark(members, member)));
        }

        terminal.Screen.Write(table);
        if (members.Changing)
        {
            terminal.Out.WriteLine("A change of several voters is on its way.");
        }

        if (members.Removed.Count > 0)
        {
            terminal.Out.WriteLine($"Removed for good: {string.Join(' ', members.Removed)}.");
        }

        foreach (string warning in members.Warnings)
        {
            terminal.Out.WriteLine(Printable.Line(warning));
        }
    }

    /// <summary>Who votes, who does not, and what is on its way, in one line.</summary>
    public static string Line(SwarmMembers members)
    {
        string voters = string.Join(' ', members.Members.Where(member => member.Role == MemberRole.Voter).Select(member => member.Id));
        string others = string.Join(
            ", ", members.Members.Where(member => member.Role != MemberRole.Voter).Select(member => member.Wanted == MemberRole.Voter ? $"{member.Id} (voter to be)" : member.Id.ToString()));
        return $"Voters: {voters}{(others.Length == 0 ? "" : $"; without a vote: {others}")}.{(members.Changing ? " A change of several voters is on its way." : "")}";
    }

    private static string Role(MemberView member) => member.Role switch
    {
        MemberRole.Voter when member.Leaving => "voter, leaving",
        MemberRole.Voter => "voter",
        _ when member.Wanted == MemberRole.Voter => "learner, voter to be",
        _ => "learner",
    };

    private static string Remark(SwarmMembers members, MemberView member)
    {
        List<string> remarks = [];
        if (member.Id == members.Leader)
        {
            remarks.Add("leads");
        }

        if (!member.Connected)
        {
            remarks.Add("not connected");
        }

        if (member.MatchIndex is { } match)
        {
            remarks.Add(string.Create(CultureInfo.InvariantCulture, $"has entry {match}"));
        }

        return string.Join(", ", remarks);
    }
}
