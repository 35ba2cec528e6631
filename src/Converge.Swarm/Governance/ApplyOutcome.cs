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

/// <summary>What applying one entry came to: for the client, and for the ledger.</summary>
public readonly struct ApplyOutcome
{
    // The first answer to a command that came again, or what became of a change of members. Few entries are of these kinds, and one of these exists
    // for each entry: whatever its record tells is not told twice.
    private readonly object? _rest;
    private readonly ulong _revision;
    private readonly RefusalCode _refusal;

    private ApplyOutcome(ApplyResult result, ulong revision, RefusalCode refusal, EncodedRecord? record, object? rest)
    {
        Result = result;
        _revision = revision;
        _refusal = refusal;
        Record = record;
        _rest = rest;
    }

    /// <summary>Which of the cases it is.</summary>
    public ApplyResult Result { get; }

    /// <summary>True when this is the first answer to a command that came again.</summary>
    public bool Repeated => Result == ApplyResult.Repeated;

    /// <summary>The new record of the ledger, when there is one.</summary>
    public EncodedRecord? Record { get; }

    /// <summary>For an entry that changes the configuration: what became of it. Otherwise null.</summary>
    public MembershipApplied? Membership => _rest as MembershipApplied;

    /// <summary>
    /// The client's answer, <see cref="FactAccepted"/> or <see cref="FactRefused"/>; null when no client asked. Made anew by each call:
    /// on most nodes nobody waits for it.
    /// </summary>
    public CommitAnswer? ToAnswer() => Result switch
    {
        ApplyResult.FactRecorded => new AnswerData(Record!, _revision).ToAnswer(),
        ApplyResult.FactRefused => new FactRefused(_refusal, _revision),
        ApplyResult.Repeated => ((AnswerData)_rest!).ToAnswer(),
        _ => null,
    };

    internal static ApplyOutcome Recorded(EncodedRecord record, ulong revision) => new(ApplyResult.FactRecorded, revision, default, record, rest: null);

    internal static ApplyOutcome Refused(RefusalCode refusal, ulong revision) => new(ApplyResult.FactRefused, revision, refusal, record: null, rest: null);

    internal static ApplyOutcome RepeatedWith(in AnswerData first) => new(ApplyResult.Repeated, 0, default, record: null, first);

    internal static ApplyOutcome OfAuthority(EncodedRecord record) => new(ApplyResult.AuthorityRecorded, 0, default, record, rest: null);

    internal static ApplyOutcome OfMembers(ApplyResult result, EncodedRecord? record, MembershipApplied membership) => new(result, 0, default, record, membership);
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

    public AnswerData(EncodedRecord record, ulong revision)
    {
        _revision = revision;
        _sequence = record.Sequence;
        _index = record.Envelope.Index;
        _term = record.Envelope.Term;
        _stamp = new CommandStamp(record.Envelope.TimeUnixMilliseconds, record.Envelope.Lamport);
        _hash = record.Hash;
    }

    private AnswerData(ulong revision, ulong sequence, LogIndex index, Term term, CommandStamp stamp, Hash256 hash)
    {
        _revision = revision;
        _sequence = sequence;
        _index = index;
        _term = term;
        _stamp = stamp;
        _hash = hash;
    }

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
        return refusal != default
            ? new AnswerData(refusal, revision)
            : new AnswerData(
                revision,
                reader.UInt64("the answer's sequence"),
                new LogIndex(reader.UInt64("the answer's index")),
                new Term(reader.UInt64("the answer's term")),
                new CommandStamp(
                    reader.NonNegativeInt64("the answer's time"),
                    new LamportTimestamp(reader.UInt64("the answer's Lamport counter"), new NodeId(reader.UInt64("the answer's Lamport node")))),
                reader.Hash("the answer's hash"));
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
