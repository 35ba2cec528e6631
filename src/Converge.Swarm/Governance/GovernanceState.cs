using System.Buffers;
using System.Globalization;
using System.Text.Unicode;
using Converge.Core;
using Converge.Raft;
using Converge.Swarm.Ledger;
using Converge.Swarm.Members;

namespace Converge.Swarm.Governance;

/// <summary>
/// The replicated state machine: proposals, sessions, and the end of the record chain. A pure function of the agreed log: no clock, no
/// randomness, no culture, no dictionary order; equal logs make equal states, answers, records and digests on every node.
/// </summary>
/// <remarks>
/// Proposals lie in layers: those that changed since the last snapshot in memory, over the snapshot's file (<see cref="StateSnapshotFile"/>).
/// Not safe for concurrent use: its owner is one actor. <c>docs/governance.md</c> has the rules as a table.
/// </remarks>
public sealed partial class GovernanceState
{
    private const int MaxIdBytes = 3 * FactLimits.MaxProposalIdLength;

    private MemberTable? _members = MemberTable.Empty;
    private readonly SessionTable _sessions;
    private readonly ApplyDigest _digest = new();
    private readonly LatestRecord _record = new();

    /// <summary>The state before the first entry.</summary>
    public GovernanceState()
        : this(ApplyRules.MaxSessions, ApplyRules.MaxAnswers, ApplyRules.SessionWindow)
    {
    }

    /// <summary>With limits of a test's choice.</summary>
    internal GovernanceState(int maxSessions, int maxAnswers, ulong sessionWindow)
    {
        _sessions = new SessionTable(maxSessions, maxAnswers, sessionWindow);
    }

    /// <summary>The last entry applied.</summary>
    public LogIndex AppliedIndex { get; private set; }

    /// <summary>The term of that entry.</summary>
    public Term AppliedTerm { get; private set; }

    /// <summary>The stamp of the last stamped entry applied.</summary>
    public CommandStamp LastStamp { get; private set; }

    /// <summary>The sequence number of the last record; how many there are.</summary>
    public ulong LastSequence { get; private set; }

    /// <summary>The hash of the last record; zero when there is none.</summary>
    public Hash256 LastHash { get; private set; }

    /// <summary>The apply digest at <see cref="AppliedIndex"/>. Replicas that applied the same log have the same one.</summary>
    public Hash256 Digest => _digest.Value;

    /// <summary>The record that was made last (<see cref="ApplyOutcome.Record"/>); good until the next entry is applied.</summary>
    internal RecordView Record => _record.View;

    /// <summary>Who takes part, as agreed up to <see cref="AppliedIndex"/>.</summary>
    /// <exception cref="SnapshotDamagedException">The snapshot that this state began with has members' records that are not what is written.</exception>
    public MemberTable Members
    {
        // Null until somebody asks a state that was made from a snapshot.
        get => _members ??= _base!.Header.ReadMembers(_base.Path);
        private set => _members = value;
    }

    /// <summary>How many proposals were ever created.</summary>
    public ulong ProposalCount { get; private set; }

    /// <summary>How many client sessions are kept.</summary>
    public int SessionCount => _sessions.SessionCount;

    /// <summary>How many answers are kept over all sessions.</summary>
    public int AnswerCount => _sessions.AnswerCount;

    /// <summary>Before the first entry: the members with whom a swarm begins.</summary>
    internal void Found(MemberTable members)
    {
        Invariant.Check(AppliedIndex == LogIndex.Zero, $"A swarm is founded before its first entry, not at {AppliedIndex}.");
        Members = members;
    }

    /// <summary>Applies the next entry.</summary>
    /// <param name="index">Its place: the one after <see cref="AppliedIndex"/>.</param>
    /// <param name="term">Its term; never decreases.</param>
    /// <param name="entry">
    /// Its bytes (<see cref="CommandCodec"/>), which never change: a proposal keeps those of its creation. Empty for entries that are the protocol's own
    /// business: a leader's no-op, a configuration.
    /// </param>
    /// <exception cref="UnsupportedCommandException">The bytes are not understood. Nothing was changed; the node must stop.</exception>
    /// <exception cref="SnapshotDamagedException">A page of the snapshot is not what was written. The node must stop.</exception>
    /// <exception cref="IOException">The snapshot could not be read. The node must stop.</exception>
    /// <exception cref="InvalidOperationException">
    /// The entry breaks an invariant: its place, its term or its stamp does not follow the last one. Nothing was changed; the node must stop.
    /// </exception>
    public ApplyOutcome Apply(LogIndex index, Term term, ReadOnlyMemory<byte> entry)
    {
        CheckFollows(index, term);
        if (entry.IsEmpty)
        {
            Advance(index, term);
            _digest.FoldNoOp(index, term);
            return default;
        }

        EncodedCommand command = CommandCodec.Read(entry.Span);
        if (command.Kind == CommandKind.Membership)
        {
            throw new UnsupportedCommandException($"Entry {index} has a change of members without a change of the configuration.");
        }

        Take(index, term, command.Stamp);
        return command.Kind == CommandKind.Fact ? ApplyFact(command, entry) : ApplyAuthority(command);
    }

    /// <summary>Applies the next entry when it changes the configuration.</summary>
    /// <param name="index">Its place: the one after <see cref="AppliedIndex"/>.</param>
    /// <param name="term">Its term; never decreases.</param>
    /// <param name="kind">Its kind.</param>
    /// <param name="data">Its bytes: a <see cref="ConfigurationChange"/> whose context is a change of members; none to leave a joint configuration.</param>
    /// <exception cref="UnsupportedCommandException">The bytes are not understood. Nothing was changed; the node must stop.</exception>
    /// <exception cref="InvalidOperationException">As of <see cref="Apply"/>.</exception>
    public ApplyOutcome ApplyMembership(LogIndex index, Term term, EntryKind kind, ReadOnlyMemory<byte> data)
    {
        CheckFollows(index, term);
        ConfigurationChange change = ConfigurationChange.Decode(kind, data)
            ?? throw new UnsupportedCommandException($"Entry {index} of kind {kind} is no change of the configuration.");
        return change.LeavesJoint && change.Context.IsEmpty ? SettleMembers(index, term, change) : ChangeMembers(index, term, change);
    }

    /// <summary>A copy of the record that the last entry made; null when it made none.</summary>
    public EncodedRecord? CopyRecord() => _record.View.Envelope.Index == AppliedIndex && AppliedIndex != LogIndex.Zero ? EncodedRecord.CopyOf(_record.View) : null;

    /// <summary>The proposal as recorded up to <see cref="AppliedIndex"/>, or null when it was never created.</summary>
    /// <param name="proposalId">Its id.</param>
    /// <param name="ledger">
    /// The ledger of this state. A snapshot repeats nothing of a creation but the id, so that a state that rests on one needs it; another does not.
    /// </param>
    /// <exception cref="SnapshotDamagedException">A page of the snapshot is not what was written.</exception>
    /// <exception cref="LedgerDivergedException">The ledger has another fact where the creation should be.</exception>
    /// <exception cref="IOException">The snapshot or the ledger could not be read.</exception>
    /// <exception cref="InvalidOperationException">The creation is in the ledger, and none was given.</exception>
    public ProposalView? Get(string proposalId, GovernanceLedger? ledger = null)
    {
        Span<byte> utf8 = stackalloc byte[MaxIdBytes];

        // Whatever is too long or has a lone surrogate cannot have been created.
        return Utf8.FromUtf16(proposalId, utf8, out _, out int length, replaceInvalidSequences: false) == OperationStatus.Done
            ? Find(ProposalKey.Of(utf8[..length]), utf8[..length], out _)?.ToView(AppliedIndex, ledger)
            : null;
    }

    private ApplyOutcome SettleMembers(LogIndex index, Term term, ConfigurationChange change)
    {
        Advance(index, term);
        bool isJoint = Members.Configuration.IsJoint;
        Members = Members.Settled(index);
        _digest.FoldSettledMembership(index, term, Members.Configuration);
        MembershipFault? fault = isJoint ? null : new(MembershipRefusal.InvalidChange, "There is no joint configuration to leave.");
        return ApplyOutcome.OfMembers(ApplyResult.MembershipSettled, new MembershipApplied(Members, isJoint ? change : null, fault));
    }

    private ApplyOutcome ChangeMembers(LogIndex index, Term term, ConfigurationChange change)
    {
        EncodedCommand command = CommandCodec.Read(change.Context.Span);
        if (command.Kind != CommandKind.Membership)
        {
            throw new UnsupportedCommandException($"Entry {index} changes the configuration and carries a command of kind {command.Kind}.");
        }

        Take(index, term, command.Stamp);
        ConfigurationChange said = MemberTable.ChangeOf(command.Steps, change.Context);
        MemberTable next = Members;
        MembershipFault? fault = said.EntryKind == change.EntryKind && said.Transition == change.Transition && said.Changes.SequenceEqual(change.Changes)
            ? Members.TryChange(command.Steps, index, out next)
            : new(MembershipRefusal.InvalidChange, "The change of the configuration is not the one that the members are told.");
        if (fault is not null)
        {
            _digest.FoldMembershipRefusal(index, term, LastStamp, fault.Reason);
            return ApplyOutcome.OfMembers(ApplyResult.MembershipRefused, new MembershipApplied(Members, null, fault));
        }

        Members = next;
        ConfigurationState after = next.Configuration;
        var recorded = new MembershipChange(command.Steps, after.Voters, [.. after.Learners.Concat(after.LearnersNext).Order()]);
        RecordMark record = Extend(RecordKind.Membership, [], LedgerRecordCodec.BodyOf(recorded));
        _digest.FoldMembership(index, term, LastStamp, record);
        return ApplyOutcome.OfMembers(record, new MembershipApplied(next, change, null));
    }

    private ApplyOutcome ApplyAuthority(in EncodedCommand command)
    {
        RecordMark record = Extend(RecordKind.Authority, [], LedgerRecordCodec.BodyOf(command.Leader));
        _digest.FoldAuthority(AppliedIndex, AppliedTerm, record);
        return ApplyOutcome.OfAuthority(record);
    }

    private ApplyOutcome ApplyFact(in EncodedCommand command, ReadOnlyMemory<byte> entry)
    {
        ulong key = _ahead.KeyOf(entry, command.Fact.ProposalId);
        if (!command.CommandId.IsPresent)
        {
            return Fold(Decide(command, key, entry));
        }

        Session session = _sessions.Use(command.CommandId.Session);
        switch (_sessions.Look(session, command.CommandId.Number, out AnswerData known))
        {
            case CommandNovelty.Answered:
                return Fold(ApplyOutcome.RepeatedWith(known));

            case CommandNovelty.Expired:
                return Fold(Refuse(RefusalCode.CommandExpired, Find(key, command.Fact.ProposalId, out _)));

            default:
                ApplyOutcome outcome = Decide(command, key, entry);
                _sessions.Keep(session, command.CommandId.Number, outcome.Answer);
                return Fold(outcome);
        }
    }

    /// <summary>Records the fact, or says why not: the first reason in the order of <see cref="RefusalCode"/>.</summary>
    private ApplyOutcome Decide(in EncodedCommand command, ulong key, ReadOnlyMemory<byte> entry)
    {
        ref readonly EncodedFact fact = ref command.Fact;
        Proposal? proposal = Find(key, fact.ProposalId, out ProposalLayer layer);
        bool creates = fact.Kind == FactKind.ProposalCreated;
        if (proposal is null && !creates)
        {
            return Refuse(RefusalCode.UnknownProposal, proposal);
        }

        if (proposal is not null && creates)
        {
            return Refuse(RefusalCode.AlreadyExists, proposal);
        }

        if (fact.ExpectedRevision is { } expected && expected != (proposal?.Revision ?? 0))
        {
            return Refuse(RefusalCode.RevisionMismatch, proposal);
        }

        if (proposal?.Judge(fact.Kind, fact.Actor) is { } refusal)
        {
            return Refuse(refusal, proposal);
        }

        RecordMark record = Extend(RecordKind.Fact, command.CommandId.Bytes, fact.Bytes);
        ulong revision = 1;
        if (proposal is null)
        {
            // Nothing follows a fact in its entry.
            _changed.AddCreated(key, entry[^fact.Bytes.Length..], fact.ProposalId.Length, record.Sequence);
            ProposalCount++;
        }
        else
        {
            proposal = ToBeChanged(key, proposal, layer);
            proposal.Record(fact.Kind, _actors.Intern(fact.Actor), record.Sequence);
            revision = proposal.Revision;
        }

        return ApplyOutcome.Recorded(new AnswerData(record, AppliedIndex, AppliedTerm, LastStamp, revision));
    }

    private static ApplyOutcome Refuse(RefusalCode code, Proposal? proposal) => ApplyOutcome.Refused(new AnswerData(code, proposal?.Revision ?? 0));

    private ApplyOutcome Fold(in ApplyOutcome outcome)
    {
        _digest.FoldFact(AppliedIndex, AppliedTerm, outcome.Result, LastStamp, outcome.Answer, SessionCount, AnswerCount);
        return outcome;
    }

    /// <summary>Makes the next record.</summary>
    private RecordMark Extend(RecordKind kind, ReadOnlySpan<byte> commandId, ReadOnlySpan<byte> body)
    {
        _record.Make(
            new RecordEnvelope(kind, LastSequence + 1, AppliedIndex, AppliedTerm, LastStamp.TimeUnixMilliseconds, LastStamp.Lamport, LastHash), commandId, body);
        RecordView record = _record.View;
        LastSequence = record.Sequence;
        LastHash = record.Hash;
        return new RecordMark(LastSequence, LastHash);
    }

    private void Take(LogIndex index, Term term, CommandStamp stamp)
    {
        CheckFollows(index, stamp);
        Advance(index, term);
        LastStamp = stamp;
    }

    private void Advance(LogIndex index, Term term)
    {
        AppliedIndex = index;
        AppliedTerm = term;
    }

    private void CheckFollows(LogIndex index, Term term)
    {
        if (index != AppliedIndex.Next || term < AppliedTerm)
        {
            throw new InvalidOperationException(string.Create(
                CultureInfo.InvariantCulture,
                $"Entry {index} of term {term} cannot be applied after entry {AppliedIndex} of term {AppliedTerm}."));
        }
    }

    private void CheckFollows(LogIndex index, CommandStamp stamp)
    {
        if (stamp.TimeUnixMilliseconds < LastStamp.TimeUnixMilliseconds || stamp.Lamport.Counter <= LastStamp.Lamport.Counter)
        {
            throw new InvalidOperationException(string.Create(
                CultureInfo.InvariantCulture,
                $"Entry {index} is stamped {stamp.TimeUnixMilliseconds} ms, {stamp.Lamport}, which does not follow {LastStamp.TimeUnixMilliseconds} ms, {LastStamp.Lamport}."));
        }
    }
}
