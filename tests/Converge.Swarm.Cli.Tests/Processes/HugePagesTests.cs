using Converge.Swarm.Cli.Nodes;

namespace Converge.Swarm.Cli.Tests.Processes;

/// <summary>Which part of the memory the node asks large pages for.</summary>
public sealed class HugePagesTests
{
    private static readonly string[] Maps =
    [
        "55d0c0000000-55d0c0020000 r-xp 00000000 fe:00 1234                       /usr/bin/converge",
        "7f0000000000-7f0000001000 rw-p 00000000 00:00 0",
        "7f0000002000-7f0000003000 rw-p 00000000 00:00 0 ",
        "7f0000003000-7f0000009000 ---p 00000000 00:00 0 ",
        "7f0000009000-7f000000a000 rw-p 00000000 00:00 0 ",
        "7f000000a000-7f000000b000 r--p 00000000 fe:00 99                         /usr/lib/libc.so.6",
        "7f000000b000-7f000000c000 rw-p 00000000 00:00 0 ",
        "7ffd00000000-7ffd00021000 rw-p 00000000 00:00 0                          [stack]",
    ];

    [Theory]
    [InlineData(0x7f0000002000)]
    [InlineData(0x7f0000005000)]
    [InlineData(0x7f0000009fff)]
    public void The_heap_is_what_lies_without_a_gap_around_an_object(ulong within) =>
        Assert.Equal((0x7f0000002000UL, 0x7f000000a000UL), HugePages.RangeAround(Maps, within));

    [Theory]
    [InlineData(0x7f0000000000, 0x7f0000000000, 0x7f0000001000)]
    [InlineData(0x7f000000b800, 0x7f000000b000, 0x7f000000c000)]
    [InlineData(0x7f0000001000, 0, 0)]
    [InlineData(0x7f000000a800, 0, 0)]
    [InlineData(0x55d0c0000000, 0, 0)]
    [InlineData(0x7ffd00000000, 0, 0)]
    public void Files_stacks_and_gaps_are_not_of_it(ulong within, ulong start, ulong end) =>
        Assert.Equal((start, end), HugePages.RangeAround(Maps, within));

    [Fact]
    public void This_process_is_asked_for_where_the_system_leaves_that_to_programs()
    {
        const string Mode = "/sys/kernel/mm/transparent_hugepage/enabled";
        bool leavesIt = File.Exists(Mode) && File.ReadAllText(Mode).Contains("[madvise]", StringComparison.Ordinal);

        Assert.Equal(leavesIt, HugePages.TryAskForHeap());
    }
}
