using Converge.Core;

namespace Converge.Swarm.Members;

/// <summary>What is agreed about one member.</summary>
/// <param name="Id">Its identity; belongs to one data folder for ever.</param>
/// <param name="Peer">Where its peers reach it.</param>
/// <param name="Http">Where its HTTP API is, if it was said.</param>
/// <param name="Wanted">What it is to be. A learner that is wanted as a voter is promoted once it has caught up.</param>
/// <param name="AddedAt">The entry that added it; members that were added together are promoted together.</param>
public sealed record SwarmMember(NodeId Id, string Peer, string? Http, MemberRole Wanted, LogIndex AddedAt);
