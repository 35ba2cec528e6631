using System.Buffers;
using Converge.Core;
using Converge.Swarm.Ledger;
using Converge.Swarm.Transport.Wire;
using Google.Protobuf;

namespace Converge.Swarm.Transport;

/// <summary>What clients and nodes say to each other as protobuf bodies. See <c>client.proto</c>.</summary>
/// <remarks>Whatever is read is checked: a body that says something impossible is a <see cref="FrameException"/>.</remarks>
internal static class ClientMessageCodec
{
    private const uint Linearizable = 0;
    private const uint Stale = 1;
    private const uint Leased = 2;

    public static ClientHello ReadHello(in Frame frame) => Parse(ClientHello.Parser, frame);

    public static ClientWelcome ReadWelcome(in Frame frame) => Parse(ClientWelcome.Parser, frame);

    public static HelloAnswer ReadRefusal(in Frame frame) => Parse(HelloAnswer.Parser, frame);

    public static ClientRequest ReadRequest(in Frame frame) => Parse(ClientRequest.Parser, frame);

    public static ClientAnswer ReadAnswer(in Frame frame) => Parse(ClientAnswer.Parser, frame);

    public static LeaderKnown ToWire(LeaderHint hint) => new() { Node = hint.Leader.Value, Term = hint.Term.Value };

    public static LeaderHint FromWire(LeaderKnown? wire) =>
        wire is null ? LeaderHint.None : new LeaderHint(new NodeId(wire.Node), new Term(wire.Term));

    public static uint ToWire(ReadConsistency consistency) => consistency switch
    {
        ReadConsistency.Linearizable => Linearizable,
        ReadConsistency.Leased => Leased,
        ReadConsistency.Stale => Stale,
        _ => throw new ArgumentOutOfRangeException(nameof(consistency), consistency, "Not a consistency."),
    };

    public static ReadConsistency ConsistencyFromWire(uint wire) => wire switch
    {
        Linearizable => ReadConsistency.Linearizable,
        Leased => ReadConsistency.Leased,
        Stale => ReadConsistency.Stale,
        _ => throw new FrameException($"A read of the unknown consistency {wire}."),
    };

    public static CommitOutcomes ToWire(IReadOnlyList<CommitAnswer> answers)
    {
        var wire = new CommitOutcomes();
        foreach (CommitAnswer answer in answers)
        {
            wire.Answers.Add(PeerMessageCodec.ToWire(answer));
        }

        return wire;
    }

    public static CommitAnswer[] FromWire(CommitOutcomes wire) => [.. wire.Answers.Select(PeerMessageCodec.FromWire)];

    public static NotCommitted ToWire(NotCommittedReason reason, string message) => new() { Reason = (uint)reason, Message = message };

    public static SwarmUnavailableException FromWire(NotCommitted wire) => Enum.IsDefined((NotCommittedReason)wire.Reason)
        ? new SwarmUnavailableException((NotCommittedReason)wire.Reason, wire.Message)
        : throw new FrameException($"A refusal for the unknown reason {wire.Reason}.");

    public static IReadOnlyList<LedgerRecord> FromWire(RecordsAnswer wire, ulong from)
    {
        var records = new LedgerRecord[wire.Records.Count];
        for (int i = 0; i < records.Length; i++)
        {
            try
            {
                records[i] = LedgerRecordCodec.Decode(wire.Records[i].Span);
            }
            catch (MalformedEncodingException e)
            {
                throw new FrameException($"A ledger record cannot be read: {e.Message}");
            }

            if (records[i].Sequence != from + (ulong)i)
            {
                throw new FrameException($"Record {records[i].Sequence} came where record {from + (ulong)i} belongs.");
            }
        }

        return records;
    }

    public static ProposalAnswer ToWire(ProposalView? view)
    {
        var answer = new ProposalAnswer();
        if (view is not null)
        {
            answer.View = new ProposalState
            {
                ProposalId = view.ProposalId,
                Status = (uint)view.Status,
                Revision = view.Revision,
                Author = view.Author,
                CreatedSequence = view.CreatedSequence,
                LastSequence = view.LastSequence,
                AsOfIndex = view.AsOfIndex.Value,
            };
            SetIfAny(view.Title, text => answer.View.Title = text);
            SetIfAny(view.ContentHash, text => answer.View.ContentHash = text);
            SetIfAny(view.DecidedBy, text => answer.View.DecidedBy = text);
            foreach (ValidatorResult result in view.Validators)
            {
                answer.View.Validators.Add(new ValidatorState
                {
                    Validator = result.Validator,
                    Passed = result.Passed,
                    Overridden = result.Overridden,
                    Sequence = result.Sequence,
                });
            }
        }

        return answer;
    }

    public static ProposalView? FromWire(ProposalAnswer wire) => wire.View is not { } view
        ? null
        : new ProposalView(
            view.ProposalId,
            Enum.IsDefined((ProposalStatus)view.Status) ? (ProposalStatus)view.Status : throw new FrameException($"A proposal of the unknown status {view.Status}."),
            view.Revision,
            view.Author,
            view.HasTitle ? view.Title : null,
            view.HasContentHash ? view.ContentHash : null,
            view.HasDecidedBy ? view.DecidedBy : null,
            [.. view.Validators.Select(result => new ValidatorResult(result.Validator, result.Passed, result.Overridden, result.Sequence))],
            view.CreatedSequence,
            view.LastSequence,
            new LogIndex(view.AsOfIndex));

    public static HeadAnswer ToWire(LedgerHead head) => new()
    {
        Sequence = head.Sequence,
        Hash = head.Hash,
        Root = head.Root,
        Index = head.Index.Value,
        Term = head.Term.Value,
    };

    public static LedgerHead FromWire(HeadAnswer? wire) => wire is null
        ? throw new FrameException("The ledger's head is missing.")
        : new LedgerHead(wire.Sequence, wire.Hash, wire.Root, new LogIndex(wire.Index), new Term(wire.Term));

    public static StatusAnswer ToWire(SwarmStatus status)
    {
        var wire = new StatusAnswer
        {
            Cluster = status.Cluster,
            Node = status.Node.Value,
            Role = ToWire(status.Role),
            Term = status.Term.Value,
            Leader = status.Leader.Value,
            CommitIndex = status.CommitIndex.Value,
            AppliedIndex = status.AppliedIndex.Value,
            DurableIndex = status.DurableIndex.Value,
            LastIndex = status.LastIndex.Value,
            FirstIndex = status.FirstIndex.Value,
            SnapshotIndex = status.SnapshotIndex.Value,
            Digest = status.Digest,
            Ledger = ToWire(status.Ledger),
            Proposals = status.Proposals,
            Sessions = (uint)status.Sessions,
            Ready = status.Ready,
            Version = status.Version,
        };
        foreach (MemberAddress member in status.Members)
        {
            var state = new MemberState { Id = member.Id.Value, PeerAddress = member.PeerAddress, Connected = member.Connected };
            SetIfAny(member.HttpUrl, text => state.HttpUrl = text);
            wire.Members.Add(state);
        }

        foreach (MemberProgress member in status.Progress)
        {
            wire.Progress.Add(new MemberProgressState
            {
                Id = member.Id.Value,
                Progress = member.Progress,
                MatchIndex = member.MatchIndex.Value,
                Active = member.Active,
                Learner = member.Learner,
            });
        }

        wire.Problems.Add(status.Problems);
        if (status.Counters is { } counters)
        {
            wire.Counters = new CountersState
            {
                LogFlushes = (ulong)counters.LogFlushes,
                LedgerFlushes = (ulong)counters.LedgerFlushes,
                AllocatedBytes = (ulong)counters.AllocatedBytes,
                ProcessorMicroseconds = (ulong)counters.ProcessorTime.TotalMicroseconds,
            };
        }

        return wire;
    }

    public static SwarmStatus FromWire(StatusAnswer wire) => new()
    {
        Cluster = wire.Cluster,
        Node = new NodeId(wire.Node),
        Role = RoleFromWire(wire.Role),
        Term = new Term(wire.Term),
        Leader = new NodeId(wire.Leader),
        CommitIndex = new LogIndex(wire.CommitIndex),
        AppliedIndex = new LogIndex(wire.AppliedIndex),
        DurableIndex = new LogIndex(wire.DurableIndex),
        LastIndex = new LogIndex(wire.LastIndex),
        FirstIndex = new LogIndex(wire.FirstIndex),
        SnapshotIndex = new LogIndex(wire.SnapshotIndex),
        Digest = wire.Digest,
        Ledger = FromWire(wire.Ledger),
        Proposals = wire.Proposals,
        Sessions = (int)Math.Min(wire.Sessions, int.MaxValue),
        Members = [.. wire.Members.Select(member => new MemberAddress(
            new NodeId(member.Id), member.PeerAddress, member.HasHttpUrl ? member.HttpUrl : null, member.Connected))],
        Progress = [.. wire.Progress.Select(member => new MemberProgress(
            new NodeId(member.Id), member.Progress, new LogIndex(member.MatchIndex), member.Active, member.Learner))],
        Ready = wire.Ready,
        Problems = [.. wire.Problems],
        Version = wire.Version,
        Counters = wire.Counters is { } counters
            ? new NodeCounters(
                (long)counters.LogFlushes,
                (long)counters.LedgerFlushes,
                (long)counters.AllocatedBytes,
                TimeSpan.FromMicroseconds(counters.ProcessorMicroseconds))
            : null,
    };

    public static TransferAnswer ToWire(LeadershipTransfer outcome) => outcome switch
    {
        LeadershipTransferred t => new TransferAnswer { Transferred = ToWire(new LeaderHint(t.Leader, t.Term)) },
        LeadershipNotTransferred n => new TransferAnswer
        {
            NotTransferred = new NotTransferred { Leader = ToWire(new LeaderHint(n.Leader, n.Term)), Message = n.Message },
        },
        LeadershipTransferRefused r => new TransferAnswer { Refused = new TransferRefused { Reason = (uint)r.Reason, Message = r.Message } },
        LeadershipTransferUnknown u => new TransferAnswer { Unknown = new Unknown { Message = u.Message } },
        _ => throw new ArgumentOutOfRangeException(nameof(outcome), outcome, "Not an outcome."),
    };

    public static LeadershipTransfer FromWire(TransferAnswer wire) => wire.OutcomeCase switch
    {
        TransferAnswer.OutcomeOneofCase.Transferred => new LeadershipTransferred(new NodeId(wire.Transferred.Node), new Term(wire.Transferred.Term)),
        TransferAnswer.OutcomeOneofCase.NotTransferred => NotTransferredFromWire(wire.NotTransferred),
        TransferAnswer.OutcomeOneofCase.Refused when Enum.IsDefined((TransferRefusal)wire.Refused.Reason) =>
            new LeadershipTransferRefused((TransferRefusal)wire.Refused.Reason, wire.Refused.Message),
        TransferAnswer.OutcomeOneofCase.Unknown => new LeadershipTransferUnknown(wire.Unknown.Message),
        _ => throw new FrameException("An outcome of a transfer that is none of the four."),
    };

    private static LeadershipNotTransferred NotTransferredFromWire(NotTransferred wire)
    {
        LeaderHint leader = FromWire(wire.Leader);
        return new LeadershipNotTransferred(leader.Leader, leader.Term, wire.Message);
    }

    private static uint ToWire(NodeRole role) => role switch
    {
        NodeRole.Follower => 0,
        NodeRole.PreCandidate => 1,
        NodeRole.Candidate => 2,
        NodeRole.Leader => 3,
        _ => throw new ArgumentOutOfRangeException(nameof(role), role, "Not a role."),
    };

    private static NodeRole RoleFromWire(uint wire) => wire switch
    {
        0 => NodeRole.Follower,
        1 => NodeRole.PreCandidate,
        2 => NodeRole.Candidate,
        3 => NodeRole.Leader,
        _ => throw new FrameException($"A node of the unknown role {wire}."),
    };

    private static void SetIfAny(string? text, Action<string> set)
    {
        if (text is not null)
        {
            set(text);
        }
    }

    private static T Parse<T>(MessageParser<T> parser, in Frame frame)
        where T : IMessage<T>
    {
        try
        {
            ReadOnlySequence<byte> body = frame.Body;
            return parser.ParseFrom(body);
        }
        catch (InvalidProtocolBufferException e)
        {
            throw new FrameException($"The body of a {frame.Kind} frame cannot be read: {e.Message}");
        }
    }
}
