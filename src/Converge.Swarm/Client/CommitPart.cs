using Converge.Core;
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
    private NotCommittedReason _reason = NotCommittedReason.NoLeader;
    private string _message = "No node could be asked.";
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
                NoteFailure($"The node did not understand the request ({answer.Fault.Code}): {answer.Fault.Message}", mayHaveArrived: false);
                break;
            default:
                NoteFailure("The node answered something else than it was asked.", mayHaveArrived: true);
                break;
        }
    }

    /// <summary>A node answered the last request, which had one command.</summary>
    public void Note(CommitAnswer answer) => Note(_sent[0], answer);

    /// <summary>True for an answer that no further attempt can better.</summary>
    public static bool IsFinal(CommitAnswer answer) =>
        answer is FactAccepted or FactRefused or FactNotCommitted { Reason: NotCommittedReason.TooLarge };

    /// <summary>The last request was not answered.</summary>
    public void NoteFailure(string message, bool mayHaveArrived, NotCommittedReason reason = NotCommittedReason.NoLeader)
    {
        (_reason, _message) = (reason, message);
        if (mayHaveArrived)
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
                Settle(i, _uncertain[i] ? new FactOutcomeUnknown(_message) : new FactNotCommitted(_reason, _message));
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
            NoteFailure(e.Message, mayHaveArrived: true);
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
                (_reason, _message) = (notCommitted.Reason, notCommitted.Message);
                break;
            case FactOutcomeUnknown unknown:
                _message = unknown.Message;
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
