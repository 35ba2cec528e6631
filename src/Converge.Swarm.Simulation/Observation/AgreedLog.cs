using Converge.Core;
using Converge.Raft;
using Converge.Swarm.Actors;
using Converge.Swarm.Governance;
using Converge.Swarm.Ledger;

namespace Converge.Swarm.Simulation;

/// <summary>One entry that was applied somewhere, as the first node applied it.</summary>
/// <param name="Entry">The entry itself.</param>
/// <param name="Command">What it says; null for the protocol's own entries.</param>
/// <param name="Applied">What applying it came to.</param>
/// <param name="Record">The record of the ledger that it made; null when it made none.</param>
/// <param name="EvictedSession">The session that the state machine forgot to make room for this command's; null for none.</param>
public sealed record AgreedEntry(Entry Entry, StampedCommand? Command, AppliedEntry Applied, LedgerRecord? Record, string? EvictedSession);

/// <summary>
/// The one order that all nodes apply, as far as any of them got: the simulation's own copy, decoded once. Whether the others apply the
/// same is for a checker to say.
/// </summary>
public sealed class AgreedLog
{
    private readonly int _maxSessions;
    private readonly List<AgreedEntry> _entries = [];
    private readonly List<LedgerRecord> _records = [];

    /// <summary>The sessions that the state machine knows, the least recently used first: a model of its own, apart from the product's.</summary>
    private readonly LinkedList<string> _sessions = [];

    internal AgreedLog(int maxSessions)
    {
        _maxSessions = maxSessions;
    }

    /// <summary>The first entry that can be applied: the founding snapshot covers those before.</summary>
    public LogIndex FirstIndex => Founding.Mark.Index.Next;

    /// <summary>The last entry that any node applied; the one before <see cref="FirstIndex"/> when none did.</summary>
    public LogIndex LastIndex => Founding.Mark.Index + (ulong)_entries.Count;

    /// <summary>Every record of the ledger so far; the first has sequence number 1.</summary>
    public IReadOnlyList<LedgerRecord> Records => _records;

    /// <summary>The entries, from <see cref="FirstIndex"/> on.</summary>
    public IReadOnlyList<AgreedEntry> Entries => _entries;

    /// <summary>An entry.</summary>
    /// <exception cref="ArgumentOutOfRangeException">No node has applied it.</exception>
    public AgreedEntry this[LogIndex index] =>
        index >= FirstIndex && index <= LastIndex
            ? _entries[(int)(index.Value - FirstIndex.Value)]
            : throw new ArgumentOutOfRangeException(nameof(index), index, $"Entries {FirstIndex} to {LastIndex} were applied.");

    /// <summary>Takes in what a node applied; null when another was there before.</summary>
    internal AgreedEntry? Add(NodeObservation node, in AppliedEntry applied)
    {
        if (applied.Index != LastIndex.Next || !node.TryGetEntry(applied.Index, out Entry entry))
        {
            return null;
        }

        StampedCommand? command = entry.Kind != EntryKind.Normal || entry.Data.IsEmpty ? null : CommandCodec.Decode(entry.Data.Span);
        LedgerRecord? record = applied.Outcome.Record is { } mark ? RecordOf(mark, entry, command, applied) : null;
        string? evicted = command is FactCommand { Submission.CommandId: { } id } ? Use(id.Session) : null;
        var agreed = new AgreedEntry(entry, command, applied, record, evicted);
        _entries.Add(agreed);
        if (record is not null)
        {
            _records.Add(record);
        }

        return agreed;
    }

    /// <summary>The record that the entry must have made, put together anew; with the hash that the node says, which is for a checker to judge.</summary>
    private LedgerRecord RecordOf(RecordMark mark, in Entry entry, StampedCommand? command, in AppliedEntry applied)
    {
        ConfigurationChange? change = entry.Kind == EntryKind.Normal ? null : ConfigurationChange.Decode(entry.Kind, entry.Data);
        command ??= CommandCodec.Decode(change!.Context.Span);
        ConfigurationState? members = applied.Outcome.Membership?.Table.Configuration;
        FactSubmission? submission = (command as FactCommand)?.Submission;
        return new LedgerRecord(
            mark.Sequence,
            entry.Index,
            entry.Term,
            command.Stamp.TimeUnixMilliseconds,
            command.Stamp.Lamport,
            command switch { FactCommand => RecordKind.Fact, MembershipCommand => RecordKind.Membership, _ => RecordKind.Authority },
            submission?.CommandId,
            submission,
            (command as AuthorityCommand)?.Leader,
            _records.Count == 0 ? default(Hash256).ToString() : _records[^1].Hash,
            mark.Hash.ToString())
        {
            Membership = command is MembershipCommand { Steps: var steps }
                ? new MembershipChange(steps, members!.Voters, [.. members.Learners.Concat(members.LearnersNext).Order()])
                : null,
        };
    }

    private string? Use(string session)
    {
        string? evicted = null;
        if (!_sessions.Remove(session) && _sessions.Count == _maxSessions)
        {
            evicted = _sessions.First!.Value;
            _sessions.RemoveFirst();
        }

        _sessions.AddLast(session);
        return evicted;
    }
}
