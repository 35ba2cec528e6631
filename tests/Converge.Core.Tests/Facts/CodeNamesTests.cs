namespace Converge.Core.Tests.Facts;

public sealed class CodeNamesTests
{
    [Fact]
    public void Every_code_has_a_name_of_its_own_that_leads_back_to_it()
    {
        AssertNames<FactKind>(kind => kind.Name(), name => CodeNames.ParseFactKind(name));
        AssertNames<RecordKind>(kind => kind.Name(), name => CodeNames.ParseRecordKind(name));
        AssertNames<RefusalCode>(code => code.Name(), name => CodeNames.ParseRefusalCode(name));
        AssertNames<NotCommittedReason>(reason => reason.Name(), name => CodeNames.ParseNotCommittedReason(name));
        AssertNames<ProposalStatus>(status => status.Name(), name => CodeNames.ParseProposalStatus(name));
        Assert.Equal(Enum.GetValues<InputFaultCode>().Length, Enum.GetValues<InputFaultCode>().Select(code => code.Name()).Distinct(StringComparer.Ordinal).Count());
    }

    [Fact]
    public void Every_refusal_is_explained() =>
        Assert.All(Enum.GetValues<RefusalCode>(), code => Assert.EndsWith(".", code.Explain(), StringComparison.Ordinal));

    [Fact]
    public void The_codes_that_are_written_to_disk_keep_their_values()
    {
        Assert.Equal([1, 2, 3, 4, 5, 6, 7], Enum.GetValues<FactKind>().Select(kind => (int)kind));
        Assert.Equal(
            "proposal_created validation_passed validation_failed promotion_approved promotion_rejected rollback_issued override_granted",
            string.Join(' ', Enum.GetValues<FactKind>().Select(kind => kind.Name())));
        Assert.Equal([1, 2, 3, 4, 5], Enum.GetValues<RecordKind>().Select(kind => (int)kind));
        Assert.Equal([1, 2, 3, 4, 5, 6, 7, 8], Enum.GetValues<RefusalCode>().Select(code => (int)code));
        Assert.Equal(
            "command_expired unknown_proposal already_exists revision_mismatch duplicate_decision conflicting_decision failed_validation nothing_to_roll_back",
            string.Join(' ', Enum.GetValues<RefusalCode>().Select(code => code.Name())));
    }

    private static void AssertNames<T>(Func<T, string> name, Func<string?, T?> parse)
        where T : struct, Enum
    {
        foreach (T value in Enum.GetValues<T>())
        {
            Assert.Equal(value, parse(name(value)));
        }

        Assert.Null(parse("something else"));
        Assert.Null(parse(null));
    }
}
