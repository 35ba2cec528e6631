using Converge.Core;
using Converge.Swarm.Governance;

namespace Converge.Swarm.Tests.Governance;

/// <summary>A leader and a replica in one: stamps commands, and applies them in order.</summary>
internal sealed class AgreedLog(GovernanceState state)
{
    private readonly List<byte[]> _entries = [];
    private long _now = 1_700_000_000_000;

    public AgreedLog()
        : this(new GovernanceState())
    {
    }

    public GovernanceState State { get; } = state;

    public Term Term { get; set; } = new(1);

    public CommandStamp Stamp { get; set; }

    public IReadOnlyList<byte[]> Entries => _entries;

    public ApplyOutcome Commit(FactSubmission submission)
    {
        Stamp = Stamper.Next(Stamp, _now++, new NodeId(1), submission.Lamport?.Counter ?? 0);
        return Apply(CommandCodec.EncodeFact(submission, Stamp));
    }

    public ApplyOutcome Commit(GovernanceFact fact, CommandId? commandId = null, ulong? expectedRevision = null) =>
        Commit(new FactSubmission(fact, CommandId: commandId, ExpectedRevision: expectedRevision));

    public CommitAnswer Answer(GovernanceFact fact, CommandId? commandId = null, ulong? expectedRevision = null) =>
        Commit(fact, commandId, expectedRevision).ToAnswer()!;

    public ApplyOutcome CommitAuthority(NodeId leader)
    {
        Stamp = Stamper.Next(Stamp, _now++, leader);
        return Apply(CommandCodec.EncodeAuthority(leader, Stamp));
    }

    public ApplyOutcome CommitNoOp() => Apply([]);

    private ApplyOutcome Apply(byte[] entry)
    {
        ApplyOutcome outcome = State.Apply(State.AppliedIndex.Next, Term, entry);
        _entries.Add(entry);
        return outcome;
    }
}
