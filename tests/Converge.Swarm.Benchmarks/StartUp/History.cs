using System.Globalization;
using Converge.Core;
using Converge.Swarm.Governance;

namespace Converge.Swarm.Benchmarks;

/// <summary>A log of accepted facts that is made as it is read, so that it takes no memory.</summary>
/// <param name="sessions">How many clients give their commands ids; none when 0.</param>
/// <param name="factsPerProposal">How many facts there are about each proposal, the creation among them.</param>
internal sealed class History(int sessions, int factsPerProposal)
{
    private const string Title = "What this proposal would change, in one line of usual length";

    /// <summary>The entry at a place, from 0.</summary>
    public byte[] Entry(int place) => CommandCodec.EncodeFact(
        Submission(place), new CommandStamp(1_700_000_000_000 + place, new LamportTimestamp((ulong)place + 1, new NodeId(1))));

    /// <summary>The same before a leader stamps it.</summary>
    public FactSubmission Submission(int place)
    {
        string proposal = string.Create(CultureInfo.InvariantCulture, $"proposal-{place / factsPerProposal}");
        GovernanceFact fact = (place % factsPerProposal) switch
        {
            0 => new ProposalCreated(proposal, Name("author", place), Title, "c0ffee"),
            var step when step == factsPerProposal - 1 => new PromotionApproved(proposal, Name("approver", place)),
            var step => new ValidationPassed(proposal, Name("validator", step)),
        };
        CommandId? command = sessions == 0
            ? null
            : new CommandId(Name("session", place % sessions), ((ulong)place / (ulong)sessions) + 1);
        return new FactSubmission(fact, CommandId: command);
    }

    private static string Name(string role, int number) => string.Create(CultureInfo.InvariantCulture, $"{role}-{number % 100_000}");
}
