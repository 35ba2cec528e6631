using System.Text;
using Converge.Build;

namespace Converge.Swarm.Cli.Tests.Driver;

public sealed class TestCountTests
{
    [Fact]
    public void Whatever_ran_and_did_not_pass_has_failed_and_whatever_did_not_run_was_skipped()
    {
        TestCount count = Read("""<Counters total="10" executed="8" passed="5" failed="2" error="0" timeout="1" notExecuted="0" />""");

        Assert.Equal(new TestCount(5, 3, 2), count);
        Assert.Equal("5 passed, 3 failed, 2 skipped", count.ToString());
    }

    [Fact]
    public void Counts_add_up()
    {
        Assert.Equal("3 passed, 0 failed", (new TestCount(1, 0, 0) + new TestCount(2, 0, 0)).ToString());
    }

    [Theory]
    [InlineData("")]
    [InlineData("""<Counters total="1" passed="1" />""")]
    [InlineData("""<Counters total="1" executed="one" passed="1" />""")]
    public void A_file_without_the_numbers_is_not_taken_for_a_success(string counters)
    {
        Assert.Throws<InvalidDataException>(() => Read(counters));
    }

    private static TestCount Read(string counters)
    {
        string trx = $"""<TestRun xmlns="http://microsoft.com/schemas/VisualStudio/TeamTest/2010"><ResultSummary>{counters}</ResultSummary></TestRun>""";
        using MemoryStream stream = new(Encoding.UTF8.GetBytes(trx));
        return TestCount.FromTrx(stream);
    }
}
