using Converge.Core;
using Converge.Raft;
using Converge.Swarm.Ledger;

namespace Converge.Swarm.Governance;

/// <summary>
/// A running SHA-256 over everything that applying did, refusals and no-ops included: replicas with equal digests at an index have
/// made the same of the log up to there. Specified in <c>docs/governance.md</c>.
/// </summary>
internal sealed class ApplyDigest(Hash256 value = default)
{
    // Apart from the prefixes of RFC 6962, so that no digest can pass for a hash of the ledger.
    private const byte Prefix = 0x02;

    private const int HeadSize = 1 + Hash256.Size + (2 * sizeof(ulong)) + 1;
    private const int MaxSize = HeadSize + (3 * sizeof(ulong)) + 1 + (2 * sizeof(ulong)) + Hash256.Size + (2 * sizeof(uint));

    public Hash256 Value { get; private set; } = value;

    public void FoldNoOp(LogIndex index, Term term)
    {
        Span<byte> bytes = stackalloc byte[HeadSize];
        var writer = new FieldWriter(bytes);
        WriteHead(ref writer, index, term, ApplyResult.NoOp);
        Value = Hash256.Of(bytes);
    }

    public void FoldAuthority(LogIndex index, Term term, in RecordMark record)
    {
        Span<byte> bytes = stackalloc byte[HeadSize + sizeof(ulong) + Hash256.Size];
        var writer = new FieldWriter(bytes);
        WriteHead(ref writer, index, term, ApplyResult.AuthorityRecorded);
        writer.UInt64(record.Sequence);
        writer.Hash(record.Hash);
        Value = Hash256.Of(bytes);
    }

    public void FoldMembership(LogIndex index, Term term, CommandStamp stamp, in RecordMark record)
    {
        Span<byte> bytes = stackalloc byte[HeadSize + (4 * sizeof(ulong)) + Hash256.Size];
        var writer = new FieldWriter(bytes);
        WriteHead(ref writer, index, term, ApplyResult.MembershipRecorded);
        WriteStamp(ref writer, stamp);
        writer.UInt64(record.Sequence);
        writer.Hash(record.Hash);
        Value = Hash256.Of(bytes);
    }

    public void FoldMembershipRefusal(LogIndex index, Term term, CommandStamp stamp, MembershipRefusal reason)
    {
        Span<byte> bytes = stackalloc byte[HeadSize + (3 * sizeof(ulong)) + 1];
        var writer = new FieldWriter(bytes);
        WriteHead(ref writer, index, term, ApplyResult.MembershipRefused);
        WriteStamp(ref writer, stamp);
        writer.Byte((byte)reason);
        Value = Hash256.Of(bytes);
    }

    public void FoldSettledMembership(LogIndex index, Term term, ConfigurationState configuration)
    {
        byte[] bytes = new byte[HeadSize + MembershipCodec.SizeOf(configuration.Voters) + MembershipCodec.SizeOf(configuration.Learners)];
        var writer = new FieldWriter(bytes);
        WriteHead(ref writer, index, term, ApplyResult.MembershipSettled);
        MembershipCodec.Write(ref writer, configuration.Voters);
        MembershipCodec.Write(ref writer, configuration.Learners);
        Value = Hash256.Of(bytes);
    }

    public void FoldFact(
        LogIndex index, Term term, ApplyResult result, CommandStamp stamp, in AnswerData answer, int sessions, int answers)
    {
        Span<byte> bytes = stackalloc byte[MaxSize];
        var writer = new FieldWriter(bytes);
        WriteHead(ref writer, index, term, result);
        WriteStamp(ref writer, stamp);
        answer.FoldInto(ref writer);
        writer.UInt32((uint)sessions);
        writer.UInt32((uint)answers);
        Value = Hash256.Of(bytes[..writer.Position]);
    }

    private static void WriteStamp(ref FieldWriter writer, CommandStamp stamp)
    {
        writer.Int64(stamp.TimeUnixMilliseconds);
        writer.UInt64(stamp.Lamport.Counter);
        writer.UInt64(stamp.Lamport.Node.Value);
    }

    private void WriteHead(ref FieldWriter writer, LogIndex index, Term term, ApplyResult result)
    {
        writer.Byte(Prefix);
        writer.Hash(Value);
        writer.UInt64(index.Value);
        writer.UInt64(term.Value);
        writer.Byte((byte)result);
    }
}
