using Converge.Core;

namespace Converge.Raft;

/// <content>Proposals, and the bound on what is not applied yet.</content>
internal sealed partial class RaftCore
{
    private long _uncommittedBytes;

    /// <summary>An entry of this leader's term is committed: what is committed before it is known to be all there is.</summary>
    private bool _isTermEstablished;

    /// <summary>Appends data as one entry each, or none of them, or sends them to the leader.</summary>
    public ProposeResult Propose(ReadOnlySpan<ReadOnlyMemory<byte>> batch)
    {
        if (batch.IsEmpty)
        {
            return ProposeResult.Accepted;
        }

        if (Role != RaftRole.Leader)
        {
            var entries = new Entry[batch.Length];
            for (int i = 0; i < batch.Length; i++)
            {
                entries[i] = new Entry(Term.Zero, LogIndex.Zero, EntryKind.Normal, batch[i]);
            }

            return Forward(new Message { Kind = MessageKind.Propose, From = Id, Entries = entries });
        }

        long bytes = 0;
        foreach (ReadOnlyMemory<byte> data in batch)
        {
            bytes += data.Length;
        }

        ProposeResult result = Admit(bytes);
        if (result == ProposeResult.Accepted)
        {
            foreach (ReadOnlyMemory<byte> data in batch)
            {
                AppendOwn(EntryKind.Normal, data);
            }

            Acknowledge(_log.LastIndex);
            BroadcastAppend();
        }

        return result;
    }

    /// <summary>Proposes a change of members, or sends it to the leader.</summary>
    public ProposeResult ProposeConfigurationChange(ConfigurationChange change)
    {
        Entry[] entries = [new Entry(Term.Zero, LogIndex.Zero, change.EntryKind, change.Encode())];
        var message = new Message { Kind = MessageKind.Propose, From = Id, Entries = entries };
        return Role == RaftRole.Leader ? AppendProposed(entries) : Forward(message);
    }

    private ProposeResult OnProposal(in Message message)
    {
        if (Role != RaftRole.Leader)
        {
            return Forward(message);
        }

        ProposeResult result = AppendProposed(message.Entries.Span);

        // An empty entry was appended in place of the change: as far as the proposer's message is concerned, it was taken.
        bool isReplaced = !_options.RefuseInvalidConfigurationChanges && result >= ProposeResult.ConfigurationChangePending;
        return isReplaced ? ProposeResult.Accepted : result;
    }

    private ProposeResult Forward(in Message message)
    {
        if (_leader.IsNone || Role != RaftRole.Follower)
        {
            return ProposeResult.NoLeader;
        }

        if (_options.DisableProposalForwarding)
        {
            return ProposeResult.NotLeader;
        }

        Send(message with { To = _leader });
        return ProposeResult.Accepted;
    }

    /// <summary>Appends entries of any kind. A change of members that does not fit refuses all of them, or leaves an empty entry in its place.</summary>
    private ProposeResult AppendProposed(ReadOnlySpan<Entry> proposed)
    {
        ProposeResult refusal = ProposeResult.Accepted;
        LogIndex pending = _pendingConfigurationIndex;
        bool[]? refused = null;
        for (int i = 0; i < proposed.Length; i++)
        {
            if (!proposed[i].ChangesConfiguration)
            {
                continue;
            }

            ProposeResult result = CheckConfigurationChange(proposed[i], pending);
            if (result == ProposeResult.Accepted)
            {
                pending = _log.LastIndex + ((ulong)i + 1);
                continue;
            }

            if (_options.RefuseInvalidConfigurationChanges)
            {
                return result;
            }

            (refused ??= new bool[proposed.Length])[i] = true;
            refusal = refusal == ProposeResult.Accepted ? result : refusal;
        }

        ProposeResult admission = Admit(BytesWithout(proposed, refused));
        if (admission != ProposeResult.Accepted)
        {
            return admission;
        }

        _pendingConfigurationIndex = pending;
        for (int i = 0; i < proposed.Length; i++)
        {
            bool isRefused = refused is not null && refused[i];
            AppendOwn(isRefused ? EntryKind.Normal : proposed[i].Kind, isRefused ? default : proposed[i].Data);
        }

        Acknowledge(_log.LastIndex);
        BroadcastAppend();
        return refusal;
    }

    private static long BytesWithout(ReadOnlySpan<Entry> entries, ReadOnlySpan<bool> refused)
    {
        long bytes = 0;
        for (int i = 0; i < entries.Length; i++)
        {
            bytes += !refused.IsEmpty && refused[i] ? 0 : entries[i].Data.Length;
        }

        return bytes;
    }

    /// <summary>Whether this leader takes proposals at all, and so many bytes of them; if so they are counted.</summary>
    private ProposeResult Admit(long bytes)
    {
        if (Self() is null)
        {
            return ProposeResult.NotMember;
        }

        if (!TransferTarget.IsNone)
        {
            return ProposeResult.Transferring;
        }

        // Entries without data always fit: the first of a term and the one that leaves a joint configuration must not be refused. So does
        // anything while nothing else is open.
        if (_uncommittedBytes > 0 && bytes > 0 && _uncommittedBytes > _options.MaxUncommittedBytes - bytes)
        {
            return ProposeResult.TooManyUncommitted;
        }

        _uncommittedBytes += bytes;
        return ProposeResult.Accepted;
    }

    private void AppendOwn(EntryKind kind, ReadOnlyMemory<byte> data) => _log.Append(new Entry(Term, _log.LastIndex.Next, kind, data));

    /// <summary>The leader counts itself once its own entries are durable, by an answer like everybody else's.</summary>
    private void Acknowledge(LogIndex last) =>
        SendAfterAppend(new Message { Kind = MessageKind.AppendResp, From = Id, To = Id, Term = Term, Index = last });
}
