using Converge.Core;
using Converge.Swarm.Ledger;
using Converge.Swarm.Tests.Governance;
using FsCheck;
using FsCheck.Fluent;

namespace Converge.Swarm.Tests.Ledger;

public sealed class LedgerRecordCodecTests
{
    private const string AuthorityBytes =
        "0102000100000000000000020000000000000001000000000000000068e5cf8b0100000100000000000000030000000000000000000000000000000000000000000000000000000000000000000000000000000300000000000000";

    private const string AuthorityHash = "c9627aeb5aa6e93b32b8839e0248b24fdbcd02c1b0af929410dd6a5fb4c75134";

    private const string FactBytes =
        "0101010200000000000000030000000000000001000000000000007b68e5cf8b0100002a000000000000000100000000000000c9627aeb5aa6e93b32b8839e0248b24fdbcd02c1b0af929410dd6a5fb4c751340100730900000000000000011f0300702d310b00617574686f723a2f2fc3a9070041207469746c65060063306666656500f1536500000000000000000000000029000000000000000700000000000000";

    private const string FactHash = "6c8b96c178fef631bb3d2e56a2d1b9fce30ba502d03012cb4c3b5c466509010b";

    private static readonly string NoHash = new('0', 64);

    private static readonly LedgerRecord Authority = new(
        1, new LogIndex(2), new Term(1), 1_700_000_000_000, new LamportTimestamp(1, new NodeId(3)), RecordKind.Authority, null, null, new NodeId(3), NoHash, AuthorityHash);

    private static readonly LedgerRecord Fact = new(
        2,
        new LogIndex(3),
        new Term(1),
        1_700_000_000_123,
        new LamportTimestamp(42, new NodeId(1)),
        RecordKind.Fact,
        new CommandId("s", 9),
        new FactSubmission(
            new ProposalCreated("p-1", "author://é", "A title", "c0ffee"), 1_700_000_000, new CommandId("s", 9), 0, new LamportTimestamp(41, new NodeId(7))),
        null,
        AuthorityHash,
        FactHash);

    private const string MembershipBytes =
        "020300030000000000000005000000000000000100000000000000c868e5cf8b0100002b0000000000000001000000000000006c8b96c178fef631bb3d2e56a2d1b9fce30ba502d03012cb4c3b5c466509010b0401040000000000000002010e003132372e302e302e313a373230341500687474703a2f2f3132372e302e302e313a3731303401050000000000000001000e003132372e302e302e313a37323035020600000000000000030100000000000000030200000000000000030000000000000006000000000000000204000000000000000500000000000000";

    private const string MembershipHash = "d610bf42f26897e90a1cbeb6172985c2779023250d974f3bb9fb002310bace8a";

    private static readonly LedgerRecord Membership = new(
        3, new LogIndex(5), new Term(1), 1_700_000_000_200, new LamportTimestamp(43, new NodeId(1)), RecordKind.Membership, null, null, null, FactHash, MembershipHash)
    {
        Membership = new MembershipChange(
            [
                MembershipStep.Add(new NodeId(4), MemberRole.Voter, "127.0.0.1:7204", "http://127.0.0.1:7104"),
                MembershipStep.Add(new NodeId(5), MemberRole.Learner, "127.0.0.1:7205"),
                MembershipStep.Promote(new NodeId(6)),
                MembershipStep.Remove(new NodeId(1)),
            ],
            [new NodeId(2), new NodeId(3), new NodeId(6)],
            [new NodeId(4), new NodeId(5)]),
    };

    /// <summary>A ledger of three records, one of each kind.</summary>
    internal static IReadOnlyList<LedgerRecord> OneOfEachKind => [Authority, Fact, Membership];

    [Fact]
    public void The_bytes_and_hashes_of_records_never_change()
    {
        EncodedRecord authority = LedgerRecordCodec.Encode(Authority);
        EncodedRecord fact = LedgerRecordCodec.Encode(Fact);
        Assert.Equal((AuthorityBytes, AuthorityHash), (Convert.ToHexStringLower(authority.Bytes.Span), authority.Hash.ToString()));
        EncodedRecord membership = LedgerRecordCodec.Encode(Membership);
        Assert.Equal((MembershipBytes, MembershipHash), (Convert.ToHexStringLower(membership.Bytes.Span), membership.Hash.ToString()));
        Assert.Equal((FactBytes, FactHash), (Convert.ToHexStringLower(fact.Bytes.Span), fact.Hash.ToString()));
    }

    [Fact]
    public void Old_bytes_stay_readable()
    {
        Assert.Equal(Authority, LedgerRecordCodec.Decode(Convert.FromHexString(AuthorityBytes)));
        Assert.Equal(Fact, LedgerRecordCodec.Decode(Convert.FromHexString(FactBytes)));
        Assert.Equal(Membership, LedgerRecordCodec.Decode(Convert.FromHexString(MembershipBytes)));
    }

    [Fact]
    public void A_records_hash_is_its_leaf_hash() =>
        Assert.Equal(FactHash, MerkleTree.LeafHash(Convert.FromHexString(FactBytes)).ToString());

    [Fact]
    public void Every_record_is_read_back_as_it_was_written() =>
        Check.One(
            Config.QuickThrowOnFailure.WithMaxTest(500),
            Prop.ForAll(Submissions.Any.ToArbitrary(), submission =>
            {
                LedgerRecord record = Fact with { CommandId = submission.CommandId, Submission = submission };
                EncodedRecord encoded = LedgerRecordCodec.Encode(record);
                Assert.Equal(record with { Hash = encoded.Hash.ToString() }, LedgerRecordCodec.Decode(encoded));
                Assert.Equal(encoded.Bytes.ToArray(), LedgerRecordCodec.Encode(LedgerRecordCodec.Decode(encoded.Bytes.Span)).Bytes.ToArray());
            }));

    [Theory]
    [InlineData(AuthorityBytes)]
    [InlineData(FactBytes)]
    [InlineData(MembershipBytes)]
    public void Bytes_that_are_cut_or_go_on_or_of_the_future_are_not_a_record(string hex)
    {
        byte[] bytes = Convert.FromHexString(hex);
        for (int length = 0; length < bytes.Length; length++)
        {
            Assert.Throws<MalformedEncodingException>(() => LedgerRecordCodec.Decode(bytes.AsSpan(0, length)));
        }

        Assert.Throws<MalformedEncodingException>(() => LedgerRecordCodec.Decode([.. bytes, 0]));
        byte otherVersion = (byte)(bytes[0] ^ 3);
        foreach ((int offset, byte value) in new[] { (0, otherVersion), (0, (byte)3), (1, (byte)4), (1, (byte)(bytes[1] == 3 ? 2 : 3)), (2, (byte)2) })
        {
            byte[] changed = [.. bytes];
            changed[offset] = value;
            Assert.Throws<MalformedEncodingException>(() => LedgerRecordCodec.Decode(changed));
        }
    }

    [Fact]
    public void A_record_whose_parts_do_not_fit_cannot_be_encoded()
    {
        LedgerRecord[] unfit =
        [
            Fact with { Leader = new NodeId(1) },
            Fact with { Submission = null },
            Fact with { CommandId = new CommandId("t", 1) },
            Fact with { Submission = Fact.Submission! with { At = -1 } },
            Fact with { TimeUnixMilliseconds = -1 },
            Fact with { PreviousHash = "0" },
            Authority with { Leader = null },
            Authority with { CommandId = Fact.CommandId },
            Authority with { Kind = RecordKind.Membership },
            Authority with { Membership = Membership.Membership },
            Membership with { Membership = null },
            Membership with { Membership = Membership.Membership! with { Voters = [] } },
            Membership with { Leader = new NodeId(1) },
        ];
        Assert.All(unfit, record => Assert.Throws<ArgumentException>(() => LedgerRecordCodec.Encode(record)));
    }
}
