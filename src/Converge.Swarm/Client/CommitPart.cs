using Converge.Core;
using Converge.Swarm.Nodes;
using Converge.Swarm.Transport;
using Converge.Swarm.Transport.Wire;
using Google.Protobuf;

namespace Converge.Swarm;

/// <summary>
/// Commands that travel together until each has its answer. Pure: says what to send next, and draws from each attempt only what it proves.
/// </summary>
/// <param name="commands">Encoded; each has an id, so that sending it again changes nothing.</param>
/// <param name="answers">Where the answers go.</param>
internal sealed class CommitPart(ReadOnlyMemory<ReadOnlyMemory<byte>> commands, Memory<CommitAnswer> answers)
{
    private readonly bool[] _settled = new bool[commands.Length];

    // Once an attempt may have had an effect, no later one can prove that there was none.
    private readonly bool[] _uncertain = new bool[commands.Length];
    private readonly List<int> _sent = [];
    private readonly LastHeard _lastHeard = new();
    private int _unsettled = commands.Length;

    /// <summary>True when every command has its final answer.</summary>
    public bool IsSettled => _unsettled == 0;

    /// <summary>A request with every command that has no answer yet, in order.</summary>
    public ClientRequest NextRequest()
    {
        _sent.Clear();
        var commit = new CommitRequest();
        for (int i = 0; i < commands.Length; i++)
        {
            if (!_settled[i])
            {
                _sent.Add(i);
                commit.Commands.Add(UnsafeByteOperations.UnsafeWrap(commands.Span[i]));
            }
        }

        return new ClientRequest { Commit = commit };
    }

    /// <summary>A node answered the last request.</summary>
    public void Note(ClientAnswer answer)
    {
        switch (answer.AnswerCase)
        {
            case ClientAnswer.AnswerOneofCase.Commit when answer.Commit.Answers.Count == _sent.Count:
                NoteEach(answer.Commit);
                break;
            case ClientAnswer.AnswerOneofCase.Fault:
                // A node of another version; one that understands may be asked yet.
                NoteFailure(new AttemptFailedException(
                    $"The node did not understand the request ({answer.Fault.Code}): {answer.Fault.Message}", mayHaveArrived: false));
                break;
            default:
                NoteFailure(new AttemptFailedException("The node answered something else than it was asked.", mayHaveArrived: true));
                break;
        }
    }

    /// <summary>A node answered the last request, which had one command.</summary>
    public void Note(CommitAnswer answer) => Note(_sent[0], answer);

    /// <summary>True for an answer that no further attempt can better.</summary>
    public static bool IsFinal(CommitAnswer answer) =>
        answer is FactAccepted or FactRefused or FactNotCommitted { Reason: NotCommittedReason.TooLarge };

    /// <summary>The last request was not answered.</summary>
    /// <param name="failed">Why.</param>
    /// <param name="isOver">Whether the time is over: then what was heard before says more than that this request was given up.</param>
    public void NoteFailure(AttemptFailedException failed, bool isOver = false)
    {
        // What may have arrived is why the outcome is not known, whenever it was given up.
        _lastHeard.Note(failed, isOver && !failed.MayHaveArrived);
        if (failed.MayHaveArrived)
        {
            foreach (int i in _sent)
            {
                _uncertain[i] = true;
            }
        }
    }

    /// <summary>No more is tried: what has no answer gets the one that claims no more than is known.</summary>
    public void GiveUp()
    {
        for (int i = 0; i < commands.Length; i++)
        {
            if (!_settled[i])
            {
                Settle(i, _uncertain[i] ? new FactOutcomeUnknown(_lastHeard.Message) : new FactNotCommitted(_lastHeard.Reason, _lastHeard.Message));
            }
        }
    }

    private void NoteEach(CommitOutcomes outcomes)
    {
        CommitAnswer[] each;
        try
        {
            each = ClientMessageCodec.FromWire(outcomes);
        }
        catch (FrameException e)
        {
            NoteFailure(new AttemptFailedException(e.Message, mayHaveArrived: true));
            return;
        }

        for (int i = 0; i < each.Length; i++)
        {
            Note(_sent[i], each[i]);
        }
    }

    private void Note(int command, CommitAnswer answer)
    {
        switch (answer)
        {
            case { } final when IsFinal(final):
                Settle(command, final);
                break;
            case FactNotCommitted notCommitted:
                _lastHeard.Note(notCommitted.Reason, notCommitted.Message);
                break;
            case FactOutcomeUnknown unknown:
                _lastHeard.Note(_lastHeard.Reason, unknown.Message);
                _uncertain[command] = true;
                break;
            default:
                throw new InvalidOperationException($"Not one of the four answers: {answer}.");
        }
    }

    private void Settle(int command, CommitAnswer answer)
    {
        answers.Span[command] = answer;
        _settled[command] = true;
        _unsettled--;
    }
}
