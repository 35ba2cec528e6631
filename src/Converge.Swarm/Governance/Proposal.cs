using System.Runtime.InteropServices;
using System.Text;
using Converge.Core;
using Converge.Swarm.Ledger;

namespace Converge.Swarm.Governance;

/// <summary>
/// What the rules look at of one proposal, in as few bytes as will do: its id, the latest result of each validator, and the decision that stands.
/// What else its creation says is in the ledger. <c>docs/governance.md</c> has the table of all cases.
/// </summary>
internal sealed partial class Proposal
{
    // The kind, the parts, and the 16-bit length before the id.
    private const int IdOffset = 4;

    // The id; and around it, as long as the entry is in memory anyway, the encoding of the creation.
    private readonly ReadOnlyMemory<byte> _bytes;
    private readonly ushort _idOffset;
    private readonly ushort _idLength;
    private readonly ulong _createdSequence;
    private ulong _lastSequence;
    private ulong _overriddenBefore;
    private LatestResult[] _results = [];
    private int _resultCount;
    private byte[]? _decidedBy;
    private HashSet<byte[]>? _earlierApprovers;

    /// <summary>A proposal as its creation makes it.</summary>
    /// <param name="creation">The encoded fact. Kept, not copied: as long as proposals are in memory, the entries in which they were created are, too.</param>
    /// <param name="idLength">How long its id is.</param>
    /// <param name="sequence">The record of its creation.</param>
    public Proposal(ReadOnlyMemory<byte> creation, int idLength, ulong sequence)
        : this(creation, IdOffset, idLength, sequence)
    {
    }

    private Proposal(ReadOnlyMemory<byte> bytes, int idOffset, int idLength, ulong sequence)
    {
        _bytes = bytes;
        _idOffset = checked((ushort)idOffset);
        _idLength = checked((ushort)idLength);
        _createdSequence = sequence;
        _lastSequence = sequence;
        Revision = 1;
    }

    private Proposal(Proposal other)
    {
        _bytes = other._bytes;
        _idOffset = other._idOffset;
        _idLength = other._idLength;
        _createdSequence = other._createdSequence;
        _lastSequence = other._lastSequence;
        _overriddenBefore = other._overriddenBefore;
        _results = other._results.AsSpan(0, other._resultCount).ToArray();
        _resultCount = other._resultCount;
        _decidedBy = other._decidedBy;
        _earlierApprovers = other._earlierApprovers is { } approvers ? new HashSet<byte[]>(approvers, Utf8NameComparer.Instance) : null;
        Revision = other.Revision;
        Status = other.Status;
    }

    public ReadOnlySpan<byte> Id => _bytes.Span.Slice(_idOffset, _idLength);

    /// <summary>The id within the encoding of a creation.</summary>
    public static ReadOnlySpan<byte> IdIn(ReadOnlySpan<byte> creation, int idLength) => creation.Slice(IdOffset, idLength);

    /// <summary>How many facts are recorded.</summary>
    public ulong Revision { get; private set; }

    private ProposalStatus Status { get; set; } = ProposalStatus.Open;

    /// <summary>The same, to be changed apart from this one.</summary>
    public Proposal Copy() => new(this);

    /// <summary>Why a fact other than a creation is refused, or null when it is recorded. Changes nothing.</summary>
    public RefusalCode? Judge(FactKind kind, ReadOnlySpan<byte> actor) => kind switch
    {
        FactKind.ValidationPassed or FactKind.ValidationFailed or FactKind.OverrideGranted => null,
        FactKind.PromotionApproved when Status == ProposalStatus.Approved && HasApproved(actor) => RefusalCode.DuplicateDecision,
        FactKind.PromotionApproved when Status == ProposalStatus.Rejected => RefusalCode.ConflictingDecision,
        FactKind.PromotionApproved when HasStandingFailure() => RefusalCode.FailedValidation,
        FactKind.PromotionApproved => null,
        FactKind.PromotionRejected => Status == ProposalStatus.Approved ? RefusalCode.ConflictingDecision : null,
        FactKind.RollbackIssued => Status == ProposalStatus.Approved ? null : RefusalCode.NothingToRollBack,
        FactKind.ProposalCreated => RefusalCode.AlreadyExists,
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "Not one of the seven facts."),
    };

    /// <summary>Takes in a fact that <see cref="Judge"/> did not refuse. The actor's bytes are kept, not copied.</summary>
    public void Record(FactKind kind, byte[] actor, ulong sequence)
    {
        switch (kind)
        {
            case FactKind.ValidationPassed:
            case FactKind.ValidationFailed:
                SetResult(new LatestResult(actor, kind == FactKind.ValidationPassed, sequence));
                break;
            case FactKind.PromotionApproved:
                if (Status == ProposalStatus.Approved)
                {
                    (_earlierApprovers ??= new HashSet<byte[]>(Utf8NameComparer.Instance)).Add(_decidedBy!);
                }

                Status = ProposalStatus.Approved;
                _decidedBy = actor;
                break;
            case FactKind.PromotionRejected:
                Status = ProposalStatus.Rejected;
                _decidedBy = actor;
                break;
            case FactKind.RollbackIssued:
                Reopen();
                _overriddenBefore = 0;
                break;
            case FactKind.OverrideGranted:
                if (Status == ProposalStatus.Rejected)
                {
                    Reopen();
                }

                _overriddenBefore = sequence;
                break;
            case FactKind.ProposalCreated:
            default:
                throw new ArgumentOutOfRangeException(nameof(kind), kind, "Not a fact about a proposal that is there.");
        }

        _lastSequence = sequence;
        Revision++;
    }

    /// <summary>All that is recorded, as of the last entry applied.</summary>
    /// <param name="asOf">That entry.</param>
    /// <param name="ledger">Where the creation is read when it is not in memory.</param>
    /// <exception cref="LedgerDivergedException">The ledger has another fact where the creation should be.</exception>
    /// <exception cref="IOException">The ledger could not be read.</exception>
    public ProposalView ToView(LogIndex asOf, GovernanceLedger? ledger)
    {
        ProposalCreated creation = Creation(ledger);
        var validators = new ValidatorResult[_resultCount];
        for (int i = 0; i < _resultCount; i++)
        {
            LatestResult result = _results[i];
            validators[i] = new ValidatorResult(Encoding.UTF8.GetString(result.Validator), result.Passed, IsOverridden(result), result.Sequence);
        }

        // Kept in the order of the UTF-8 bytes, which differs from the ordinal order of strings beyond the basic plane.
        Array.Sort(validators, static (a, b) => string.CompareOrdinal(a.Validator, b.Validator));
        return new ProposalView(
            creation.ProposalId,
            Status,
            Revision,
            creation.Author,
            creation.Title,
            creation.ContentHash,
            _decidedBy is null ? null : Encoding.UTF8.GetString(_decidedBy),
            validators,
            _createdSequence,
            _lastSequence,
            asOf);
    }

    private ProposalCreated Creation(GovernanceLedger? ledger)
    {
        if (_idOffset == IdOffset)
        {
            var reader = new FieldReader(_bytes.Span);
            return (ProposalCreated)FactCodec.Read(ref reader).ToSubmission(commandId: null).Fact;
        }

        if (ledger is null)
        {
            throw new InvalidOperationException("The state rests on a snapshot, and there is no ledger to read a creation from.");
        }

        return ledger.Read(_createdSequence, 1) is [EncodedRecord record]
            && LedgerRecordCodec.Decode(record).Submission?.Fact is ProposalCreated creation
            && Id.SequenceEqual(Encoding.UTF8.GetBytes(creation.ProposalId))
            ? creation
            : throw new LedgerDivergedException(_createdSequence, $"It is not the creation of proposal {Encoding.UTF8.GetString(Id)}, as the snapshot has it.");
    }

    private void Reopen()
    {
        Status = ProposalStatus.Open;
        _decidedBy = null;
        _earlierApprovers = null;
    }

    private bool HasApproved(ReadOnlySpan<byte> actor) => actor.SequenceEqual(_decidedBy)
        || (_earlierApprovers?.GetAlternateLookup<ReadOnlySpan<byte>>().Contains(actor) ?? false);

    private bool HasStandingFailure()
    {
        foreach (LatestResult result in _results.AsSpan(0, _resultCount))
        {
            if (!result.Passed && !IsOverridden(result))
            {
                return true;
            }
        }

        return false;
    }

    private bool IsOverridden(in LatestResult result) => !result.Passed && result.Sequence < _overriddenBefore;

    private void SetResult(in LatestResult result)
    {
        int low = 0;
        int high = _resultCount;
        while (low < high)
        {
            int middle = (low + high) / 2;
            int order = _results[middle].Validator.AsSpan().SequenceCompareTo(result.Validator);
            if (order == 0)
            {
                _results[middle] = result;
                return;
            }

            (low, high) = order < 0 ? (middle + 1, high) : (low, middle);
        }

        if (_resultCount == _results.Length)
        {
            Array.Resize(ref _results, Math.Max(1, 2 * _results.Length));
        }

        Array.Copy(_results, low, _results, low + 1, _resultCount - low);
        _results[low] = result;
        _resultCount++;
    }

    [StructLayout(LayoutKind.Auto)]
    private readonly struct LatestResult(byte[] validator, ulong sequenceAndPassed)
    {
        public LatestResult(byte[] validator, bool passed, ulong sequence)
            : this(validator, (sequence << 1) | (passed ? 1UL : 0UL))
        {
        }

        public byte[] Validator { get; } = validator;

        /// <summary>Twice the sequence number, and one more when it passed: as it stands in a snapshot.</summary>
        public ulong SequenceAndPassed { get; } = sequenceAndPassed;

        public bool Passed => (SequenceAndPassed & 1) != 0;

        public ulong Sequence => SequenceAndPassed >> 1;
    }
}
