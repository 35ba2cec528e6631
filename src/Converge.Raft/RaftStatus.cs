using System.Collections.Immutable;
using Converge.Core;

namespace Converge.Raft;

/// <summary>What a leader knows of one member.</summary>
/// <param name="Id">The member.</param>
/// <param name="Match">The greatest index up to which its log is known to equal the leader's.</param>
/// <param name="Next">The next entry to send.</param>
/// <param name="State">How it is fed.</param>
/// <param name="IsLearner">True for a learner.</param>
/// <param name="IsPaused">True while nothing is sent until it is heard of.</param>
/// <param name="PendingSnapshot">The index of the snapshot that is under way; zero for none.</param>
/// <param name="RecentActive">True when it was heard of since the last check of the quorum.</param>
/// <param name="InflightMessages">Appends under way.</param>
/// <param name="IsInflightFull">True when no more may be under way.</param>
/// <param name="IsCaughtUp">True for a learner that could be made a voter without holding up commits: it answers, and a round of what it lacked took less than an election timeout.</param>
/// <param name="Promotion">Of a learner: what <see cref="RaftNode.PromoteWhenCaughtUp"/> has come to.</param>
/// <param name="SlowCatchUpRounds">Of a learner: rounds in a row that took an election timeout or longer.</param>
public readonly record struct FollowerProgress(
    NodeId Id,
    LogIndex Match,
    LogIndex Next,
    ProgressState State,
    bool IsLearner,
    bool IsPaused,
    LogIndex PendingSnapshot,
    bool RecentActive,
    int InflightMessages,
    bool IsInflightFull,
    bool IsCaughtUp,
    PromotionState Promotion,
    int SlowCatchUpRounds)
{
    internal static FollowerProgress Of(MemberProgress member) => new(
        member.Id,
        member.Match,
        member.Next,
        member.State,
        member.IsLearner,
        member.IsPaused,
        member.PendingSnapshot,
        member.RecentActive,
        member.InflightCount,
        member.IsInflightFull,
        member.IsLearner && member.CatchUp.IsCaughtUp,
        member.CatchUp.State,
        member.CatchUp.SlowRounds);
}

/// <summary>How a node stands, for people and metrics.</summary>
/// <param name="Id">The node.</param>
/// <param name="Term">Its term.</param>
/// <param name="Vote">For whom it voted in that term.</param>
/// <param name="Commit">The greatest index it knows to be committed.</param>
/// <param name="Applied">The greatest index it has applied.</param>
/// <param name="LastIndex">The end of its log, durable or not.</param>
/// <param name="Role">Its role.</param>
/// <param name="Leader">The leader as far as it knows.</param>
/// <param name="TransferTarget">On a leader that hands over: to whom.</param>
/// <param name="Configuration">The configuration in force.</param>
/// <param name="Progress">On a leader: what it knows of each member, itself included, in ascending order. Otherwise empty.</param>
public sealed record RaftStatus(
    NodeId Id,
    Term Term,
    NodeId Vote,
    LogIndex Commit,
    LogIndex Applied,
    LogIndex LastIndex,
    RaftRole Role,
    NodeId Leader,
    NodeId TransferTarget,
    ConfigurationState Configuration,
    ImmutableArray<FollowerProgress> Progress);
