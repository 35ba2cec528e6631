using System.Buffers.Binary;
using System.Collections.Immutable;
using Converge.Core;
using Converge.Raft;
using Converge.Swarm.Ledger;
using Converge.Swarm.Members;
using Converge.Swarm.Storage;

namespace Converge.Swarm.Governance;

/// <summary>What a snapshot says of itself. Specified in <c>docs/formats/snapshot.md</c>.</summary>
public sealed record StateSnapshotHeader
{
    /// <summary>The version that is written.</summary>
    public const uint FormatVersion = 2;

    /// <summary>The first version, in which a proposal has all of its creation.</summary>
    internal const uint FirstFormatVersion = 1;

    /// <summary>The members' records may have so many bytes together.</summary>
    public const int MaxMemberRecordBytes = 4 * 1024 * 1024;

    /// <summary>Magic, version, length of the header, its checksum.</summary>
    internal const int PreambleBytes = 8 + (3 * sizeof(uint));

    internal const int MaxBytes = MaxMemberRecordBytes + (1024 * 1024);

    private const int FixedBytes = sizeof(ushort) + (2 * sizeof(ulong)) + Hash256.Size + (3 * sizeof(ulong))
        + (6 * sizeof(ulong)) + (2 * Hash256.Size) + sizeof(ulong) + (2 * sizeof(uint)) + 1 + (4 * sizeof(uint)) + sizeof(uint);

    /// <summary>The version in which it is written.</summary>
    public uint Version { get; init; } = FormatVersion;

    /// <summary>The version of <see cref="ApplyRules"/> that a node needs to go on from here.</summary>
    public required ushort RequiredRules { get; init; }

    /// <summary>The last entry that the state stands for.</summary>
    public required LogIndex Index { get; init; }

    /// <summary>The term of that entry.</summary>
    public required Term Term { get; init; }

    /// <summary>The configuration in force after that entry.</summary>
    public required ConfigurationState Configuration { get; init; }

    /// <summary>What is recorded about the members; opaque here.</summary>
    public required ReadOnlyMemory<byte> MemberRecords { get; init; }

    /// <summary>The members that the records tell of. Without records nothing is known of them but the configuration.</summary>
    /// <param name="path">The file, for the message.</param>
    /// <exception cref="SnapshotDamagedException">The records are not what is written, or are those of another configuration.</exception>
    internal MemberTable ReadMembers(string path)
    {
        if (MemberRecords.IsEmpty)
        {
            return MemberTable.Of(Configuration, Index);
        }

        try
        {
            MemberTable members = MemberTableCodec.Decode(MemberRecords.Span);
            return members.Configuration.Equals(Configuration)
                ? members
                : throw new MalformedEncodingException($"the members' configuration is {members.Configuration}, the snapshot's {Configuration}");
        }
        catch (MalformedEncodingException malformed)
        {
            throw new SnapshotDamagedException(path, 0, malformed.Message);
        }
    }

    /// <summary>The apply digest after that entry.</summary>
    public required Hash256 Digest { get; init; }

    /// <summary>The stamp of the last stamped entry.</summary>
    public required CommandStamp LastStamp { get; init; }

    /// <summary>The end of the ledger after that entry.</summary>
    public required LedgerHead Ledger { get; init; }

    /// <summary>How many proposals there are.</summary>
    public required ulong Proposals { get; init; }

    /// <summary>How many sessions are kept.</summary>
    public required uint Sessions { get; init; }

    /// <summary>How many answers are kept.</summary>
    public required uint Answers { get; init; }

    internal LedgerCheckpointEnd LedgerEnd { get; init; }

    /// <summary>The roots of the complete subtrees below a block at the ledger's end, the smallest first.</summary>
    internal ImmutableArray<Hash256> LedgerEdge { get; init; } = [];

    private static ReadOnlySpan<byte> Magic => "CVSNAPST"u8;

    /// <summary>The preamble and the header.</summary>
    internal byte[] Encode(out uint checksum)
    {
        ReadOnlySpan<ImmutableArray<NodeId>> sets =
            [Configuration.Voters, Configuration.VotersOutgoing, Configuration.Learners, Configuration.LearnersNext];
        int members = 0;
        foreach (ImmutableArray<NodeId> set in sets)
        {
            members += set.Length;
        }

        int length = FixedBytes + (LedgerEdge.Length * Hash256.Size) + (members * sizeof(ulong)) + MemberRecords.Length;
        Invariant.Check(length <= MaxBytes, $"A snapshot's header of {length} bytes, {MemberRecords.Length} of them of member records, is larger than {MaxBytes}.");
        byte[] bytes = new byte[PreambleBytes + length];
        var writer = new FieldWriter(bytes.AsSpan(PreambleBytes));
        writer.UInt16(RequiredRules);
        writer.UInt64(Index.Value);
        writer.UInt64(Term.Value);
        writer.Hash(Digest);
        WriteStamp(ref writer, LastStamp);
        writer.UInt64(Ledger.Sequence);
        writer.Hash(LedgerEnd.Hash);
        writer.Hash(LedgerEnd.Root);
        writer.UInt64(LedgerEnd.Index.Value);
        writer.UInt64(LedgerEnd.Term.Value);
        WriteStamp(ref writer, new CommandStamp(LedgerEnd.TimeUnixMilliseconds, LedgerEnd.Lamport));
        foreach (Hash256 subtree in LedgerEdge)
        {
            writer.Hash(subtree);
        }

        writer.UInt64(Proposals);
        writer.UInt32(Sessions);
        writer.UInt32(Answers);
        writer.Byte(Configuration.AutoLeave ? (byte)1 : (byte)0);
        foreach (ImmutableArray<NodeId> set in sets)
        {
            writer.UInt32((uint)set.Length);
            foreach (NodeId node in set)
            {
                writer.UInt64(node.Value);
            }
        }

        writer.UInt32((uint)MemberRecords.Length);
        writer.Bytes(MemberRecords.Span);
        Invariant.Check(writer.Position == length, $"A snapshot's header has {writer.Position} bytes, not {length}.");

        Magic.CopyTo(bytes);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(8), FormatVersion);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(12), (uint)length);
        checksum = Checksum(bytes);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(16), checksum);
        return bytes;
    }

    /// <summary>Reads the beginning of a file.</summary>
    /// <exception cref="SnapshotDamagedException">It is not what was written.</exception>
    /// <exception cref="UnsupportedSnapshotException">It is whole, and this program does not know its format or its rules.</exception>
    internal static StateSnapshotHeader Read(IDiskFile file, string path, out int length, out uint checksum)
    {
        byte[] bytes = new byte[PreambleBytes];
        if (file.Read(0, bytes) is var got && got < bytes.Length)
        {
            throw new SnapshotDamagedException(path, got, $"the file ends in its first {PreambleBytes} bytes");
        }

        uint rest = BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(12));
        if (!bytes.AsSpan().StartsWith(Magic) || rest > MaxBytes)
        {
            throw new SnapshotDamagedException(path, 0, "no header of a snapshot");
        }

        Array.Resize(ref bytes, PreambleBytes + (int)rest);
        if (file.Read(0, bytes) is var all && all < bytes.Length)
        {
            throw new SnapshotDamagedException(path, all, $"the file ends in its header of {bytes.Length} bytes");
        }

        checksum = BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(16));
        if (Checksum(bytes) != checksum)
        {
            throw new SnapshotDamagedException(path, 0, "the header does not match its checksum");
        }

        uint version = BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(8));
        if (version is < FirstFormatVersion or > FormatVersion)
        {
            throw new UnsupportedSnapshotException(path, $"it has format version {version}, known are those up to {FormatVersion}");
        }

        length = bytes.Length;
        try
        {
            StateSnapshotHeader header = Decode(bytes.AsSpan(PreambleBytes)) with { Version = version };
            return header.RequiredRules is > 0 and <= ApplyRules.Newest
                ? header
                : throw new UnsupportedSnapshotException(path, $"it needs version {header.RequiredRules} of the apply rules; this program has {ApplyRules.Newest}");
        }
        catch (MalformedEncodingException malformed)
        {
            throw new SnapshotDamagedException(path, PreambleBytes, $"the header is whole and makes no sense: {malformed.Message}", malformed);
        }
    }

    private static StateSnapshotHeader Decode(ReadOnlySpan<byte> bytes)
    {
        var reader = new FieldReader(bytes);
        ushort rules = reader.UInt16("the required rules");
        var index = new LogIndex(reader.UInt64("the index"));
        var term = new Term(reader.UInt64("the term"));
        Hash256 digest = reader.Hash("the digest");
        CommandStamp stamp = ReadStamp(ref reader);
        ulong sequence = reader.UInt64("the ledger's sequence");
        Hash256 hash = reader.Hash("the ledger's hash");
        Hash256 root = reader.Hash("the ledger's root");
        var lastIndex = new LogIndex(reader.UInt64("the last record's index"));
        var lastTerm = new Term(reader.UInt64("the last record's term"));
        CommandStamp last = ReadStamp(ref reader);
        var end = new LedgerCheckpointEnd(hash, root, lastIndex, lastTerm, last.TimeUnixMilliseconds, last.Lamport);
        var edge = new Hash256[LedgerCheckpoint.EdgeCount(sequence)];
        for (int i = 0; i < edge.Length; i++)
        {
            edge[i] = reader.Hash("a subtree at the ledger's end");
        }

        ulong proposals = reader.UInt64("the number of proposals");
        uint sessions = reader.UInt32("the number of sessions");
        uint answers = reader.UInt32("the number of answers");
        byte autoLeave = reader.Byte("auto-leave");
        NodeId[] voters = ReadNodes(ref reader);
        NodeId[] outgoing = ReadNodes(ref reader);
        NodeId[] learners = ReadNodes(ref reader);
        NodeId[] learnersNext = ReadNodes(ref reader);
        string? fault = "auto-leave is neither 0 nor 1";
        if (autoLeave > 1
            || !ConfigurationState.TryCreate(voters, outgoing, learners, learnersNext, autoLeave == 1, out ConfigurationState? configuration, out fault))
        {
            throw new MalformedEncodingException(fault);
        }

        byte[] memberRecords = reader.Bytes(checked((int)Math.Min(reader.UInt32("the length of the member records"), int.MaxValue)), "the member records").ToArray();
        reader.End();
        return new StateSnapshotHeader
        {
            RequiredRules = rules,
            Index = index,
            Term = term,
            Digest = digest,
            LastStamp = stamp,
            Ledger = new LedgerHead(sequence, end.Hash.ToString(), end.Root.ToString(), end.Index, end.Term),
            LedgerEnd = end,
            LedgerEdge = ImmutableArray.Create(edge),
            Proposals = proposals,
            Sessions = sessions,
            Answers = answers,
            Configuration = configuration,
            MemberRecords = memberRecords,
        };
    }

    private static uint Checksum(ReadOnlySpan<byte> bytes) =>
        Crc32C.Finish(Crc32C.Add(Crc32C.Add(Crc32C.Start, bytes[..16]), bytes[PreambleBytes..]));

    private static void WriteStamp(ref FieldWriter writer, CommandStamp stamp)
    {
        writer.Int64(stamp.TimeUnixMilliseconds);
        writer.UInt64(stamp.Lamport.Counter);
        writer.UInt64(stamp.Lamport.Node.Value);
    }

    private static CommandStamp ReadStamp(scoped ref FieldReader reader) => new(
        reader.NonNegativeInt64("a time"),
        new LamportTimestamp(reader.UInt64("a Lamport counter"), new NodeId(reader.UInt64("a Lamport node"))));

    private static NodeId[] ReadNodes(scoped ref FieldReader reader)
    {
        uint count = reader.UInt32("the number of members");
        if (count > MaxBytes / sizeof(ulong))
        {
            throw new MalformedEncodingException($"There are {count} members.");
        }

        var nodes = new NodeId[count];
        for (int i = 0; i < nodes.Length; i++)
        {
            nodes[i] = new NodeId(reader.UInt64("a member"));
            if (i > 0 && nodes[i].Value <= nodes[i - 1].Value)
            {
                throw new MalformedEncodingException($"Member {nodes[i]} does not follow member {nodes[i - 1]}.");
            }
        }

        return nodes;
    }
}
