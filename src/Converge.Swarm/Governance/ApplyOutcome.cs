using Converge.Core;
using Converge.Swarm.Ledger;
using Converge.Swarm.Members;

namespace Converge.Swarm.Governance;

/// <summary>What applying one entry came to. The values are part of the apply digest and never change.</summary>
public enum ApplyResult
{
    /// <summary>Nothing: an entry that is the protocol's own business.</summary>
    NoOp = 0,

    /// <summary>A fact was recorded.</summary>
    FactRecorded = 1,

    /// <summary>A fact was refused.</summary>
    FactRefused = 2,

    /// <summary>A command came again and got its first answer; nothing else changed.</summary>
    Repeated = 3,

    /// <summary>The beginning of a leader's term was recorded.</summary>
    AuthorityRecorded = 4,

    /// <summary>The members changed, and that was recorded.</summary>
    MembershipRecorded = 5,

    /// <summary>A change of the members was refused.</summary>
    MembershipRefused = 6,

    /// <summary>A change of several voters is through: the ones before it decide no more.</summary>
    MembershipSettled = 7,
}

/// <summary>A record of the ledger, by its place and its hash.</summary>
/// <param name="Sequence">Its number.</param>
/// <param name="Hash">Its own hash, which is its leaf hash too.</param>
public readonly record struct RecordMark(ulong Sequence, Hash256 Hash);

/// <summary>What applying one entry came to: for the client, and for the ledger.</summary>
public readonly struct ApplyOutcome
{
    private readonly AnswerData _answer;

    private ApplyOutcome(ApplyResult result, in AnswerData answer, MembershipApplied? membership = null)
    {
        Result = result;
        _answer = answer;
        Membership = membership;
    }

    /// <summary>Which of the cases it is.</summary>
    public ApplyResult Result { get; }

    /// <summary>True when this is the first answer to a command that came again.</summary>
    public bool Repeated => Result == ApplyResult.Repeated;

    /// <summary>The new record of the ledger, when there is one. Its bytes are to be had from the state (<see cref="GovernanceState.CopyRecord"/>).</summary>
    public RecordMark? Record =>
        Result is ApplyResult.FactRecorded or ApplyResult.AuthorityRecorded or ApplyResult.MembershipRecorded ? _answer.Record : null;

    /// <summary>For an entry that changes the configuration: what became of it. Otherwise null.</summary>
    public MembershipApplied? Membership { get; }

    /// <summary>The client's answer, in the form in which it is kept; nothing of use when no client asked.</summary>
    internal AnswerData Answer => _answer;

    /// <summary>
    /// The client's answer, <see cref="FactAccepted"/> or <see cref="FactRefused"/>; null when no client asked. Made anew by each call:
    /// on most nodes nobody waits for it.
    /// </summary>
    public CommitAnswer? ToAnswer() =>
        Result is ApplyResult.FactRecorded or ApplyResult.FactRefused or ApplyResult.Repeated ? _answer.ToAnswer() : null;

    internal static ApplyOutcome Recorded(in AnswerData answer) => new(ApplyResult.FactRecorded, answer);

    internal static ApplyOutcome Refused(in AnswerData answer) => new(ApplyResult.FactRefused, answer);

    internal static ApplyOutcome RepeatedWith(in AnswerData first) => new(ApplyResult.Repeated, first);

    internal static ApplyOutcome OfAuthority(RecordMark record) => new(ApplyResult.AuthorityRecorded, new AnswerData(record));

    internal static ApplyOutcome OfMembers(RecordMark record, MembershipApplied membership) =>
        new(ApplyResult.MembershipRecorded, new AnswerData(record), membership);

    internal static ApplyOutcome OfMembers(ApplyResult result, MembershipApplied membership) => new(result, default, membership);
}

/// <summary>An answer in the form in which hundreds of thousands are kept.</summary>
internal readonly struct AnswerData
{
    /// <summary>No encoding is longer.</summary>
    public const int MaxEncodedBytes = 1 + (7 * sizeof(ulong)) + Hash256.Size;

    private readonly RefusalCode _refusal;
    private readonly ulong _revision;
    private readonly ulong _sequence;
    private readonly LogIndex _index;
    private readonly Term _term;
    private readonly CommandStamp _stamp;
    private readonly Hash256 _hash;

    public AnswerData(RefusalCode refusal, ulong revision)
    {
        _refusal = refusal;
        _revision = revision;
    }

    public AnswerData(RecordMark record, LogIndex index, Term term, CommandStamp stamp, ulong revision)
    {
        _revision = revision;
        _sequence = record.Sequence;
        _index = index;
        _term = term;
        _stamp = stamp;
        _hash = record.Hash;
    }

    /// <summary>Of a record for which no client waits.</summary>
    public AnswerData(RecordMark record)
    {
        _sequence = record.Sequence;
        _hash = record.Hash;
    }

    public RecordMark Record => new(_sequence, _hash);

    public bool IsRefusal => _refusal != default;

    public CommitAnswer ToAnswer() => IsRefusal
        ? new FactRefused(_refusal, _revision)
        : new FactAccepted(_sequence, _index, _term, _stamp.TimeUnixMilliseconds, _stamp.Lamport, _hash.ToString(), _revision);

    /// <summary>Writes all of it. Specified in <c>docs/formats/snapshot.md</c>.</summary>
    public void Write(ref FieldWriter writer)
    {
        writer.Byte((byte)_refusal);
        writer.UInt64(_revision);
        if (IsRefusal)
        {
            return;
        }

        writer.UInt64(_sequence);
        writer.UInt64(_index.Value);
        writer.UInt64(_term.Value);
        writer.Int64(_stamp.TimeUnixMilliseconds);
        writer.UInt64(_stamp.Lamport.Counter);
        writer.UInt64(_stamp.Lamport.Node.Value);
        writer.Hash(_hash);
    }

    /// <summary>Takes the next fields as an answer.</summary>
    /// <exception cref="MalformedEncodingException">These are not the bytes of an answer.</exception>
    public static AnswerData Read(scoped ref FieldReader reader)
    {
        var refusal = (RefusalCode)reader.Byte("the answer's reason");
        if (refusal != default && !Enum.IsDefined(refusal))
        {
            throw new MalformedEncodingException($"There is no reason for a refusal with the code {(int)refusal}.");
        }

        ulong revision = reader.UInt64("the answer's revision");
        if (refusal != default)
        {
            return new AnswerData(refusal, revision);
        }

        ulong sequence = reader.UInt64("the answer's sequence");
        var index = new LogIndex(reader.UInt64("the answer's index"));
        var term = new Term(reader.UInt64("the answer's term"));
        var stamp = new CommandStamp(
            reader.NonNegativeInt64("the answer's time"),
            new LamportTimestamp(reader.UInt64("the answer's Lamport counter"), new NodeId(reader.UInt64("the answer's Lamport node"))));
        return new AnswerData(new RecordMark(sequence, reader.Hash("the answer's hash")), index, term, stamp, revision);
    }

    /// <summary>What the apply digest says of it.</summary>
    public void FoldInto(ref FieldWriter writer)
    {
        writer.Byte((byte)_refusal);
        writer.UInt64(_revision);
        writer.UInt64(_sequence);
        writer.Hash(_hash);
    }
}
