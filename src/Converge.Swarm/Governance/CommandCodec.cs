using System.Collections.Immutable;
using Converge.Core;
using Converge.Swarm.Ledger;

namespace Converge.Swarm.Governance;

/// <summary>Commands as the bytes of log entries. Specified in <c>docs/formats/ledger.md</c>; every command has exactly one encoding.</summary>
public static class CommandCodec
{
    /// <summary>The version that is written.</summary>
    public const byte Version = 1;

    /// <summary>No entry is longer than this, whatever the fact.</summary>
    public const int MaxEntryBytes = 32 * 1024;

    private const byte HasCommandId = 1;

    // version, kind, flags, required rules, time, Lamport counter and node.
    private const int StampOffset = 3 + sizeof(ushort);
    private const int HeaderSize = StampOffset + (3 * sizeof(ulong));

    /// <summary>Encodes a fact; allocates the result and nothing else.</summary>
    /// <exception cref="ArgumentException">
    /// The submission has a fault (<see cref="SubmissionRules"/>) or the stamp's time is negative. Nothing that could not be applied
    /// later gets into the log.
    /// </exception>
    public static byte[] EncodeFact(FactSubmission submission, CommandStamp stamp)
    {
        ArgumentNullException.ThrowIfNull(submission);
        return EncodeFact(submission, submission.CommandId, stamp);
    }

    /// <summary>As above, under a command id that the submission need not have itself.</summary>
    /// <exception cref="ArgumentException">As above.</exception>
    internal static byte[] EncodeFact(FactSubmission submission, CommandId? commandId, CommandStamp stamp)
    {
        if ((SubmissionRules.Check(submission) ?? SubmissionRules.CheckCommandId(commandId)) is { } fault)
        {
            throw new ArgumentException(fault.Message, nameof(submission));
        }

        byte[] entry = new byte[HeaderSize + EncodedCommandId.SizeOf(commandId) + FactCodec.SizeOf(submission)];
        var writer = new FieldWriter(entry);
        WriteHeader(ref writer, CommandKind.Fact, commandId is null ? (byte)0 : HasCommandId, ApplyRules.Version, stamp);
        EncodedCommandId.Write(ref writer, commandId);
        FactCodec.Write(ref writer, submission);
        return entry;
    }

    /// <summary>An encoded command under another stamp: what the leader does with a client's command before it goes to the log.</summary>
    /// <param name="entry">The command, as its client encoded it.</param>
    /// <param name="stamp">The leader's stamp.</param>
    /// <param name="stamped">Room for as many bytes as the command has.</param>
    /// <exception cref="ArgumentException">The stamp's time is negative.</exception>
    internal static void WriteWithStamp(ReadOnlySpan<byte> entry, CommandStamp stamp, Span<byte> stamped)
    {
        entry.CopyTo(stamped);
        var writer = new FieldWriter(stamped[StampOffset..]);
        WriteStamp(ref writer, stamp);
    }

    /// <summary>Whether the bytes are an encoded fact that this program can apply, under whatever stamp.</summary>
    public static bool IsFact(ReadOnlySpan<byte> entry)
    {
        try
        {
            return entry.Length <= MaxEntryBytes && Read(entry).Kind == CommandKind.Fact;
        }
        catch (UnsupportedCommandException)
        {
            return false;
        }
    }

    /// <summary>Encodes the beginning of a leader's term.</summary>
    /// <exception cref="ArgumentException">The stamp's time is negative.</exception>
    public static byte[] EncodeAuthority(NodeId leader, CommandStamp stamp)
    {
        byte[] entry = new byte[HeaderSize + sizeof(ulong)];
        var writer = new FieldWriter(entry);
        WriteHeader(ref writer, CommandKind.Authority, 0, ApplyRules.Version, stamp);
        writer.UInt64(leader.Value);
        return entry;
    }

    /// <summary>Encodes a change of members: what an entry that changes the configuration carries for its host.</summary>
    /// <exception cref="ArgumentException">The steps have a fault (<see cref="MembershipRules"/>), or the stamp's time is negative.</exception>
    public static byte[] EncodeMembership(ImmutableArray<MembershipStep> steps, CommandStamp stamp)
    {
        if (MembershipRules.Check(steps) is { } fault)
        {
            throw new ArgumentException(fault.Message, nameof(steps));
        }

        byte[] entry = new byte[HeaderSize + MembershipCodec.SizeOf(steps)];
        var writer = new FieldWriter(entry);
        WriteHeader(ref writer, CommandKind.Membership, 0, ApplyRules.MembershipVersion, stamp);
        MembershipCodec.Write(ref writer, steps);
        return entry;
    }

    /// <summary>Reads an entry's bytes.</summary>
    /// <exception cref="UnsupportedCommandException">They are damaged, or of a version that this program does not know.</exception>
    public static StampedCommand Decode(ReadOnlySpan<byte> entry)
    {
        EncodedCommand command = Read(entry);
        return command.Kind switch
        {
            CommandKind.Fact => new FactCommand(command.Stamp, command.Fact.ToSubmission(command.CommandId.ToCommandId())) { RequiredRules = command.RequiredRules },
            CommandKind.Membership => new MembershipCommand(command.Stamp, command.Steps) { RequiredRules = command.RequiredRules },
            _ => new AuthorityCommand(command.Stamp, command.Leader) { RequiredRules = command.RequiredRules },
        };
    }

    /// <summary>Reads only the stamp: what a new leader needs of the last stamped entry in its log to go on stamping.</summary>
    /// <exception cref="UnsupportedCommandException">The entry is damaged, or of a version that this program does not know.</exception>
    public static CommandStamp ReadStamp(ReadOnlySpan<byte> entry)
    {
        try
        {
            var reader = new FieldReader(entry);
            return ReadHeader(ref reader).Stamp;
        }
        catch (MalformedEncodingException malformed)
        {
            throw Unsupported(malformed);
        }
    }

    /// <summary>
    /// Where an entry has the id of its proposal, found without checking anything: empty when it is no fact, and anything when it is damaged.
    /// </summary>
    internal static ReadOnlySpan<byte> PeekProposalId(ReadOnlySpan<byte> entry)
    {
        if (entry.Length < HeaderSize || entry[1] != (byte)CommandKind.Fact)
        {
            return default;
        }

        ReadOnlySpan<byte> rest = entry[HeaderSize..];
        return (entry[2] == HasCommandId ? EncodedCommandId.TrySkip(ref rest) : true) ? FactCodec.PeekProposalId(rest) : default;
    }

    /// <summary>Reads an entry without copying anything of it.</summary>
    /// <exception cref="UnsupportedCommandException">The entry is damaged, or of a version that this program does not know.</exception>
    internal static EncodedCommand Read(ReadOnlySpan<byte> entry)
    {
        try
        {
            var reader = new FieldReader(entry);
            EncodedCommand command = ReadHeader(ref reader);
            switch (command.Kind)
            {
                case CommandKind.Fact:
                    command.CommandId = command.Flags == HasCommandId ? EncodedCommandId.Read(ref reader) : default;
                    command.Fact = FactCodec.Read(ref reader);
                    break;
                case CommandKind.Membership:
                    command.Steps = MembershipCodec.ReadSteps(ref reader);
                    break;
                default:
                    command.Leader = new NodeId(reader.UInt64("the leader"));
                    break;
            }

            reader.End();
            return command;
        }
        catch (MalformedEncodingException malformed)
        {
            throw Unsupported(malformed);
        }
    }

    private static void WriteHeader(ref FieldWriter writer, CommandKind kind, byte flags, ushort rules, CommandStamp stamp)
    {
        writer.Byte(Version);
        writer.Byte((byte)kind);
        writer.Byte(flags);
        writer.UInt16(rules);
        WriteStamp(ref writer, stamp);
    }

    private static void WriteStamp(ref FieldWriter writer, CommandStamp stamp)
    {
        if (stamp.TimeUnixMilliseconds < 0)
        {
            throw new ArgumentException($"The time of a stamp is never negative, but this is {stamp.TimeUnixMilliseconds}.", nameof(stamp));
        }

        writer.Int64(stamp.TimeUnixMilliseconds);
        writer.UInt64(stamp.Lamport.Counter);
        writer.UInt64(stamp.Lamport.Node.Value);
    }

    private static EncodedCommand ReadHeader(scoped ref FieldReader reader)
    {
        byte version = reader.Byte("the version");
        if (version != Version)
        {
            throw new MalformedEncodingException($"The command has version {version}; this program knows {Version}.");
        }

        var kind = (CommandKind)reader.Byte("the command's kind");
        if (kind is not (CommandKind.Fact or CommandKind.Authority or CommandKind.Membership))
        {
            throw new MalformedEncodingException($"There is no kind of command with the code {(int)kind}.");
        }

        byte flags = reader.Byte("the flags");
        if (flags > (kind == CommandKind.Fact ? HasCommandId : 0))
        {
            throw new MalformedEncodingException($"A command of kind {kind} cannot have the flags {flags}.");
        }

        ushort rules = reader.UInt16("the required rules");
        if (rules is 0 or > ApplyRules.Newest)
        {
            throw new MalformedEncodingException($"The command needs version {rules} of the apply rules; this program has {ApplyRules.Newest}.");
        }

        if (rules != RulesOf(kind))
        {
            throw new MalformedEncodingException($"A command of kind {kind} needs version {RulesOf(kind)} of the apply rules, not {rules}.");
        }

        long time = reader.NonNegativeInt64("the time");
        var lamport = new LamportTimestamp(reader.UInt64("the Lamport counter"), new NodeId(reader.UInt64("the Lamport node")));
        return new EncodedCommand { Kind = kind, Flags = flags, RequiredRules = rules, Stamp = new CommandStamp(time, lamport) };
    }

    private static ushort RulesOf(CommandKind kind) => kind == CommandKind.Membership ? ApplyRules.MembershipVersion : ApplyRules.Version;

    private static UnsupportedCommandException Unsupported(MalformedEncodingException malformed) =>
        new($"A committed entry is not understood: {malformed.Message}", malformed);
}

/// <summary>A command within the bytes of its entry.</summary>
internal ref struct EncodedCommand
{
    public CommandKind Kind;
    public byte Flags;
    public ushort RequiredRules;
    public CommandStamp Stamp;
    public NodeId Leader;
    public ImmutableArray<MembershipStep> Steps;
    public EncodedCommandId CommandId;
    public EncodedFact Fact;
}
