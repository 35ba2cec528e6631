namespace Converge.Swarm.Http;

/// <summary>The members as the API writes them, for who shows them to programs.</summary>
public static class SwarmMembersJson
{
    /// <summary>Compact JSON in UTF-8, without a line end.</summary>
    public static byte[] ToUtf8(SwarmMembers members) => Members.MembersJson.ToUtf8(members);
}
