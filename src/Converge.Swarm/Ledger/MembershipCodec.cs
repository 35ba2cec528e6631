using System.Collections.Immutable;
using System.Text;
using Converge.Core;

namespace Converge.Swarm.Ledger;

/// <summary>
/// Changes of members as bytes: the steps are the same in a log entry and in a ledger record. Specified in
/// <c>docs/formats/ledger.md</c>; every change has exactly one encoding.
/// </summary>
internal static class MembershipCodec
{
    private const byte HasHttp = 1;

    public static int SizeOf(ImmutableArray<MembershipStep> steps)
    {
        int size = 1;
        foreach (MembershipStep step in steps)
        {
            size += 1 + sizeof(ulong);
            if (step.Kind == MembershipStepKind.Added)
            {
                size += 2 + FieldWriter.SizeOf(step.Peer!) + (step.Http is { } http ? FieldWriter.SizeOf(http) : 0);
            }
        }

        return size;
    }

    public static int SizeOf(MembershipChange change) => SizeOf(change.Steps) + SizeOf(change.Voters) + SizeOf(change.Learners);

    public static int SizeOf(ImmutableArray<NodeId> nodes) => 1 + (nodes.Length * sizeof(ulong));

    /// <summary>Writes steps that <see cref="MembershipRules"/> finds no fault with.</summary>
    public static void Write(ref FieldWriter writer, ImmutableArray<MembershipStep> steps)
    {
        writer.Byte(checked((byte)steps.Length));
        foreach (MembershipStep step in steps)
        {
            writer.Byte((byte)step.Kind);
            writer.UInt64(step.Node.Value);
            if (step.Kind == MembershipStepKind.Added)
            {
                writer.Byte((byte)step.Role!.Value);
                writer.Byte(step.Http is null ? (byte)0 : HasHttp);
                writer.String(step.Peer!);
                if (step.Http is { } http)
                {
                    writer.String(http);
                }
            }
        }
    }

    public static void Write(ref FieldWriter writer, MembershipChange change)
    {
        Write(ref writer, change.Steps);
        Write(ref writer, change.Voters);
        Write(ref writer, change.Learners);
    }

    public static void Write(ref FieldWriter writer, ImmutableArray<NodeId> nodes)
    {
        writer.Byte(checked((byte)nodes.Length));
        foreach (NodeId node in nodes)
        {
            writer.UInt64(node.Value);
        }
    }

    /// <summary>Takes the next fields as steps.</summary>
    /// <exception cref="MalformedEncodingException">These are not the bytes of steps.</exception>
    public static ImmutableArray<MembershipStep> ReadSteps(scoped ref FieldReader reader)
    {
        int count = reader.Byte("the number of steps");
        ImmutableArray<MembershipStep>.Builder steps = ImmutableArray.CreateBuilder<MembershipStep>(count);
        for (int i = 0; i < count; i++)
        {
            var kind = (MembershipStepKind)reader.Byte("a step's kind");
            var node = new NodeId(reader.UInt64("a step's node"));
            if (kind == MembershipStepKind.Added)
            {
                var role = (MemberRole)reader.Byte("a member's role");
                byte parts = reader.Byte("a member's parts");
                if (parts > HasHttp)
                {
                    throw new MalformedEncodingException($"A member cannot have the parts {parts}.");
                }

                string peer = ReadText(ref reader, "a member's peer address", MembershipLimits.MaxPeerLength);
                string? http = parts == HasHttp ? ReadText(ref reader, "a member's HTTP address", MembershipLimits.MaxHttpLength) : null;
                steps.Add(MembershipStep.Add(node, role, peer, http));
            }
            else
            {
                steps.Add(new MembershipStep(kind, node));
            }
        }

        ImmutableArray<MembershipStep> read = steps.MoveToImmutable();
        return MembershipRules.Check(read) is { } fault ? throw new MalformedEncodingException(fault.Message) : read;
    }

    /// <summary>Takes the next fields as a recorded change.</summary>
    /// <exception cref="MalformedEncodingException">These are not the bytes of one.</exception>
    public static MembershipChange ReadChange(scoped ref FieldReader reader)
    {
        var change = new MembershipChange(ReadSteps(ref reader), ReadNodes(ref reader, "the voters"), ReadNodes(ref reader, "the learners"));
        return MembershipRules.Check(change) is { } fault ? throw new MalformedEncodingException(fault.Message) : change;
    }

    /// <summary>Takes the next fields as identities.</summary>
    /// <exception cref="MalformedEncodingException">The bytes end too early.</exception>
    public static ImmutableArray<NodeId> ReadNodes(scoped ref FieldReader reader, string field)
    {
        int count = reader.Byte(field);
        ImmutableArray<NodeId>.Builder nodes = ImmutableArray.CreateBuilder<NodeId>(count);
        for (int i = 0; i < count; i++)
        {
            nodes.Add(new NodeId(reader.UInt64(field)));
        }

        return nodes.MoveToImmutable();
    }

    public static string ReadText(scoped ref FieldReader reader, string field, int maxLength) =>
        Encoding.UTF8.GetString(reader.String(field, minBytes: 1, maxLength));
}
