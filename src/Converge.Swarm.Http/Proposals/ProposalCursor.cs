using System.Buffers;
using System.Buffers.Binary;
using System.Buffers.Text;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using Converge.Core;

namespace Converge.Swarm.Http.Proposals;

/// <summary>
/// Where a page of proposals ends, as a text that clients hand back and do not look into. It means the same on every node: it speaks of
/// ledger records, not of rows.
/// </summary>
/// <param name="Status">What the pages are filtered by; null for nothing.</param>
/// <param name="AfterCreated">The creation of the last proposal given.</param>
/// <param name="AsOfSequence">What that page was as of: the next one is not older.</param>
internal readonly record struct ProposalCursor(ProposalStatus? Status, ulong AfterCreated, ulong AsOfSequence)
{
    /// <summary>The length of the text.</summary>
    public static readonly int Length = Base64Url.GetEncodedLength(Bytes);

    private const byte Version = 1;
    private const int ContentBytes = 1 + 1 + sizeof(ulong) + sizeof(ulong);
    private const int ChecksumBytes = 4;
    private const int Bytes = ContentBytes + ChecksumBytes;

    /// <summary>The text.</summary>
    public override string ToString()
    {
        Span<byte> bytes = stackalloc byte[Bytes];
        bytes[0] = Version;
        bytes[1] = Status is { } status ? (byte)status : (byte)0;
        BinaryPrimitives.WriteUInt64LittleEndian(bytes[2..], AfterCreated);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes[10..], AsOfSequence);
        Checksum(bytes[..ContentBytes]).CopyTo(bytes[ContentBytes..]);
        return Base64Url.EncodeToString(bytes);
    }

    /// <summary>Reads the text. False for anything that no node wrote.</summary>
    public static bool TryParse(string text, [NotNullWhen(true)] out ProposalCursor? cursor)
    {
        cursor = null;
        Span<byte> bytes = stackalloc byte[Bytes];

        // Not the Try form of it: that one throws for characters that are not in the alphabet.
        if (text.Length != Length || Base64Url.DecodeFromChars(text, bytes, out _, out int length) != OperationStatus.Done || length != Bytes
            || bytes[0] != Version
            || !Checksum(bytes[..ContentBytes]).SequenceEqual(bytes[ContentBytes..])
            || (bytes[1] != 0 && !Enum.IsDefined((ProposalStatus)bytes[1])))
        {
            return false;
        }

        ulong afterCreated = BinaryPrimitives.ReadUInt64LittleEndian(bytes[2..]);
        ulong asOfSequence = BinaryPrimitives.ReadUInt64LittleEndian(bytes[10..]);
        if (afterCreated > asOfSequence || asOfSequence > FactLimits.MaxNumber)
        {
            return false;
        }

        cursor = new ProposalCursor(bytes[1] == 0 ? null : (ProposalStatus)bytes[1], afterCreated, asOfSequence);
        return true;
    }

    /// <summary>Against texts that were cut or mistyped; whoever makes one up harms nobody.</summary>
    private static ReadOnlySpan<byte> Checksum(ReadOnlySpan<byte> content) => SHA256.HashData(content).AsSpan(0, ChecksumBytes);
}
