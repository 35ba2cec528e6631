using Converge.Swarm.Cli.Log;

namespace Converge.Swarm.Cli.Tests.Log;

public sealed class LogTimeTests
{
    [Theory]
    [InlineData(0, "1970-01-01 00:00:00.000Z")]
    [InlineData(1_700_000_000_005, "2023-11-14 22:13:20.005Z")]
    [InlineData(253_402_300_799_999, "9999-12-31 23:59:59.999Z")]
    [InlineData(253_402_300_800_000, "253402300800.000 s")]
    [InlineData(long.MaxValue, "9223372036854775.807 s")]
    public void Every_time_that_a_record_can_have_is_shown(long unixMilliseconds, string shown) => Assert.Equal(shown, LogCommand.TimeOf(unixMilliseconds));
}
