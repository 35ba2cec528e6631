using Converge.Core;

namespace Converge.Swarm;

/// <summary>Why a transfer of leadership was not begun. The values are on the wire and never change.</summary>
public enum TransferRefusal
{
    /// <summary><c>no_leader</c>: there is no leader to hand anything over, or none could be reached.</summary>
    NoLeader = 1,

    /// <summary><c>unknown_member</c>: the node wanted is not a member.</summary>
    UnknownMember = 2,

    /// <summary><c>not_a_voter</c>: the node wanted has no vote and cannot lead.</summary>
    NotAVoter = 3,

    /// <summary><c>unreachable</c>: the node wanted, or every node that could take over, is not there at the moment.</summary>
    Unreachable = 4,

    /// <summary><c>busy</c>: a transfer that was asked for here is still under way, or a bounded queue is full.</summary>
    Busy = 5,

    /// <summary><c>stopping</c>: the node is shutting down, and hands over what it has by itself.</summary>
    Stopping = 6,
}

/// <summary>
/// What became of the wish that another node lead. Exactly four cases: <see cref="LeadershipTransferred"/>,
/// <see cref="LeadershipNotTransferred"/> (it was tried), <see cref="LeadershipTransferRefused"/> (it was not) and
/// <see cref="LeadershipTransferUnknown"/>. None of them touches what is committed.
/// </summary>
public abstract record LeadershipTransfer
{
    private protected LeadershipTransfer()
    {
    }
}

/// <summary>The node that was wanted leads; when none was named, another one than before.</summary>
/// <param name="Leader">Who leads.</param>
/// <param name="Term">In which term.</param>
public sealed record LeadershipTransferred(NodeId Leader, Term Term) : LeadershipTransfer;

/// <summary>It was tried, and the node that was wanted did not take over in time. While it was tried, commits waited.</summary>
/// <param name="Leader">Who leads as far as the node that was asked knows; <see cref="NodeId.None"/> when it knows of nobody.</param>
/// <param name="Term">The term it knows.</param>
/// <param name="Message">For a person.</param>
public sealed record LeadershipNotTransferred(NodeId Leader, Term Term, string Message) : LeadershipTransfer;

/// <summary>Nothing was begun.</summary>
/// <param name="Reason">Why.</param>
/// <param name="Message">For a person.</param>
public sealed record LeadershipTransferRefused(TransferRefusal Reason, string Message) : LeadershipTransfer;

/// <summary>The wish was handed on and what became of it is not known; the status of the nodes tells who leads.</summary>
/// <param name="Message">For a person.</param>
public sealed record LeadershipTransferUnknown(string Message) : LeadershipTransfer;

/// <summary>The stable names of <see cref="TransferRefusal"/>.</summary>
public static class TransferRefusalNames
{
    /// <summary>For example <c>unknown_member</c>.</summary>
    public static string Name(this TransferRefusal reason) => reason switch
    {
        TransferRefusal.NoLeader => "no_leader",
        TransferRefusal.UnknownMember => "unknown_member",
        TransferRefusal.NotAVoter => "not_a_voter",
        TransferRefusal.Unreachable => "unreachable",
        TransferRefusal.Busy => "busy",
        TransferRefusal.Stopping => "stopping",
        _ => throw new ArgumentOutOfRangeException(nameof(reason), reason, "Not a reason."),
    };

    /// <summary>The reason that a name stands for, or null.</summary>
    public static TransferRefusal? Parse(string? name)
    {
        foreach (TransferRefusal reason in Enum.GetValues<TransferRefusal>())
        {
            if (string.Equals(reason.Name(), name, StringComparison.Ordinal))
            {
                return reason;
            }
        }

        return null;
    }
}
