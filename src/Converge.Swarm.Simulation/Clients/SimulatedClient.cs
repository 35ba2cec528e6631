using System.Globalization;
using Converge.Core;
using Converge.Swarm.Actors;

namespace Converge.Swarm.Simulation;

/// <summary>
/// A client outside of all nodes: sends each request to some node, tries again elsewhere when that one is down, silent or of no help, and
/// submits a fact under the same command id in every attempt. What it did and was told stands in the history.
/// </summary>
public sealed class SimulatedClient
{
    private readonly SimulatedSwarm _swarm;
    private readonly SimulatedClientOptions _options;
    private readonly SimulationRandom _random;
    private ulong _lastNumber;

    internal SimulatedClient(SimulatedSwarm swarm, int number, SimulatedClientOptions options, SimulationRandom random)
    {
        _swarm = swarm;
        _options = options;
        _random = random;
        Number = number;
        Session = string.Create(CultureInfo.InvariantCulture, $"client-{number}");
    }

    /// <summary>Its number, from 0.</summary>
    public int Number { get; }

    /// <summary>The session of its command ids.</summary>
    public string Session { get; }

    /// <summary>How many of its operations are under way.</summary>
    public int UnderWay { get; private set; }

    /// <summary>The next command id of the session.</summary>
    public CommandId NextCommand() => new(Session, ++_lastNumber);

    /// <summary>Submits a fact under the next number of the session.</summary>
    /// <param name="fact">What is stated.</param>
    /// <param name="ended">Called when the outcome is known or given up.</param>
    public ClientOperation Propose(GovernanceFact fact, Action<ClientOperation>? ended = null) =>
        Begin(new ClientRequest.Propose(new FactSubmission(fact, CommandId: NextCommand())), ended);

    /// <summary>Submits a fact as it stands. Without a command id it is tried once only.</summary>
    public ClientOperation Propose(FactSubmission submission, Action<ClientOperation>? ended = null) =>
        Begin(new ClientRequest.Propose(submission), ended);

    /// <summary>Asks for a proposal.</summary>
    public ClientOperation ReadProposal(string proposalId, ReadConsistency consistency, Action<ClientOperation>? ended = null) =>
        Begin(new ClientRequest.ReadProposal(proposalId, consistency), ended);

    /// <summary>Asks for the ledger's head.</summary>
    public ClientOperation ReadHead(ReadConsistency consistency, Action<ClientOperation>? ended = null) =>
        Begin(new ClientRequest.ReadHead(consistency), ended);

    private ClientOperation Begin(ClientRequest request, Action<ClientOperation>? ended)
    {
        using SimulatedSwarm.StepScope scope = _swarm.EnterStep();
        ClientOperation operation = _swarm.History.Begin(Number, request, _swarm.NowMicroseconds);
        _swarm.CurrentStep.BegunList.Add(operation);
        UnderWay++;
        var running = new Running(operation, ended, _swarm.NowMicroseconds + (_options.OperationMilliseconds * 1_000L));
        Attempt(running);
        if (request is ClientRequest.Propose { Submission.CommandId: not null } && _random.Chance(_options.DuplicateMillionths))
        {
            Attempt(running);
        }

        return operation;
    }

    private void Attempt(Running running)
    {
        SimulatedNode node = _random.Pick(_swarm.InService);
        ClientAttempt attempt = running.Operation.Attempt(node.Id, _swarm.NowMicroseconds);
        running.Open++;
        _swarm.Call(Latency(), () => Arrive(running, attempt, node));
        _swarm.Call(_options.AttemptMilliseconds * 1_000L, () => GiveUp(running, attempt));
    }

    private long Latency() => _random.Between(_options.LatencyMicroseconds.Least, _options.LatencyMicroseconds.Greatest);

    private void Arrive(Running running, ClientAttempt attempt, SimulatedNode node)
    {
        if (!node.IsRunning)
        {
            // Nobody listens: certainly nothing was done.
            Return(running, attempt, Refused(running, NotCommittedReason.NoLeader));
            return;
        }

        switch (running.Operation.Request)
        {
            case ClientRequest.Propose propose:
                node.Submit(propose.Submission, answer => Return(running, attempt, new ClientOutcome.Fact(answer)));
                break;
            case ClientRequest.ReadProposal read:
                node.Read(
                    new StateMachineMessage.GetProposal(
                        read.ProposalId,
                        new CallbackReply<QueryAnswer<ProposalView?>>(answer => Return(
                            running, attempt, answer.Reason is { } reason ? new ClientOutcome.NotRead(reason) : new ClientOutcome.Proposal(answer.Value)))),
                    read.Consistency);
                break;
            case ClientRequest.ReadHead read:
                node.Read(
                    new StateMachineMessage.GetHead(
                        new CallbackReply<QueryAnswer<LedgerHead>>(answer => Return(
                            running, attempt, answer.Reason is { } reason ? new ClientOutcome.NotRead(reason) : new ClientOutcome.Head(answer.Value!)))),
                    read.Consistency);
                break;
            default:
                throw new InvalidOperationException($"{running.Operation.Request} is no request.");
        }
    }

    private static ClientOutcome Refused(Running running, NotCommittedReason reason) =>
        running.Operation.Request is ClientRequest.Propose
            ? new ClientOutcome.Fact(new FactNotCommitted(reason, "Nobody listens there."))
            : new ClientOutcome.NotRead(reason);

    /// <summary>An answer leaves the node; it arrives a little later, whatever becomes of the node meanwhile.</summary>
    private void Return(Running running, ClientAttempt attempt, ClientOutcome outcome) =>
        _swarm.Call(Latency(), () => Receive(running, attempt, outcome));

    private void Receive(Running running, ClientAttempt attempt, ClientOutcome outcome)
    {
        attempt.Outcome = outcome;
        attempt.EndedAtMicroseconds = _swarm.NowMicroseconds;
        _swarm.CurrentStep.AnsweredList.Add(attempt);
        if (running.IsOver)
        {
            return;
        }

        if (running.Abandoned.Remove(attempt))
        {
            // It comes late; what it says counts all the same if it is final.
        }
        else
        {
            running.Open--;
        }

        switch (outcome)
        {
            case ClientOutcome.Fact { Answer: FactAccepted or FactRefused } or ClientOutcome.Proposal or ClientOutcome.Head:
                End(running, outcome);
                break;
            case ClientOutcome.Fact { Answer: FactOutcomeUnknown }:
                running.MayHaveHappened = true;
                TryAgain(running);
                break;
            default:
                TryAgain(running);
                break;
        }
    }

    private void GiveUp(Running running, ClientAttempt attempt)
    {
        if (running.IsOver || attempt.EndedAtMicroseconds is not null)
        {
            return;
        }

        running.Open--;
        running.Abandoned.Add(attempt);
        running.MayHaveHappened = true;
        TryAgain(running);
    }

    private void TryAgain(Running running)
    {
        if (running.Open > 0 || running.IsOver || running.RetryDue)
        {
            return;
        }

        bool repeatable = running.Operation.Request is not ClientRequest.Propose { Submission.CommandId: null } || !running.MayHaveHappened;
        if (_swarm.NowMicroseconds >= running.DeadlineMicroseconds || !repeatable)
        {
            End(running, Unfinished(running));
            return;
        }

        // The pause grows with the attempts, so that those who cannot be served now do not drown the others.
        long longest = Math.Min(_options.MaxPauseMilliseconds, 50L << Math.Min(running.Operation.Attempts.Count, 16));
        running.RetryDue = true;
        _swarm.Call(_random.Between(1_000, longest * 1_000), () =>
        {
            running.RetryDue = false;
            if (!running.IsOver)
            {
                _swarm.Count(running.Operation.Request is ClientRequest.Propose ? SimulationCoverage.CommandRetried : SimulationCoverage.ReadRetried);
                Attempt(running);
            }
        });
    }

    private static ClientOutcome Unfinished(Running running) =>
        running.Operation.Request is not ClientRequest.Propose ? new ClientOutcome.NotRead(null)
        : running.MayHaveHappened ? new ClientOutcome.Fact(new FactOutcomeUnknown("No node said what became of it in time."))
        : new ClientOutcome.Fact(new FactNotCommitted(NotCommittedReason.NoLeader, "No node took it in time."));

    private void End(Running running, ClientOutcome outcome)
    {
        running.IsOver = true;
        running.Operation.Outcome = outcome;
        running.Operation.EndedAtMicroseconds = _swarm.NowMicroseconds;
        _swarm.CurrentStep.EndedList.Add(running.Operation);
        UnderWay--;
        running.Ended?.Invoke(running.Operation);
    }

    /// <summary>An operation under way.</summary>
    private sealed class Running(ClientOperation operation, Action<ClientOperation>? ended, long deadline)
    {
        public ClientOperation Operation { get; } = operation;

        public Action<ClientOperation>? Ended { get; } = ended;

        public long DeadlineMicroseconds { get; } = deadline;

        /// <summary>Attempts that may still be answered in time.</summary>
        public int Open { get; set; }

        /// <summary>Attempts that were given up.</summary>
        public HashSet<ClientAttempt> Abandoned { get; } = [];

        public bool MayHaveHappened { get; set; }

        public bool RetryDue { get; set; }

        public bool IsOver { get; set; }
    }
}
