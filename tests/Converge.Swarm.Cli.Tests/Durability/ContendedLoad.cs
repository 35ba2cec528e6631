using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using Converge.Core;
using Converge.Swarm.Http;
using Converge.Swarm.Simulation;

namespace Converge.Swarm.Cli.Tests.Durability;

/// <summary>
/// Clients that contend for a few proposals, through all nodes, each operation tried once: facts of every kind, linearizable reads of proposals
/// and of the ledger's end. What was asked and told is kept with its times on the one clock of this process. Of a node that left it without
/// an answer a client keeps away for a while: one that stands still holds up nobody for long, and few outcomes are unknown.
/// </summary>
internal sealed class ContendedLoad : IAsyncDisposable
{
    private const int Clients = 6;
    private const int Proposals = 4;

    /// <summary>After so many operations other proposals take their place: what has to be judged about one stays bounded.</summary>
    private const int OperationsOfProposals = 50 * Proposals;

    /// <summary>So many operations go to other nodes when one was not answered.</summary>
    private const int OperationsElsewhere = 100;

    private static readonly TimeSpan ClientPatience = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan Pace = TimeSpan.FromMilliseconds(5);
    private static readonly string[] Actors = ["ann", "bob", "eve"];

    private readonly string _name = Guid.NewGuid().ToString("n", CultureInfo.InvariantCulture)[..8];
    private readonly HttpSwarmClient[] _nodes;
    private readonly CancellationTokenSource _enough = new();
    private readonly ConcurrentQueue<HistoryOperation<ClientRequest, ClientOutcome>> _operations = new();
    private readonly Task[] _clients;
    private long _begun;
    private long _answered;

    private ContendedLoad(ProcessSwarm swarm)
    {
        _nodes = [.. swarm.Urls.Select(url => new HttpSwarmClient(url, ClientPatience))];
        _clients = [.. Enumerable.Range(0, Clients).Select(client => Task.Run(() => WorkAsync(client)))];
    }

    /// <summary>Sets clients to work.</summary>
    public static async Task<ContendedLoad> StartAsync(ProcessSwarm swarm)
    {
        ContendedLoad load = new(swarm);
        await load.GoesOnAsync();
        return load;
    }

    /// <summary>Waits until so many more operations were answered.</summary>
    public async Task GoesOnAsync(int further = 150)
    {
        long due = Interlocked.Read(ref _answered) + further;
        await Eventually.HoldsAsync(
            $"{further} more answers",
            async _ =>
            {
                if (_clients.FirstOrDefault(client => client.IsFaulted) is { } faulted)
                {
                    await faulted;
                }

                return Interlocked.Read(ref _answered) >= due;
            });
    }

    /// <summary>Lets every client end what it has begun.</summary>
    public async Task<IReadOnlyList<HistoryOperation<ClientRequest, ClientOutcome>>> FinishAsync()
    {
        await _enough.CancelAsync();
        await Eventually.CompletesAsync("the clients to end", Task.WhenAll(_clients));
        return [.. _operations];
    }

    public async ValueTask DisposeAsync()
    {
        await _enough.CancelAsync();
        await Task.WhenAll(_clients).ContinueWith(_ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
        foreach (HttpSwarmClient node in _nodes)
        {
            node.Dispose();
        }

        _enough.Dispose();
    }

    private async Task WorkAsync(int client)
    {
        using PeriodicTimer pace = new(Pace);
        var random = new SimulationRandom((ulong)client);
        ulong number = 0;
        long[] keepsAwayUntil = new long[_nodes.Length];
        for (long own = 0; !_enough.IsCancellationRequested; own++)
        {
            long round = Interlocked.Increment(ref _begun) / OperationsOfProposals;
            string proposal = string.Create(CultureInfo.InvariantCulture, $"{_name}-{round}-{random.Next(Proposals)}");
            int asked = Pick(random, keepsAwayUntil, own);
            HttpSwarmClient node = _nodes[asked];
            bool answered;
            switch (random.Next(10))
            {
                case < 6:
                    var command = new CommandId(string.Create(CultureInfo.InvariantCulture, $"{_name}-{client}"), ++number);
                    ulong? expected = random.Next(8) == 0 ? (ulong)random.Next(6) : null;
                    answered = await ProposeAsync(client, node, new FactSubmission(AnyFact(random, proposal), CommandId: command, ExpectedRevision: expected));
                    break;
                case < 9:
                    answered = await ReadAsync(
                        client,
                        new ClientRequest.ReadProposal(proposal, ReadConsistency.Linearizable),
                        async () => new ClientOutcome.Proposal(await node.GetProposalAsync(proposal)));
                    break;
                default:
                    answered = await ReadAsync(
                        client,
                        new ClientRequest.ReadHead(ReadConsistency.Linearizable),
                        async () => new ClientOutcome.Head(await node.GetHeadAsync(ReadConsistency.Linearizable)));
                    break;
            }

            keepsAwayUntil[asked] = answered ? 0 : own + OperationsElsewhere;
            await pace.WaitForNextTickAsync(CancellationToken.None);
        }
    }

    private static int Pick(SimulationRandom random, long[] keepsAwayUntil, long own)
    {
        int first = random.Next(keepsAwayUntil.Length);
        for (int i = 0; i < keepsAwayUntil.Length; i++)
        {
            int node = (first + i) % keepsAwayUntil.Length;
            if (keepsAwayUntil[node] <= own)
            {
                return node;
            }
        }

        return first;
    }

    /// <summary>False when there was no answer to it.</summary>
    private async Task<bool> ProposeAsync(int client, HttpSwarmClient node, FactSubmission submission)
    {
        var request = new ClientRequest.Propose(submission);
        long called = Stopwatch.GetTimestamp();
        CommitAnswer answer = await node.CommitAsync(submission, CancellationToken.None);
        long returned = Stopwatch.GetTimestamp();
        switch (answer)
        {
            case FactAccepted or FactRefused:
                Keep(HistoryOperation<ClientRequest, ClientOutcome>.Answered(client, request, called, new ClientOutcome.Fact(answer), returned));
                return true;
            case FactOutcomeUnknown:
                _operations.Enqueue(HistoryOperation<ClientRequest, ClientOutcome>.Unknown(client, request, called));
                return false;
            default:
                // Certainly nothing happened.
                return false;
        }
    }

    /// <summary>False when there was no answer to it.</summary>
    private async Task<bool> ReadAsync(int client, ClientRequest request, Func<Task<ClientOutcome>> read)
    {
        long called = Stopwatch.GetTimestamp();
        try
        {
            ClientOutcome outcome = await read();
            Keep(HistoryOperation<ClientRequest, ClientOutcome>.Answered(client, request, called, outcome, Stopwatch.GetTimestamp()));
            return true;
        }
        catch (SwarmUnavailableException)
        {
            // A read that told nothing says nothing.
            return false;
        }
    }

    private void Keep(in HistoryOperation<ClientRequest, ClientOutcome> operation)
    {
        _operations.Enqueue(operation);
        Interlocked.Increment(ref _answered);
    }

    private static GovernanceFact AnyFact(SimulationRandom random, string proposal)
    {
        string actor = random.Pick(Actors);
        return random.Next(10) switch
        {
            < 3 => new ProposalCreated(proposal, actor),
            3 => new ValidationPassed(proposal, actor),
            4 => new ValidationFailed(proposal, actor, "It does not hold."),
            5 or 6 => new PromotionApproved(proposal, actor),
            7 => new PromotionRejected(proposal, actor, "Not now."),
            8 => new RollbackIssued(proposal, actor, "It was a test."),
            _ => new OverrideGranted(proposal, actor, "It may pass."),
        };
    }
}
