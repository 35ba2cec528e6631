using Converge.Core;
using Converge.Raft;

namespace Converge.Swarm.Actors;

/// <summary>What one node sends another. Any of them may be lost, delayed or repeated; none may be altered.</summary>
public abstract record PeerMessage
{
    private protected PeerMessage()
    {
    }

    /// <summary>Control messages (votes, heartbeats, acknowledgements) never queue behind the others.</summary>
    public abstract bool IsControl { get; }
}

/// <summary>A message of the protocol, with the sender's latest apply digest where it costs little to carry it.</summary>
/// <param name="Message">The protocol's message.</param>
/// <param name="Mark">The sender's latest digest; index zero when it says nothing.</param>
public sealed record ProtocolMessage(Message Message, DigestMark Mark) : PeerMessage
{
    /// <inheritdoc/>
    public override bool IsControl => Message.Kind is not (MessageKind.Append or MessageKind.Snapshot or MessageKind.Propose);

    /// <summary>Whether a digest travels with messages of this kind: both directions of a heartbeat, and acknowledgements.</summary>
    public static bool CarriesMark(MessageKind kind) => kind is MessageKind.Heartbeat or MessageKind.HeartbeatResp or MessageKind.AppendResp;
}

/// <summary>Client commands on their way from the node that was asked to the leader.</summary>
/// <param name="Request">Chosen by the sender, unique in its life; the answer carries it.</param>
/// <param name="Commands">Not yet stamped.</param>
public sealed record ForwardedCommands(ulong Request, IReadOnlyList<UnstampedCommand> Commands) : PeerMessage
{
    /// <inheritdoc/>
    public override bool IsControl => false;
}

/// <summary>The leader's answers to forwarded commands, one each, in order.</summary>
/// <param name="Request">From <see cref="ForwardedCommands"/>.</param>
/// <param name="Answers">One for each command.</param>
public sealed record ForwardedAnswers(ulong Request, IReadOnlyList<CommitAnswer> Answers) : PeerMessage
{
    /// <inheritdoc/>
    public override bool IsControl => false;
}

/// <summary>A client command before the leader stamps it.</summary>
/// <param name="Body">The encoded entry under no stamp (<see cref="Governance.CommandCodec"/>).</param>
/// <param name="LamportClaim">The counter the client brought along; zero when none.</param>
public readonly record struct UnstampedCommand(ReadOnlyMemory<byte> Body, ulong LamportClaim);
