using System.Globalization;
using Converge.Core;
using Converge.Swarm.Cli.Processes;
using Converge.Swarm.Http;

namespace Converge.Swarm.Cli.Tests.Durability;

/// <summary>
/// Clients at work on a swarm. Half of them name their commands and repeat each under its name, at one node after the other, until it is
/// answered for good; the others submit everything once.
/// </summary>
internal sealed class ClientLoad : IAsyncDisposable
{
    private const int NamedClients = 4;
    private const int AnonymousClients = 3;
    private const int BatchFacts = 4;
    private const int RepeatedTogether = 64;

    // Shorter than a swarm may take, so that a client does not stay with a node that stands still.
    private static readonly TimeSpan ClientPatience = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan Pace = TimeSpan.FromMilliseconds(20);

    /// <summary>What is said about each proposal, one after the other, and how it must be refused if it must.</summary>
    private static readonly (Func<string, GovernanceFact> Fact, RefusalCode? Refused)[] Script =
    [
        (id => new ProposalCreated(id, "author://load", "A change under load"), null),
        (id => new ProposalCreated(id, "author://load", "A change under load"), RefusalCode.AlreadyExists),
        (id => new ValidationPassed(id, "validator://tests"), null),
        (id => new PromotionApproved(id, "approver://ada"), null),
        (id => new PromotionApproved(id, "approver://ada"), RefusalCode.DuplicateDecision),
        (id => new RollbackIssued(id, "issuer://bob", "It was a test."), null),
    ];

    private HttpSwarmClient[] _nodes;
    private readonly CancellationTokenSource _enough = new();
    private readonly CancellationTokenSource _abandoned = new();
    private readonly Task[] _clients;
    private CommitAnswer? _lastTrouble;

    private ClientLoad(ProcessSwarm swarm, int anonymousClients)
    {
        _nodes = [.. swarm.Urls.Select(url => new HttpSwarmClient(url, ClientPatience))];
        History = new ClientHistory(Guid.NewGuid().ToString("n", CultureInfo.InvariantCulture)[..8]);
        _clients =
        [
            .. Enumerable.Range(0, NamedClients).Select(client => Task.Run(() => WorkNamedAsync(client))),
            .. Enumerable.Range(0, anonymousClients).Select(client => Task.Run(() => WorkAnonymousAsync(client))),
        ];
    }

    /// <summary>What the clients were told.</summary>
    public ClientHistory History { get; }

    /// <summary>Sets clients to work.</summary>
    /// <param name="swarm">Whose members are asked, those that it has now.</param>
    /// <param name="anonymousClients">How many submit everything once; what such a one is answered need not be final.</param>
    public static async Task<ClientLoad> StartAsync(ProcessSwarm swarm, int anonymousClients = AnonymousClients)
    {
        ClientLoad load = new(swarm, anonymousClients);
        await load.GoesOnAsync();
        return load;
    }

    /// <summary>Nodes are asked from now on, too.</summary>
    public void Ask(IEnumerable<LocalNode> nodes) =>
        Volatile.Write(ref _nodes, [.. _nodes, .. nodes.Where(node => _nodes.All(known => known.Url != node.Url)).Select(node => new HttpSwarmClient(node.Url, ClientPatience))]);

    /// <summary>Waits until so many more facts were acknowledged.</summary>
    public async Task GoesOnAsync(int further = 40)
    {
        long due = History.Accepted + further;
        await Eventually.HoldsAsync(
            $"{further} more acknowledgements",
            async _ =>
            {
                if (_clients.FirstOrDefault(client => client.IsFaulted) is { } faulted)
                {
                    await faulted;
                }

                return History.Accepted >= due;
            },
            () => $"{History}; the last trouble was {_lastTrouble}.");
    }

    /// <summary>
    /// Lets every client bring to an end what it has begun; then repeats every command once more, which must change nothing and be
    /// answered as it was.
    /// </summary>
    public async Task<ClientHistory> FinishAsync()
    {
        await _enough.CancelAsync();
        await Eventually.CompletesAsync("the clients to end", Task.WhenAll(_clients), () => $"{History}; the last trouble was {_lastTrouble}.");
        int node = 0;
        foreach (FactSubmission[] commands in History.Commands.Chunk(RepeatedTogether))
        {
            await SettleAsync(commands, node++, History.KeepRepeated);
        }

        return History;
    }

    public async ValueTask DisposeAsync()
    {
        await _enough.CancelAsync();
        await _abandoned.CancelAsync();
        await Task.WhenAll(_clients).ContinueWith(_ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
        foreach (HttpSwarmClient node in _nodes)
        {
            node.Dispose();
        }

        _enough.Dispose();
        _abandoned.Dispose();
    }

    private async Task WorkNamedAsync(int client)
    {
        using PeriodicTimer pace = new(Pace);
        string session = string.Create(CultureInfo.InvariantCulture, $"{History.Name}-{client}");
        ulong number = 0;
        for (int round = 0; !_enough.IsCancellationRequested; round++)
        {
            string[] proposals = [.. Enumerable.Range(0, BatchFacts).Select(i => string.Create(CultureInfo.InvariantCulture, $"{session}-{round}-{i}"))];
            foreach ((Func<string, GovernanceFact> fact, RefusalCode? refused) in Script)
            {
                FactSubmission[] commands = [.. proposals.Select(proposal => new FactSubmission(fact(proposal), CommandId: new CommandId(session, ++number)))];
                await SettleAsync(commands, client + round, (command, answer) => History.KeepNamed(command, answer, refused));
                await pace.WaitForNextTickAsync(_abandoned.Token);
            }
        }
    }

    private async Task WorkAnonymousAsync(int client)
    {
        using PeriodicTimer pace = new(Pace);
        for (int round = 0; !_enough.IsCancellationRequested; round++)
        {
            FactSubmission[] facts =
            [
                .. Enumerable.Range(0, BatchFacts).Select(i => new FactSubmission(
                    new ProposalCreated(string.Create(CultureInfo.InvariantCulture, $"{History.Name}-anonymous-{client}-{round}-{i}"), "author://load"))),
            ];
            IReadOnlyList<CommitAnswer> answers = await _nodes[(client + round) % _nodes.Length].CommitAsync(facts, _abandoned.Token);
            for (int i = 0; i < facts.Length; i++)
            {
                History.KeepAnonymous(facts[i], answers[i]);
            }

            await pace.WaitForNextTickAsync(_abandoned.Token);
        }
    }

    /// <summary>Submits commands again and again, at one node after the other, until all are answered for good.</summary>
    private async Task SettleAsync(IReadOnlyList<FactSubmission> commands, int node, Action<FactSubmission, CommitAnswer> keep)
    {
        using PeriodicTimer pace = new(Pace);
        List<FactSubmission> left = [.. commands];
        while (true)
        {
            IReadOnlyList<CommitAnswer> answers = await _nodes[node++ % _nodes.Length].CommitAsync(left, _abandoned.Token);
            List<FactSubmission> again = [];
            for (int i = 0; i < left.Count; i++)
            {
                if (answers[i] is FactAccepted or FactRefused)
                {
                    keep(left[i], answers[i]);
                }
                else
                {
                    _lastTrouble = answers[i];
                    again.Add(left[i]);
                }
            }

            if (again.Count == 0)
            {
                return;
            }

            left = again;
            await pace.WaitForNextTickAsync(_abandoned.Token);
        }
    }
}
