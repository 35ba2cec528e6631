using System.Collections.Immutable;
using Converge.Core;
using Converge.Raft;
using Converge.Swarm.Members;
using Converge.Swarm.Storage;

namespace Converge.Swarm.Actors;

/// <summary>
/// Who takes part (Raft paper, section 6; Ongaro's thesis, chapter 4): what applied entries and installed snapshots make of the members, put
/// in force here and shown.
/// </summary>
public sealed partial class NodeActor
{
    private MemberTable _members;

    /// <summary>A committed entry: the last that changed the members, or that of a snapshot behind it.</summary>
    private SnapshotMark _membersAt;

    /// <summary>The members as of the last entry that was applied here. For the host, before the first message; later ones are published.</summary>
    public MemberTable Members => _members;

    /// <summary>A committed entry: the one that made the members so, or a later one.</summary>
    public SnapshotMark MembersAt => _membersAt;

    /// <summary>Puts in force what was applied, and tells whoever waits for it.</summary>
    private void NoteMembership(in AppliedEntry entry, MembershipApplied applied)
    {
        if (entry.Index <= _raft.AppliedIndex)
        {
            // An installed snapshot stands for it.
            return;
        }

        if (applied.Change is { } change)
        {
            ConfigurationState inForce = _raft.ApplyConfigurationChange(change, out Raft.ConfigurationFault misfit);
            Invariant.Check(
                misfit == Raft.ConfigurationFault.None && inForce.Equals(applied.Table.Configuration),
                $"Entry {entry.Index} makes the configuration {applied.Table.Configuration} of the members, but {inForce} of the protocol ({misfit}).");
        }

        // Answered first: the way to a member that was removed may end with what comes next.
        SettleChange(entry, applied);
        TakeMembers(applied.Table, new SnapshotMark(entry.Index, entry.Term));
    }

    /// <summary>The members are others from now on: by an applied entry, or by a snapshot that stands for one.</summary>
    /// <param name="table">The members.</param>
    /// <param name="at">That entry, or that of the snapshot.</param>
    private void TakeMembers(MemberTable table, SnapshotMark at)
    {
        SwarmMember[] gone = [.. _members.Members.Where(member => member.Id != _options.Self && table.IsGone(member.Id))];
        (_members, _membersAt) = (table, at);
        if (IsLeader || _raft.Leader.IsNone)
        {
            // They may have the entry that removes them and never hear that it is committed.
            foreach (SwarmMember member in gone)
            {
                TellOfItsRemoval(member.Id);
            }
        }

        foreach (SwarmMember member in gone)
        {
            _lastForwarded.Remove(member.Id);
            _diverged.Remove(member.Id);
        }

        _port.Publish(new SwarmEvent.MembersChanged(table, at));
        if (table.IsGone(_options.Self))
        {
            NoteOwnRemoval(at.Index, at.Term);
        }
    }

    private SwarmMembers DescribeMembers()
    {
        RaftStatus? status = IsLeader ? _raft.Status() : null;
        ConfigurationState configuration = _members.Configuration;
        List<string> warnings = [];
        if (configuration.Voters.Length % 2 == 0 && !configuration.IsJoint && !configuration.Voters.IsEmpty)
        {
            warnings.Add($"{configuration.Voters.Length} voters are an even number: they need a larger quorum than {configuration.Voters.Length - 1} and survive no more failures.");
        }

        if (_removal is { } removal)
        {
            warnings.Add(WasRemoved(removal));
        }

        return new SwarmMembers
        {
            Node = _options.Self,
            Leader = _raft.Leader,
            ChangedAt = _members.ChangedAt,
            Members =
            [
                .. _members.Reach(_options.Members, strangers: false).Select(address =>
                {
                    SwarmMember member = _members.Find(address.Id)!;
                    return new MemberView(
                        member.Id,
                        configuration.IsVoter(member.Id) ? MemberRole.Voter : MemberRole.Learner,
                        member.Wanted,
                        address.PeerAddress,
                        address.HttpUrl,
                        Leaving: _members.Removed.BinarySearch(member.Id) >= 0,
                        member.Id == _options.Self || _port.IsConnected(member.Id),
                        status?.Progress.Where(progress => progress.Id == member.Id).Select(progress => (LogIndex?)progress.Match).FirstOrDefault());
                }),
            ],
            Removed = _members.Removed,
            Changing = configuration.IsJoint,
            Warnings = warnings,
        };
    }
}
