using System.Collections.Immutable;
using Converge.Core;
using Converge.Swarm.Governance;
using FsCheck;
using FsCheck.Fluent;

namespace Converge.Swarm.Tests.Governance;

public sealed class CommandCodecTests
{
    private const string FactBytes =
        "01010101007b68e5cf8b0100002a0000000000000001000000000000000100730900000000000000011f0300702d310b00617574686f723a2f2fc3a9070041207469746c65060063306666656500f1536500000000000000000000000029000000000000000700000000000000";

    private const string ApprovalBytes = "01010001007c68e5cf8b0100002b00000000000000010000000000000004000300702d31010061";

    private const string AuthorityBytes = "01020001000068e5cf8b010000010000000000000003000000000000000300000000000000";

    private const string MembershipBytes =
        "01030002007b68e5cf8b0100002a0000000000000001000000000000000301040000000000000002010e003132372e302e302e313a373230341500687474703a2f2f3132372e302e302e313a37313034020500000000000000030100000000000000";

    private static readonly ImmutableArray<MembershipStep> Steps =
    [
        MembershipStep.Add(new NodeId(4), MemberRole.Voter, "127.0.0.1:7204", "http://127.0.0.1:7104"),
        MembershipStep.Promote(new NodeId(5)),
        MembershipStep.Remove(new NodeId(1)),
    ];

    private static readonly FactSubmission Full = new(
        new ProposalCreated("p-1", "author://é", "A title", "c0ffee"),
        1_700_000_000,
        new CommandId("s", 9),
        0,
        new LamportTimestamp(41, new NodeId(7)));

    private static readonly CommandStamp FullStamp = new(1_700_000_000_123, new LamportTimestamp(42, new NodeId(1)));

    [Fact]
    public void The_bytes_of_commands_never_change()
    {
        Assert.Equal(FactBytes, Convert.ToHexStringLower(CommandCodec.EncodeFact(Full, FullStamp)));
        Assert.Equal(
            ApprovalBytes,
            Convert.ToHexStringLower(CommandCodec.EncodeFact(
                new FactSubmission(new PromotionApproved("p-1", "a")), new CommandStamp(1_700_000_000_124, new LamportTimestamp(43, new NodeId(1))))));
        Assert.Equal(
            AuthorityBytes,
            Convert.ToHexStringLower(CommandCodec.EncodeAuthority(
                new NodeId(3), new CommandStamp(1_700_000_000_000, new LamportTimestamp(1, new NodeId(3))))));
        Assert.Equal(MembershipBytes, Convert.ToHexStringLower(CommandCodec.EncodeMembership(Steps, FullStamp)));
    }

    [Fact]
    public void Old_bytes_stay_readable()
    {
        Assert.Equal(new FactCommand(FullStamp, Full), CommandCodec.Decode(Convert.FromHexString(FactBytes)));
        Assert.Equal(
            new AuthorityCommand(new CommandStamp(1_700_000_000_000, new LamportTimestamp(1, new NodeId(3))), new NodeId(3)),
            CommandCodec.Decode(Convert.FromHexString(AuthorityBytes)));
        Assert.Equal(FullStamp, CommandCodec.ReadStamp(Convert.FromHexString(FactBytes)));
        var membership = Assert.IsType<MembershipCommand>(CommandCodec.Decode(Convert.FromHexString(MembershipBytes)));
        Assert.Equal(Steps.AsEnumerable(), membership.Steps);
        Assert.Equal((FullStamp, ApplyRules.MembershipVersion), (membership.Stamp, membership.RequiredRules));
    }

    [Fact]
    public void Every_submission_is_read_back_as_it_was_written() =>
        Check.One(
            Config.QuickThrowOnFailure.WithMaxTest(1_000),
            Prop.ForAll(Submissions.Any.ToArbitrary(), submission =>
            {
                byte[] entry = CommandCodec.EncodeFact(submission, FullStamp);
                Assert.True(entry.Length <= CommandCodec.MaxEntryBytes);
                Assert.Equal(new FactCommand(FullStamp, submission), CommandCodec.Decode(entry));
            }));

    [Fact]
    public void The_largest_fact_fits_in_an_entry()
    {
        string Longest(int length) => new('漢', length);
        byte[] entry = CommandCodec.EncodeFact(
            new FactSubmission(
                new OverrideGranted(Longest(FactLimits.MaxProposalIdLength), Longest(FactLimits.MaxActorLength), Longest(FactLimits.MaxTextLength)),
                0,
                new CommandId(Longest(FactLimits.MaxSessionLength), 1),
                0,
                default(LamportTimestamp)),
            FullStamp);
        Assert.InRange(entry.Length, 1, CommandCodec.MaxEntryBytes);
    }

    [Fact]
    public void What_could_not_be_applied_does_not_get_into_the_log()
    {
        Assert.Throws<ArgumentException>(() => CommandCodec.EncodeFact(new FactSubmission(new PromotionApproved("", "a")), FullStamp));
        Assert.Throws<ArgumentException>(() => CommandCodec.EncodeFact(new FactSubmission(new PromotionApproved("p", "\ud800")), FullStamp));
        Assert.Throws<ArgumentException>(() => CommandCodec.EncodeAuthority(new NodeId(1), FullStamp with { TimeUnixMilliseconds = -1 }));
    }

    [Theory]
    [InlineData(0, 2, "version 2")]
    [InlineData(1, 4, "code 4")]
    [InlineData(2, 2, "flags 2")]
    [InlineData(3, 3, "version 3 of the apply rules")]
    [InlineData(3, 0, "version 0 of the apply rules")]
    [InlineData(12, 0x80, "negative")]
    public void An_entry_of_the_future_is_not_guessed(int offset, byte value, string reason)
    {
        byte[] entry = Convert.FromHexString(FactBytes);
        entry[offset] = value;
        UnsupportedCommandException unsupported = Assert.Throws<UnsupportedCommandException>(() => CommandCodec.Decode(entry));
        Assert.Contains(reason, unsupported.Message, StringComparison.Ordinal);
        Assert.Throws<UnsupportedCommandException>(() => new GovernanceState().Apply(new LogIndex(1), new Term(1), entry));
    }

    [Theory]
    [InlineData(FactBytes)]
    [InlineData(ApprovalBytes)]
    [InlineData(AuthorityBytes)]
    public void An_entry_that_is_cut_or_goes_on_is_refused(string hex)
    {
        byte[] entry = Convert.FromHexString(hex);
        for (int length = 0; length < entry.Length; length++)
        {
            Assert.Throws<UnsupportedCommandException>(() => CommandCodec.Decode(entry.AsSpan(0, length)));
        }

        Assert.Throws<UnsupportedCommandException>(() => CommandCodec.Decode([.. entry, 0]));
    }

    [Fact]
    public void Damaged_bytes_are_refused_or_have_exactly_the_meaning_that_encodes_to_them() =>
        Check.One(
            Config.QuickThrowOnFailure.WithMaxTest(3_000),
            Prop.ForAll(
                (from submission in Submissions.Any
                 from place in Gen.Choose(0, 9_999)
                 from bits in Gen.Choose(1, 255)
                 select (submission, place, bits)).ToArbitrary(),
                damage =>
                {
                    byte[] entry = CommandCodec.EncodeFact(damage.submission, FullStamp);
                    entry[damage.place * entry.Length / 10_000] ^= (byte)damage.bits;
                    StampedCommand command;
                    try
                    {
                        command = CommandCodec.Decode(entry);
                    }
                    catch (UnsupportedCommandException)
                    {
                        return;
                    }

                    if (command is FactCommand fact && SubmissionRules.Check(fact.Submission) is null)
                    {
                        Assert.Equal(entry, CommandCodec.EncodeFact(fact.Submission, fact.Stamp));
                    }
                }));
}
