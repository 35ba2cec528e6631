using System.Globalization;

namespace Converge.Swarm.Tests.Members;

public sealed class MembershipRefusalTests
{
    /// <summary>The numbers are in digests and on the wire: another program needs them.</summary>
    [Fact]
    public void Every_reason_stands_on_the_page_with_its_number()
    {
        string page = File.ReadAllText(RepositoryFiles.Find("docs", "formats", "members.md"));
        Assert.All(
            Enum.GetValues<MembershipRefusal>(),
            reason => Assert.Contains(string.Create(CultureInfo.InvariantCulture, $"\n| {(int)reason} | `{reason.Name()}` | "), page, StringComparison.Ordinal));
    }

    [Fact]
    public void A_reasons_name_leads_back_to_it() =>
        Assert.All(Enum.GetValues<MembershipRefusal>(), reason => Assert.Equal(reason, MembershipRefusalNames.Parse(reason.Name())));
}
