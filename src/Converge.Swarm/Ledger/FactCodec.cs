using System.Buffers.Binary;
using System.Text;
using Converge.Core;

namespace Converge.Swarm.Ledger;

/// <summary>
/// A fact as bytes: the same in a log entry and in a ledger record, so that recording copies instead of encoding again.
/// Specified in <c>docs/formats/ledger.md</c>; every submission has exactly one encoding.
/// </summary>
internal static class FactCodec
{
    private const int LamportSize = 2 * sizeof(ulong);

    [Flags]
    private enum Parts : byte
    {
        None = 0,
        Text = 1 << 0,
        ContentHash = 1 << 1,
        At = 1 << 2,
        ExpectedRevision = 1 << 3,
        Lamport = 1 << 4,
        All = Text | ContentHash | At | ExpectedRevision | Lamport,
    }

    public static int SizeOf(FactSubmission submission)
    {
        GovernanceFact fact = submission.Fact;
        int size = 2 + FieldWriter.SizeOf(fact.ProposalId) + FieldWriter.SizeOf(fact.Actor);
        size += fact.Text() is { } text ? FieldWriter.SizeOf(text) : 0;
        size += fact.ContentHash() is { } contentHash ? FieldWriter.SizeOf(contentHash) : 0;
        size += submission.At is null ? 0 : sizeof(long);
        size += submission.ExpectedRevision is null ? 0 : sizeof(ulong);
        size += submission.Lamport is null ? 0 : LamportSize;
        return size;
    }

    public static void Write(ref FieldWriter writer, FactSubmission submission)
    {
        GovernanceFact fact = submission.Fact;
        string? text = fact.Text();
        string? contentHash = fact.ContentHash();
        Parts parts = (text is null ? Parts.None : Parts.Text)
            | (contentHash is null ? Parts.None : Parts.ContentHash)
            | (submission.At is null ? Parts.None : Parts.At)
            | (submission.ExpectedRevision is null ? Parts.None : Parts.ExpectedRevision)
            | (submission.Lamport is null ? Parts.None : Parts.Lamport);

        writer.Byte((byte)fact.Kind);
        writer.Byte((byte)parts);
        writer.String(fact.ProposalId);
        writer.String(fact.Actor);
        if (text is not null)
        {
            writer.String(text);
        }

        if (contentHash is not null)
        {
            writer.String(contentHash);
        }

        if (submission.At is { } at)
        {
            writer.Int64(at);
        }

        if (submission.ExpectedRevision is { } expectedRevision)
        {
            writer.UInt64(expectedRevision);
        }

        if (submission.Lamport is { } lamport)
        {
            writer.UInt64(lamport.Counter);
            writer.UInt64(lamport.Node.Value);
        }
    }

    /// <summary>The id of the proposal that an encoded fact is about, with nothing checked; empty when the bytes end before it does.</summary>
    public static ReadOnlySpan<byte> PeekProposalId(ReadOnlySpan<byte> fact)
    {
        // Behind the kind and the parts.
        ReadOnlySpan<byte> id = fact[Math.Min(2, fact.Length)..];
        return BinaryPrimitives.TryReadUInt16LittleEndian(id, out ushort length) && FieldWriter.StringLengthSize + length <= id.Length
            ? id.Slice(FieldWriter.StringLengthSize, length)
            : default;
    }

    /// <summary>Takes the next fields as a fact, and refuses everything that <see cref="Write"/> does not write.</summary>
    /// <exception cref="MalformedEncodingException">These are not the bytes of a fact.</exception>
    public static EncodedFact Read(scoped ref FieldReader reader)
    {
        int start = reader.Position;
        var kind = (FactKind)reader.Byte("the fact's kind");
        if (kind is < FactKind.ProposalCreated or > FactKind.OverrideGranted)
        {
            throw new MalformedEncodingException($"There is no kind of fact with the code {(int)kind}.");
        }

        var parts = (Parts)reader.Byte("the fact's parts");
        if ((parts & ~Parts.All) != Parts.None
            || (parts.HasFlag(Parts.Text) ? kind.TextField() is null : kind.RequiresReason())
            || (parts.HasFlag(Parts.ContentHash) && kind != FactKind.ProposalCreated))
        {
            throw new MalformedEncodingException($"A {kind.Name()} cannot have the parts {(int)parts}.");
        }

        var fact = new EncodedFact
        {
            Kind = kind,
            ProposalId = reader.String("proposal_id", 1, FactLimits.MaxProposalIdLength),
            Actor = reader.String("the actor", 1, FactLimits.MaxActorLength),
        };
        if (parts.HasFlag(Parts.Text))
        {
            fact.HasText = true;
            fact.Text = reader.String("the text", kind.RequiresReason() ? 1 : 0, kind.MaxTextLength());
        }

        if (parts.HasFlag(Parts.ContentHash))
        {
            fact.HasContentHash = true;
            fact.ContentHash = reader.String("content_hash", 0, FactLimits.MaxContentHashLength);
        }

        if (parts.HasFlag(Parts.At))
        {
            fact.At = reader.NonNegativeInt64("at");
        }

        if (parts.HasFlag(Parts.ExpectedRevision))
        {
            fact.ExpectedRevision = reader.UInt64("expected_revision");
        }

        if (parts.HasFlag(Parts.Lamport))
        {
            fact.Lamport = new LamportTimestamp(reader.UInt64("lamport.counter"), new NodeId(reader.UInt64("lamport.node")));
        }

        fact.Bytes = reader.Since(start);
        return fact;
    }
}

/// <summary>A fact within the bytes that it was read from: nothing is copied until somebody needs it.</summary>
internal ref struct EncodedFact
{
    public FactKind Kind;
    public ReadOnlySpan<byte> ProposalId;
    public ReadOnlySpan<byte> Actor;
    public bool HasText;
    public ReadOnlySpan<byte> Text;
    public bool HasContentHash;
    public ReadOnlySpan<byte> ContentHash;
    public long? At;
    public ulong? ExpectedRevision;
    public LamportTimestamp? Lamport;

    /// <summary>The whole encoding.</summary>
    public ReadOnlySpan<byte> Bytes;

    public readonly FactSubmission ToSubmission(CommandId? commandId) => new(
        FactShape.Create(
            Kind,
            Encoding.UTF8.GetString(ProposalId),
            Encoding.UTF8.GetString(Actor),
            HasText ? Encoding.UTF8.GetString(Text) : null,
            HasContentHash ? Encoding.UTF8.GetString(ContentHash) : null),
        At,
        commandId,
        ExpectedRevision,
        Lamport);
}
