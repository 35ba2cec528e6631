using System.Buffers;
using Converge.Core;
using Converge.Swarm.Governance;
using Converge.Swarm.Tests.Ledger;
using Converge.Swarm.Transport;
using Converge.Swarm.Transport.Wire;
using Google.Protobuf;

namespace Converge.Swarm.Tests.Client;

/// <summary>What clients and nodes of version 1 said to each other stays readable: the bytes of one frame of each kind and content.</summary>
public sealed class ClientWireFormatTests
{
    private static readonly FactAccepted Accepted = new(1, new LogIndex(2), new Term(3), 4, new LamportTimestamp(5, new NodeId(6)), new string('a', 64), 7);

    public static TheoryData<string, string> Goldens => new()
    {
        { "hello", "0800000001200a0474657374" },
        { "welcome", "210000000121080112120801120e3132372e302e302e313a373230311a0408021003208008" },
        {
            "commit",
            "3e000000012208ac0212370a350101010100000000000000000000000000000000000000000000000000010073010000000000000001000100700600" +
            "617574686f72"
        },
        { "records", "0e000000012208ac021a0708071064188827" },
        { "proposal", "0c000000012208ac0222050a01701001" },
        { "head", "07000000012208ac022a00" },
        { "status", "07000000012208ac023200" },
        { "transfer", "09000000012208ac023a020803" },
        {
            "commit answer",
            "49000000012308ac021204080210031a3c0a320a300801100218032004280530063a20aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" +
            "aaaaaaaaaaaaaa40070a06120408031002"
        },
        {
            "records answer",
            "6a000000012308ac02120408021003225d0a5b0102000100000000000000010000000000000001000000000000000068e5cf8b010000010000000000" +
            "0000010000000000000000000000000000000000000000000000000000000000000000000000000000000100000000000000"
        },
        {
            "proposal answer",
            "3d000000012308ac021204080210032a300a2e0a0170100218032206617574686f723204686173683a08617070726f76657242070a01761001200248" +
            "0150035809"
        },
        { "no proposal", "0d000000012308ac021204080210032a00" },
        {
            "head answer",
            "98000000012308ac02120408021003328a01080312406262626262626262626262626262626262626262626262626262626262626262626262626262" +
            "62626262626262626262626262626262626262626262626262621a406363636363636363636363636363636363636363636363636363636363636363" +
            "636363636363636363636363636363636363636363636363636363636363636320042805"
        },
        {
            "status answer",
            "0a010000012308ac021204080210033afc010a047465737410011802200230033804400548065201645a8a0108031240626262626262626262626262" +
            "626262626262626262626262626262626262626262626262626262626262626262626262626262626262626262626262626262621a40636363636363" +
            "636363636363636363636363636363636363636363636363636363636363636363636363636363636363636363636363636363636363636363632004" +
            "28056007680872110801120b3132372e302e302e313a31200172230802120b3132372e302e302e313a321a12687474703a2f2f3132372e302e302e31" +
            "3a337a0d0802120570726f6265180120018001018a01036f6e6592010176"
        },
        { "transferred", "13000000012308ac0212040802100342060a0408021003" },
        { "not transferred", "16000000012308ac02120408021003420912070a02100312016d" },
        { "transfer refused", "14000000012308ac0212040802100342071a05080312016d" },
        { "unavailable", "12000000012308ac021204080210034a05080212016d" },
        { "fault", "21000000012308ac0212040802100352140a0f696e76616c69645f7265717565737412016d" },
    };

    [Theory]
    [MemberData(nameof(Goldens))]
    public void A_frame_has_the_bytes_it_always_had(string name, string golden)
    {
        (FrameKind kind, IMessage body) = Example(name);

        Assert.Equal(golden, Convert.ToHexStringLower(Frame.ToBytes(kind, body)));
    }

    [Fact]
    public void What_is_said_is_what_is_heard()
    {
        CommitAnswer[] answers = [Accepted, new FactRefused(RefusalCode.AlreadyExists, 2), new FactNotCommitted(NotCommittedReason.Busy, "b"), new FactOutcomeUnknown("u")];
        LeadershipTransfer[] transfers =
        [
            new LeadershipTransferred(new NodeId(2), new Term(3)),
            new LeadershipNotTransferred(NodeId.None, new Term(3), "m"),
            new LeadershipTransferRefused(TransferRefusal.NotAVoter, "m"),
            new LeadershipTransferUnknown("m"),
        ];

        Assert.All(Enum.GetValues<ReadConsistency>(), consistency => Assert.Equal(consistency, ClientMessageCodec.ConsistencyFromWire(ClientMessageCodec.ToWire(consistency))));
        Assert.Equal([0U, 2U, 1U], Enum.GetValues<ReadConsistency>().Select(ClientMessageCodec.ToWire));
        Assert.Equal(answers, ClientMessageCodec.FromWire(ClientMessageCodec.ToWire(answers)));
        Assert.Equal(transfers, transfers.Select(transfer => ClientMessageCodec.FromWire(ClientMessageCodec.ToWire(transfer))));
        Assert.Equal(Head, ClientMessageCodec.FromWire(ClientMessageCodec.ToWire(Head)));
        Assert.Null(ClientMessageCodec.FromWire(ClientMessageCodec.ToWire((ProposalView?)null)));
        ProposalView view = ClientMessageCodec.FromWire(ClientMessageCodec.ToWire(View))!;
        Assert.Equal(View.Validators, view.Validators);
        Assert.Equal(View with { Validators = [] }, view with { Validators = [] });
        SwarmStatus status = ClientMessageCodec.FromWire(ClientMessageCodec.ToWire(Status));
        Assert.Equal(Status.Members, status.Members);
        Assert.Equal(Status.Progress, status.Progress);
        Assert.Equal(Status.Problems, status.Problems);
        Assert.Equal(Status with { Members = [], Progress = [], Problems = [] }, status with { Members = [], Progress = [], Problems = [] });
        var counters = new NodeCounters(1, 2, 3, TimeSpan.FromMicroseconds(4));
        Assert.Equal(counters, ClientMessageCodec.FromWire(ClientMessageCodec.ToWire(Status with { Counters = counters })).Counters);
    }

    [Fact]
    public void What_cannot_be_is_refused()
    {
        Assert.Throws<FrameException>(() => ClientMessageCodec.ConsistencyFromWire(3));
        Assert.Throws<FrameException>(() => ClientMessageCodec.FromWire(new NotCommitted { Reason = 99 }));
        Assert.Throws<FrameException>(() => ClientMessageCodec.FromWire(new TransferAnswer()));
        Assert.Throws<FrameException>(() => ClientMessageCodec.FromWire(new StatusAnswer { Role = 9, Ledger = new HeadAnswer() }));
        Assert.Throws<FrameException>(() => ClientMessageCodec.FromWire(new StatusAnswer()));
        Assert.Throws<FrameException>(() => ClientMessageCodec.FromWire(new ProposalAnswer { View = new ProposalState { Status = 9 } }));
        Assert.Throws<FrameException>(() => ClientMessageCodec.FromWire(new RecordsAnswer { Records = { ByteString.CopyFrom(1, 2) } }, 1));
    }

    [Fact]
    public void Records_that_do_not_follow_each_other_are_refused()
    {
        ByteString[] records = [.. SampleLedger.Records(3).Select(record => ByteString.CopyFrom(record.Bytes.Span))];

        Assert.Equal(3, ClientMessageCodec.FromWire(new RecordsAnswer { Records = { records } }, 1).Count);
        Assert.Throws<FrameException>(() => ClientMessageCodec.FromWire(new RecordsAnswer { Records = { records[0], records[2] } }, 1));
        Assert.Throws<FrameException>(() => ClientMessageCodec.FromWire(new RecordsAnswer { Records = { records } }, 2));
    }

    [Fact]
    public void A_command_that_the_log_could_not_hold_for_ever_is_refused()
    {
        byte[] good = CommandCodec.EncodeFact(new FactSubmission(new ProposalCreated("p", "author")), CommandStamp.None);
        byte[] controlCharacter = CommandCodec.EncodeFact(new FactSubmission(new ProposalCreated("\u00e9", "author")), CommandStamp.None);
        int at = controlCharacter.AsSpan().IndexOf(new byte[] { 0xc3, 0xa9 });
        (controlCharacter[at], controlCharacter[at + 1]) = (0xc2, 0x80);

        Assert.Null(Fault(good));
        Assert.Contains("Command 1", Fault(good, good[..^1]), StringComparison.Ordinal);
        Assert.Contains("control", Fault(controlCharacter), StringComparison.Ordinal);
        Assert.NotNull(Fault(CommandCodec.EncodeAuthority(new NodeId(1), CommandStamp.None)));
        Assert.NotNull(Fault([.. Enumerable.Repeat(good, ClientLimits.MaxCommands + 1)]));
        Assert.NotNull(Fault([.. Enumerable.Repeat(Large(), 100)]));
    }

    [Fact]
    public void Bytes_of_chance_are_refused_or_read_but_never_anything_else()
    {
        var random = new Random(7);
        string[] names = [.. Goldens.Select(row => (string)row[0])];
        for (int i = 0; i < 30_000; i++)
        {
            (FrameKind kind, IMessage body) = Example(names[i % names.Length]);
            byte[] bytes = Frame.ToBytes(kind, body);
            for (int flips = random.Next(1, 6); flips > 0; flips--)
            {
                bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            }

            var buffer = new ReadOnlySequence<byte>(bytes);
            try
            {
                while (Frame.TryRead(ref buffer, Frame.MaxBodyBytes, out Frame frame))
                {
                    Read(frame);
                }
            }
            catch (FrameException)
            {
                // The one thing that may happen.
            }
        }
    }

    private static void Read(in Frame frame)
    {
        switch (frame.Kind)
        {
            case FrameKind.ClientHello:
                ClientMessageCodec.ReadHello(frame);
                break;
            case FrameKind.ClientWelcome:
                ClientMessageCodec.ReadWelcome(frame);
                break;
            case FrameKind.ClientRequest when ClientMessageCodec.ReadRequest(frame) is { Commit: { } commit }:
                ClientService.Check([.. commit.Commands.Select(command => command.Memory)], out _, out _);
                break;
            case FrameKind.ClientAnswer:
                ReadContent(ClientMessageCodec.ReadAnswer(frame));
                break;
            default:
                break;
        }
    }

    private static void ReadContent(ClientAnswer answer)
    {
        _ = answer.AnswerCase switch
        {
            ClientAnswer.AnswerOneofCase.Commit => ClientMessageCodec.FromWire(answer.Commit),
            ClientAnswer.AnswerOneofCase.Records => ClientMessageCodec.FromWire(answer.Records, 1),
            ClientAnswer.AnswerOneofCase.Proposal => ClientMessageCodec.FromWire(answer.Proposal),
            ClientAnswer.AnswerOneofCase.Head => ClientMessageCodec.FromWire(answer.Head),
            ClientAnswer.AnswerOneofCase.Status => ClientMessageCodec.FromWire(answer.Status),
            ClientAnswer.AnswerOneofCase.Transfer => ClientMessageCodec.FromWire(answer.Transfer),
            ClientAnswer.AnswerOneofCase.Unavailable => ClientMessageCodec.FromWire(answer.Unavailable),
            _ => (object?)null,
        };
    }

    private static string? Fault(params byte[][] commands) =>
        ClientService.Check([.. commands.Select(command => (ReadOnlyMemory<byte>)command)], out _, out _);

    private static byte[] Large() =>
        CommandCodec.EncodeFact(new FactSubmission(new RollbackIssued("p", "i", new string('x', FactLimits.MaxTextLength))), CommandStamp.None);

    private static LedgerHead Head => new(3, new string('b', 64), new string('c', 64), new LogIndex(4), new Term(5));

    private static ProposalView View => new(
        "p", ProposalStatus.Approved, 3, "author", null, "hash", "approver", [new ValidatorResult("v", true, false, 2)], 1, 3, new LogIndex(9));

    private static SwarmStatus Status => new()
    {
        Cluster = "test",
        Node = new NodeId(1),
        Role = NodeRole.Candidate,
        Term = new Term(2),
        Leader = NodeId.None,
        CommitIndex = new LogIndex(3),
        AppliedIndex = new LogIndex(4),
        DurableIndex = new LogIndex(5),
        LastIndex = new LogIndex(6),
        Digest = "d",
        Ledger = Head,
        Proposals = 7,
        Sessions = 8,
        Members = [new MemberAddress(new NodeId(1), "127.0.0.1:1", null, true), new MemberAddress(new NodeId(2), "127.0.0.1:2", "http://127.0.0.1:3", false)],
        Progress = [new MemberProgress(new NodeId(2), "probe", new LogIndex(1), true, false)],
        Ready = true,
        Problems = ["one"],
        Version = "v",
    };

    private static (FrameKind Kind, IMessage Body) Example(string name) => name switch
    {
        "hello" => (FrameKind.ClientHello, new ClientHello { Cluster = "test" }),
        "welcome" => (FrameKind.ClientWelcome, new ClientWelcome
        {
            Node = 1,
            MaxRequests = 1024,
            Leader = new LeaderKnown { Node = 2, Term = 3 },
            Members = { new MemberEndpoint { Id = 1, Address = "127.0.0.1:7201" } },
        }),
        "commit" => Request(new ClientRequest
        {
            Commit = new CommitRequest
            {
                Commands = { ByteString.CopyFrom(CommandCodec.EncodeFact(new FactSubmission(new ProposalCreated("p", "author"), CommandId: new CommandId("s", 1)), CommandStamp.None)) },
            },
        }),
        "records" => Request(new ClientRequest { Records = new RecordsRequest { From = 7, Limit = 100, WaitMilliseconds = 5000 } }),
        "proposal" => Request(new ClientRequest { Proposal = new ProposalRequest { ProposalId = "p", Consistency = 1 } }),
        "head" => Request(new ClientRequest { Head = new HeadRequest() }),
        "status" => Request(new ClientRequest { Status = new StatusRequest() }),
        "transfer" => Request(new ClientRequest { Transfer = new TransferRequest { To = 3 } }),
        "commit answer" => Answer(new ClientAnswer { Commit = ClientMessageCodec.ToWire([Accepted, new FactRefused(RefusalCode.AlreadyExists, 2)]) }),
        "records answer" => Answer(new ClientAnswer
        {
            Records = new RecordsAnswer { Records = { SampleLedger.Records(1).Select(record => ByteString.CopyFrom(record.Bytes.Span)) } },
        }),
        "proposal answer" => Answer(new ClientAnswer { Proposal = ClientMessageCodec.ToWire(View) }),
        "no proposal" => Answer(new ClientAnswer { Proposal = ClientMessageCodec.ToWire((ProposalView?)null) }),
        "head answer" => Answer(new ClientAnswer { Head = ClientMessageCodec.ToWire(Head) }),
        "status answer" => Answer(new ClientAnswer { Status = ClientMessageCodec.ToWire(Status) }),
        "transferred" => Answer(new ClientAnswer { Transfer = ClientMessageCodec.ToWire(new LeadershipTransferred(new NodeId(2), new Term(3))) }),
        "not transferred" => Answer(new ClientAnswer { Transfer = ClientMessageCodec.ToWire(new LeadershipNotTransferred(NodeId.None, new Term(3), "m")) }),
        "transfer refused" => Answer(new ClientAnswer { Transfer = ClientMessageCodec.ToWire(new LeadershipTransferRefused(TransferRefusal.NotAVoter, "m")) }),
        "unavailable" => Answer(new ClientAnswer { Unavailable = ClientMessageCodec.ToWire(NotCommittedReason.Busy, "m") }),
        "fault" => Answer(new ClientAnswer { Fault = new Fault { Code = "invalid_request", Message = "m" } }),
        _ => throw new ArgumentOutOfRangeException(nameof(name), name, "No example of that name."),
    };

    private static (FrameKind Kind, IMessage Body) Request(ClientRequest request)
    {
        request.Id = 300;
        return (FrameKind.ClientRequest, request);
    }

    private static (FrameKind Kind, IMessage Body) Answer(ClientAnswer answer)
    {
        answer.Id = 300;
        answer.Leader = new LeaderKnown { Node = 2, Term = 3 };
        return (FrameKind.ClientAnswer, answer);
    }
}
