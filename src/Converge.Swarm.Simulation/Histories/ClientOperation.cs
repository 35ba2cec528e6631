using Converge.Core;

namespace Converge.Swarm.Simulation;

/// <summary>What a client wants. A closed set.</summary>
public abstract record ClientRequest
{
    private protected ClientRequest()
    {
    }

    /// <summary>That something become fact.</summary>
    /// <param name="Submission">What, with its command id.</param>
    public sealed record Propose(FactSubmission Submission) : ClientRequest;

    /// <summary>To know how a proposal stands.</summary>
    /// <param name="ProposalId">Which.</param>
    /// <param name="Consistency">How fresh the answer must be.</param>
    public sealed record ReadProposal(string ProposalId, ReadConsistency Consistency) : ClientRequest;

    /// <summary>To know where the ledger ends.</summary>
    /// <param name="Consistency">How fresh the answer must be.</param>
    public sealed record ReadHead(ReadConsistency Consistency) : ClientRequest;
}

/// <summary>What a client learned. A closed set.</summary>
public abstract record ClientOutcome
{
    private protected ClientOutcome()
    {
    }

    /// <summary>What became of a fact. <see cref="FactOutcomeUnknown"/> leaves open whether and when it takes effect.</summary>
    /// <param name="Answer">One of the four.</param>
    public sealed record Fact(CommitAnswer Answer) : ClientOutcome;

    /// <summary>How a proposal stood at some moment between the operation's begin and end, if the read was linearizable.</summary>
    /// <param name="View">Null when it was never created.</param>
    public sealed record Proposal(ProposalView? View) : ClientOutcome;

    /// <summary>Where the ledger ended at some moment between the operation's begin and end, if the read was linearizable.</summary>
    /// <param name="Value">The head.</param>
    public sealed record Head(LedgerHead Value) : ClientOutcome;

    /// <summary>A read that was not answered. Says nothing.</summary>
    /// <param name="Reason">Why, when somebody said so.</param>
    public sealed record NotRead(NotCommittedReason? Reason) : ClientOutcome;
}

/// <summary>One try of an operation at one node.</summary>
public sealed class ClientAttempt
{
    internal ClientAttempt(ClientOperation operation, NodeId node, long begunAt)
    {
        Operation = operation;
        Node = node;
        BegunAtMicroseconds = begunAt;
    }

    /// <summary>Of what.</summary>
    public ClientOperation Operation { get; }

    /// <summary>The node that was asked.</summary>
    public NodeId Node { get; }

    /// <summary>When the client sent it, in microseconds of virtual time.</summary>
    public long BegunAtMicroseconds { get; }

    /// <summary>When the client had the answer; null when none came (yet).</summary>
    public long? EndedAtMicroseconds { get; internal set; }

    /// <summary>What the node said; null when it said nothing (yet).</summary>
    public ClientOutcome? Outcome { get; internal set; }
}

/// <summary>
/// One operation of one client, whatever number of attempts it took: all attempts at a fact have the same command id, so together they
/// are one operation that takes effect once or never.
/// </summary>
public sealed class ClientOperation
{
    private readonly List<ClientAttempt> _attempts = [];

    internal ClientOperation(int id, int client, ClientRequest request, long begunAt)
    {
        Id = id;
        Client = client;
        Request = request;
        BegunAtMicroseconds = begunAt;
    }

    /// <summary>Its place in the history, from 0: the order in which operations began.</summary>
    public int Id { get; }

    /// <summary>Whose it is. One client may have several under way.</summary>
    public int Client { get; }

    /// <summary>What was wanted.</summary>
    public ClientRequest Request { get; }

    /// <summary>
    /// For a fact: its command id, if it has one. Operations with the same one are repetitions of each other: while the session is kept,
    /// they change the state once together, and get the same answer or <see cref="RefusalCode.CommandExpired"/>.
    /// </summary>
    public CommandId? CommandId => (Request as ClientRequest.Propose)?.Submission.CommandId;

    /// <summary>When the first attempt was sent, in microseconds of virtual time.</summary>
    public long BegunAtMicroseconds { get; }

    /// <summary>When the client knew the outcome or gave up; null while it is under way.</summary>
    public long? EndedAtMicroseconds { get; internal set; }

    /// <summary>
    /// What the client knows of it; null while it is under way. For a fact whose outcome stayed unknown the operation may take effect at
    /// any time after its begin, also after its end, or never.
    /// </summary>
    public ClientOutcome? Outcome { get; internal set; }

    /// <summary>Its attempts, in the order in which they were sent.</summary>
    public IReadOnlyList<ClientAttempt> Attempts => _attempts;

    internal ClientAttempt Attempt(NodeId node, long now)
    {
        var attempt = new ClientAttempt(this, node, now);
        _attempts.Add(attempt);
        return attempt;
    }
}
