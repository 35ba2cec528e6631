using System.Collections.Immutable;
using Converge.Core;
using Converge.Swarm.Actors;
using Converge.Swarm.Ledger;
using Converge.Swarm.Transport.Wire;
using Google.Protobuf;

namespace Converge.Swarm.Transport;

/// <summary>Changes of members and what became of them, as protobuf; the same between nodes and towards clients.</summary>
internal static class MembershipWire
{
    public static Wire.Members ToWire(PeerMessage message) => message switch
    {
        ForwardedChange change => new Wire.Members { Change = new ForwardedMembership { Request = change.Request, Steps = ToWire(change.Steps) } },
        ForwardedOutcome answer => new Wire.Members { Outcome = new MembershipAnswer { Request = answer.Request, Result = ToWire(answer.Outcome) } },
        RemovalNotice notice => new Wire.Members
        {
            Removed = new MemberRemoved { Index = notice.Index.Value, Term = notice.Term.Value, OfSender = notice.OfSender },
        },
        _ => throw new ArgumentOutOfRangeException(nameof(message), message, "Not about members."),
    };

    /// <summary>Reads a word about members.</summary>
    /// <exception cref="FrameException">It says nothing, or what no change may say.</exception>
    public static PeerMessage FromWire(Wire.Members wire) => wire.WordCase switch
    {
        Wire.Members.WordOneofCase.Change => new ForwardedChange(wire.Change.Request, StepsFromWire(wire.Change.Steps)),
        Wire.Members.WordOneofCase.Outcome => new ForwardedOutcome(
            wire.Outcome.Request, FromWire(wire.Outcome.Result ?? throw new FrameException("An answer about members without a result."))),
        Wire.Members.WordOneofCase.Removed => new RemovalNotice(
            new LogIndex(wire.Removed.Index), new Term(wire.Removed.Term), wire.Removed.OfSender),
        _ => throw new FrameException("A word about members that is none of the three."),
    };

    public static ByteString ToWire(ImmutableArray<MembershipStep> steps)
    {
        byte[] bytes = new byte[MembershipCodec.SizeOf(steps)];
        var writer = new FieldWriter(bytes);
        MembershipCodec.Write(ref writer, steps);
        return UnsafeByteOperations.UnsafeWrap(bytes);
    }

    /// <summary>Reads the steps of a change.</summary>
    /// <exception cref="FrameException">These are no steps that a change may have.</exception>
    public static ImmutableArray<MembershipStep> StepsFromWire(ByteString bytes)
    {
        try
        {
            var reader = new FieldReader(bytes.Span);
            ImmutableArray<MembershipStep> steps = MembershipCodec.ReadSteps(ref reader);
            reader.End();
            return steps;
        }
        catch (MalformedEncodingException malformed)
        {
            throw new FrameException($"A change of members that is none: {malformed.Message}");
        }
    }

    public static MembershipResult ToWire(MembershipOutcome outcome)
    {
        switch (outcome)
        {
            case MembershipChanged changed:
                var made = new MembershipMade { Index = changed.Index.Value, Term = changed.Term.Value };
                made.Voters.AddRange(changed.Voters.Select(id => id.Value));
                made.Learners.AddRange(changed.Learners.Select(id => id.Value));
                return new MembershipResult { Made = made };
            case MembershipNotChanged refused:
                return new MembershipResult { Refused = new MembershipRefused { Reason = (uint)refused.Reason, Message = refused.Message } };
            case MembershipChangeUnknown unknown:
                return new MembershipResult { Unknown = new Unknown { Message = unknown.Message } };
            default:
                throw new ArgumentOutOfRangeException(nameof(outcome), outcome, "Not an outcome.");
        }
    }

    /// <summary>Reads what came of a change.</summary>
    /// <exception cref="FrameException">It is none of the outcomes.</exception>
    public static MembershipOutcome FromWire(MembershipResult wire) => wire.OutcomeCase switch
    {
        MembershipResult.OutcomeOneofCase.Made when wire.Made.Voters.Count + wire.Made.Learners.Count <= 2 * MembershipLimits.MaxMembers =>
            new MembershipChanged(
                new LogIndex(wire.Made.Index),
                new Term(wire.Made.Term),
                [.. wire.Made.Voters.Select(id => new NodeId(id))],
                [.. wire.Made.Learners.Select(id => new NodeId(id))]),
        MembershipResult.OutcomeOneofCase.Refused when Enum.IsDefined((MembershipRefusal)wire.Refused.Reason) =>
            new MembershipNotChanged((MembershipRefusal)wire.Refused.Reason, wire.Refused.Message),
        MembershipResult.OutcomeOneofCase.Unknown => new MembershipChangeUnknown(wire.Unknown.Message),
        _ => throw new FrameException("An outcome of a change of members that is none of the three."),
    };

    public static MembersAnswer ToWire(SwarmMembers members)
    {
        var wire = new MembersAnswer
        {
            Node = members.Node.Value,
            Leader = members.Leader.Value,
            ChangedAt = members.ChangedAt.Value,
            Changing = members.Changing,
        };
        foreach (MemberView member in members.Members)
        {
            var view = new MemberViewState
            {
                Id = member.Id.Value,
                Role = (uint)member.Role,
                Wanted = (uint)member.Wanted,
                Peer = member.Peer,
                Leaving = member.Leaving,
                Connected = member.Connected,
            };
            if (member.Http is { } http)
            {
                view.Http = http;
            }

            if (member.MatchIndex is { } match)
            {
                view.MatchIndex = match.Value;
            }

            wire.Members.Add(view);
        }

        wire.Removed.AddRange(members.Removed.Select(id => id.Value));
        wire.Warnings.AddRange(members.Warnings);
        return wire;
    }

    /// <summary>Reads who takes part.</summary>
    /// <exception cref="FrameException">A member has a role that there is not.</exception>
    public static SwarmMembers FromWire(MembersAnswer wire) => new()
    {
        Node = new NodeId(wire.Node),
        Leader = new NodeId(wire.Leader),
        ChangedAt = new LogIndex(wire.ChangedAt),
        Changing = wire.Changing,
        Members =
        [
            .. wire.Members.Select(member => new MemberView(
                new NodeId(member.Id),
                RoleFromWire(member.Role),
                RoleFromWire(member.Wanted),
                member.Peer,
                member.HasHttp ? member.Http : null,
                member.Leaving,
                member.Connected,
                member.HasMatchIndex ? new LogIndex(member.MatchIndex) : null)),
        ],
        Removed = [.. wire.Removed.Select(id => new NodeId(id))],
        Warnings = [.. wire.Warnings],
    };

    private static MemberRole RoleFromWire(uint role) =>
        Enum.IsDefined((MemberRole)role) ? (MemberRole)role : throw new FrameException($"A member of the unknown role {role}.");
}
