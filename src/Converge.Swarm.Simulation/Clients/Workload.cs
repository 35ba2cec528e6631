using System.Globalization;
using Converge.Core;

namespace Converge.Swarm.Simulation;

/// <summary>
/// What the clients of a run do: several of them, slow and bursty ones, about a few proposals that they all care for, under sessions that
/// are kept and sessions that are soon forgotten; now and then one submits again what it submitted long ago.
/// </summary>
internal sealed class Workload
{
    private static readonly string[] People = ["ada", "grace", "barbara"];

    private readonly SimulatedSwarm _swarm;
    private readonly SimulationRandom _random;
    private readonly List<Person> _clients = [];
    private readonly int _proposals;
    private readonly int _limit;
    private readonly int _readShare;
    private bool _stopped;

    public Workload(SimulatedSwarm swarm, SimulationRandom random, int limit)
    {
        _swarm = swarm;
        _random = random;
        _limit = limit;
        _proposals = (int)random.Between(2, 12);
        _readShare = (int)random.Between(100_000, 600_000);
        int count = (int)random.Between(2, 6);
        for (int i = 0; i < count; i++)
        {
            var options = new SimulatedClientOptions
            {
                AttemptMilliseconds = (int)random.Between(300, 6_000),
                OperationMilliseconds = (int)random.Between(2_000, 25_000),
                DuplicateMillionths = random.Next(4) == 0 ? 200_000 : 0,
            };
            _clients.Add(new Person(swarm.AddClient(options), random.Fork((ulong)i), random.Between(400_000, 5_000_000), random.Next(3) == 0));
        }
    }

    /// <summary>How many operations were begun.</summary>
    public int Begun { get; private set; }

    /// <summary>True when every client has been answered or has given up.</summary>
    public bool IsIdle => _clients.TrueForAll(person => person.Client.UnderWay == 0);

    public void Begin()
    {
        foreach (Person person in _clients)
        {
            Continue(person);
        }
    }

    /// <summary>Nothing new is begun.</summary>
    public void Stop() => _stopped = true;

    private void Continue(Person person) =>
        _swarm.Call(person.Random.Between(person.PauseMicroseconds / 4, person.PauseMicroseconds), () =>
        {
            if (_stopped)
            {
                return;
            }

            int count = person.IsBursty && person.Random.Next(8) == 0 ? (int)person.Random.Between(5, 30) : 1;
            for (int i = 0; i < count; i++)
            {
                Act(person);
            }

            Continue(person);
        });

    private void Act(Person person)
    {
        if (Begun >= _limit)
        {
            return;
        }

        Begun++;
        SimulationRandom random = person.Random;
        string proposal = string.Create(CultureInfo.InvariantCulture, $"proposal-{random.Next(_proposals)}");
        if (random.Chance(_readShare))
        {
            ReadConsistency consistency = random.Next(4) switch
            {
                0 => ReadConsistency.Stale,
                1 when _swarm.Options.LeaseDriftTicks is not null => ReadConsistency.Leased,
                _ => ReadConsistency.Linearizable,
            };
            if (random.Next(5) == 0)
            {
                person.Client.ReadHead(consistency);
            }
            else
            {
                person.Client.ReadProposal(proposal, consistency);
            }

            return;
        }

        if (person.Earlier.Count > 0 && random.Next(12) == 0)
        {
            person.Client.Propose(random.Pick(person.Earlier));
            return;
        }

        ClientOperation operation = random.Next(10) switch
        {
            // A visitor: a session of one command, which crowds out others.
            0 => person.Client.Propose(new FactSubmission(
                Fact(random, proposal),
                CommandId: new CommandId(string.Create(CultureInfo.InvariantCulture, $"visitor-{person.Client.Number}-{Begun}"), 1))),

            // Without a command id nothing protects from a repetition, and nothing is repeated.
            1 => person.Client.Propose(new FactSubmission(Fact(random, proposal))),
            2 => person.Client.Propose(new FactSubmission(
                Fact(random, proposal), CommandId: person.Client.NextCommand(), ExpectedRevision: (ulong)random.Next(8))),
            _ => person.Client.Propose(Fact(random, proposal)),
        };
        if (operation.Request is ClientRequest.Propose { Submission: { CommandId: not null } submission })
        {
            person.Earlier.Add(submission);
        }
    }

    private static GovernanceFact Fact(SimulationRandom random, string proposal)
    {
        string who = random.Pick(People);
        return random.Next(12) switch
        {
            <= 2 => new ProposalCreated(proposal, who, "A change"),
            <= 5 => new ValidationPassed(proposal, who),
            6 => new ValidationFailed(proposal, who, "It does not hold."),
            <= 8 => new PromotionApproved(proposal, who),
            9 => new PromotionRejected(proposal, who, "Not now."),
            10 => new RollbackIssued(proposal, who, "It broke."),
            _ => new OverrideGranted(proposal, who, "All the same."),
        };
    }

    private sealed record Person(SimulatedClient Client, SimulationRandom Random, long PauseMicroseconds, bool IsBursty)
    {
        public List<FactSubmission> Earlier { get; } = [];
    }
}
