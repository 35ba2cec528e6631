using System.Globalization;
using Converge.Raft;

namespace Converge.Swarm.Governance;

/// <summary>In which layer a proposal was found.</summary>
internal enum ProposalLayer
{
    /// <summary>Among those that changed since the last freeze: it may be changed in place.</summary>
    Changed,

    /// <summary>Among those being written into a snapshot: not to be touched.</summary>
    Frozen,

    /// <summary>In the snapshot's file; what was made of it is nobody else's.</summary>
    Base,
}

/// <content>
/// The layers of proposals. On top lie those that changed; below, while a snapshot is being written, those that the snapshot will hold; at the bottom the
/// last snapshot's file. Freezing puts an empty layer on top and takes no longer for a long history than for a short one.
/// </content>
public sealed partial class GovernanceState
{
    private ProposalTable _changed = new();
    private ActorNames _actors = new();
    private FrozenState? _frozen;
    private StateSnapshotFile? _base;
    private readonly KeysAhead _ahead = new();

    /// <summary>The state that a snapshot stands for. Reads its sessions, and a proposal when somebody asks for it.</summary>
    /// <param name="snapshot">The snapshot; it must stay open until <see cref="Rebase"/> gives it back.</param>
    /// <exception cref="SnapshotDamagedException">The sessions are not what was written.</exception>
    /// <exception cref="IOException">The disk failed.</exception>
    public GovernanceState(StateSnapshotFile snapshot)
        : this(snapshot, ApplyRules.MaxSessions, ApplyRules.MaxAnswers, ApplyRules.SessionWindow)
    {
    }

    /// <summary>With limits of a test's choice, those with which the snapshot was made.</summary>
    internal GovernanceState(StateSnapshotFile snapshot, int maxSessions, int maxAnswers, ulong sessionWindow)
        : this(maxSessions, maxAnswers, sessionWindow)
    {
        ArgumentNullException.ThrowIfNull(snapshot);
        StateSnapshotHeader header = snapshot.Header;
        snapshot.ReadSessions(_sessions);
        _base = snapshot;
        _digest = new ApplyDigest(header.Digest);
        AppliedIndex = header.Index;
        AppliedTerm = header.Term;
        LastStamp = header.LastStamp;
        LastSequence = header.Ledger.Sequence;
        LastHash = header.LedgerEnd.Hash;
        ProposalCount = header.Proposals;
        _members = null;
    }

    /// <summary>True between <see cref="Freeze"/> and <see cref="Rebase"/> or <see cref="Thaw"/>.</summary>
    public bool IsFrozen => _frozen is not null;

    /// <summary>How many proposals are in memory because they changed since the last snapshot; those being written count too.</summary>
    public int ChangedProposals => _changed.Count + (_frozen?.Changed.Count ?? 0);

    /// <summary>
    /// The state as it is now, for a snapshot that another thread writes (<see cref="StateSnapshotFile.Write"/>) while entries are applied
    /// here. Copies the sessions, which are bounded, without their answers, and nothing else.
    /// </summary>
    /// <exception cref="InvalidOperationException">The last freeze was neither followed by <see cref="Rebase"/> nor by <see cref="Thaw"/>.</exception>
    public FrozenState Freeze()
    {
        if (_frozen is not null)
        {
            throw new InvalidOperationException($"The state at {_frozen.Index} is still being written.");
        }

        _frozen = new FrozenState(this, _base, _changed, _sessions.Freeze());

        // As many are likely to come until the next one. To grow by doubling would take longest when there is most to do.
        _changed = new ProposalTable(_changed.Count);

        // The names go with the proposals that they stand in; those of the whole history together may be many.
        _actors = new ActorNames();
        return _frozen;
    }

    /// <summary>
    /// Rests on the snapshot of the frozen state from now on, and lets go of what is in memory of it. The state itself does not change. Nobody may look at
    /// the frozen state any more.
    /// </summary>
    /// <param name="snapshot">The snapshot, durable; it must stay open until the next call gives it back.</param>
    /// <returns>The snapshot before, on which nothing rests any more, for the caller to close; null when there was none.</returns>
    /// <exception cref="InvalidOperationException">It is not the snapshot of the state that was frozen.</exception>
    public StateSnapshotFile? Rebase(StateSnapshotFile snapshot)
    {
        ArgumentNullException.ThrowIfNull(snapshot);
        if (_frozen is not { } frozen || frozen.Index != snapshot.Header.Index || frozen.Term != snapshot.Header.Term || frozen.Digest != snapshot.Header.Digest)
        {
            throw new InvalidOperationException(string.Create(
                CultureInfo.InvariantCulture,
                $"The snapshot of entry {snapshot.Header.Index} of term {snapshot.Header.Term} is not that of the frozen state, entry {_frozen?.Index} of term {_frozen?.Term}."));
        }

        StateSnapshotFile? before = _base;
        (_base, _frozen) = (snapshot, null);
        _sessions.Unfreeze();
        return before;
    }

    /// <summary>
    /// The frozen state will not become a snapshot: its proposals are taken back among those that changed. Takes time for each of them. Whoever was
    /// writing it must have ended.
    /// </summary>
    /// <exception cref="InvalidOperationException">Nothing is frozen.</exception>
    public void Thaw()
    {
        if (_frozen is not { } frozen)
        {
            throw new InvalidOperationException("Nothing is frozen.");
        }

        _changed.AddMissing(frozen.Changed);
        _frozen = null;
        _sessions.Unfreeze();
    }

    /// <summary>
    /// Entries will be applied next: reads what each of them will be decided by. Changes nothing, and need not be called; <see cref="KeysAhead"/> says what
    /// it is good for.
    /// </summary>
    /// <param name="entries">The entries.</param>
    /// <param name="first">From which on; at most <see cref="KeysAhead.Capacity"/> of them are looked at.</param>
    internal void LookAhead(IReadOnlyList<Entry> entries, int first)
    {
        ReadOnlySpan<ulong> keys = _ahead.Look(entries, first);
        _ = _changed.Touch(keys);
        _ = _frozen?.Changed.Touch(keys);
        _base?.Touch(keys);
    }

    private Proposal? Find(ulong key, ReadOnlySpan<byte> id, out ProposalLayer layer)
    {
        layer = ProposalLayer.Changed;
        return _changed.Find(key, id) ?? FindBelow(key, id, out layer);
    }

    private Proposal? FindBelow(ulong key, ReadOnlySpan<byte> id, out ProposalLayer layer)
    {
        layer = ProposalLayer.Frozen;
        if (_frozen?.Changed.Find(key, id) is { } frozen)
        {
            return frozen;
        }

        layer = ProposalLayer.Base;
        return _base?.Find(key, id);
    }

    /// <summary>A proposal in the layer in which it may be changed.</summary>
    private Proposal ToBeChanged(ulong key, Proposal proposal, ProposalLayer layer)
    {
        if (layer == ProposalLayer.Changed)
        {
            _changed.Keep(key, proposal);
            return proposal;
        }

        if (layer == ProposalLayer.Frozen)
        {
            proposal = proposal.Copy();
        }
        else
        {
            proposal.ShareNames(_actors);
        }

        _changed.Add(key, proposal);
        return proposal;
    }
}
