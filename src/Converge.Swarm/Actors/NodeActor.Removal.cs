using Converge.Core;
using Converge.Raft;

namespace Converge.Swarm.Actors;

/// <summary>
/// What a node knows of removals: it tells those that are gone, takes no part itself once it is, and says so to those who ask for its vote.
/// </summary>
public sealed partial class NodeActor
{
    /// <summary>What this node tells whoever still asks for its vote; null while it is a member.</summary>
    private RemovalNotice? _removal;

    private void TellOfItsRemoval(NodeId gone) => _port.ToPeer(gone, new RemovalNotice(_membersAt.Index, _membersAt.Term, OfSender: false));

    /// <summary>
    /// A member says that this node is none any more; it may be right without this node ever having seen the entry. Or a node says that it is
    /// none any more itself: it gives this one no vote, and this one needs none from it as soon as it has applied the entry that says so.
    /// </summary>
    private void ReceiveRemovalNotice(NodeId from, RemovalNotice notice)
    {
        _raft.NoteCommitted(notice.Index, notice.Term);
        if (!notice.OfSender && !_members.IsGone(from))
        {
            NoteOwnRemoval(notice.Index, notice.Term);
        }
    }

    private void NoteOwnRemoval(LogIndex index, Term term)
    {
        if (_removal is not null)
        {
            // Told without the term at first, perhaps: then whoever asks could not be told.
            _removal = _removal.Term == Term.Zero ? _removal with { Index = index, Term = term } : _removal;
            return;
        }

        _removal = new RemovalNotice(index, term, OfSender: true);
        _port.Publish(new SwarmEvent.Removed(index));
        _pending.Abandon();
        AbandonAllForwards();
        RefuseAllReads(WasRemoved(_removal), NotCommittedReason.NoLeader);
    }

    /// <summary>
    /// A node that was removed takes no part, but does not keep to itself what it knows. Who asks for its vote has not applied the change, and
    /// may have it in its log: without the knowledge that it is committed it would be held up by a vote that is never given, and those who
    /// had that knowledge may be gone (see docs/divergence.md).
    /// </summary>
    private void AnswerAsRemoved(RemovalNotice removal, in Message message)
    {
        if (message.Kind is MessageKind.Vote or MessageKind.PreVote && removal.Term != Term.Zero)
        {
            _port.ToPeer(message.From, removal);
        }
    }

    private string WasRemoved(RemovalNotice removal) =>
        $"Node {_options.Self} was removed from the swarm by entry {removal.Index} and takes no part any more.";
}
