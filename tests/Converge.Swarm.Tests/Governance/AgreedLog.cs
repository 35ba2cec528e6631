using System.Collections.Immutable;
using Converge.Core;
using Converge.Raft;
using Converge.Swarm.Governance;
using Converge.Swarm.Ledger;
using Converge.Swarm.Members;

namespace Converge.Swarm.Tests.Governance;

/// <summary>A leader and a replica in one: stamps commands, and applies them in order.</summary>
internal sealed class AgreedLog(GovernanceState state)
{
    private readonly List<byte[]> _entries = [];
    private readonly List<EncodedRecord> _records = [];
    private long _now = 1_700_000_000_000;

    public AgreedLog()
        : this(new GovernanceState())
    {
    }

    public GovernanceState State { get; } = state;

    public Term Term { get; set; } = new(1);

    public CommandStamp Stamp { get; set; }

    public IReadOnlyList<byte[]> Entries => _entries;

    /// <summary>All records that were made.</summary>
    public IReadOnlyList<EncodedRecord> Records => _records;

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

    /// <summary>A change of members, and the end of the joint configuration if it goes through one.</summary>
    public ApplyOutcome CommitMembers(params ImmutableArray<MembershipStep> steps)
    {
        Stamp = Stamper.Next(Stamp, _now++, new NodeId(1));
        ConfigurationChange change = MemberTable.ChangeOf(steps, CommandCodec.EncodeMembership(steps, Stamp));
        ApplyOutcome outcome = ApplyMembers(change);
        if (State.Members.Configuration.IsJoint)
        {
            ApplyMembers(ConfigurationChange.Leave);
        }

        return outcome;
    }

    public ApplyOutcome CommitNoOp() => Apply([]);

    private ApplyOutcome ApplyMembers(ConfigurationChange change)
    {
        ReadOnlyMemory<byte> entry = change.Encode();
        ApplyOutcome outcome = State.ApplyMembership(State.AppliedIndex.Next, Term, change.EntryKind, entry);
        Note(entry.ToArray());
        return outcome;
    }

    private ApplyOutcome Apply(byte[] entry)
    {
        ApplyOutcome outcome = State.Apply(State.AppliedIndex.Next, Term, entry);
        Note(entry);
        return outcome;
    }

    private void Note(byte[] entry)
    {
        _entries.Add(entry);
        if (State.CopyRecord() is { } record)
        {
            _records.Add(record);
        }
    }
}
