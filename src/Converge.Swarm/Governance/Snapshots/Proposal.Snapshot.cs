using Converge.Core;
using Converge.Swarm.Ledger;

namespace Converge.Swarm.Governance;

/// <content>A proposal as it stands in a snapshot. Specified in <c>docs/formats/snapshot.md</c>; one state has exactly one encoding.</content>
internal sealed partial class Proposal
{
    // Status, revision, created, last, overridden before; then the two counts.
    private const int FixedBytes = 1 + (4 * sizeof(ulong)) + (2 * sizeof(uint));

    /// <summary>How many bytes <see cref="Encode"/> writes.</summary>
    public int EncodedBytes
    {
        get
        {
            int bytes = FieldWriter.StringLengthSize + _creation.Length + FixedBytes + FieldWriter.StringLengthSize + (_decidedBy?.Length ?? 0);
            foreach (LatestResult result in _results.AsSpan(0, _resultCount))
            {
                bytes = checked(bytes + FieldWriter.StringLengthSize + result.Validator.Length + 1 + sizeof(ulong));
            }

            if (_earlierApprovers is not null)
            {
                foreach (byte[] approver in _earlierApprovers)
                {
                    bytes = checked(bytes + FieldWriter.StringLengthSize + approver.Length);
                }
            }

            return bytes;
        }
    }

    public void Encode(ref FieldWriter writer)
    {
        writer.String(_creation.Span);
        writer.Byte((byte)Status);
        writer.UInt64(Revision);
        writer.UInt64(_createdSequence);
        writer.UInt64(_lastSequence);
        writer.UInt64(_overriddenBefore);
        writer.String(_decidedBy);
        writer.UInt32((uint)_resultCount);
        foreach (LatestResult result in _results.AsSpan(0, _resultCount))
        {
            writer.String(result.Validator);
            writer.Byte(result.Passed ? (byte)1 : (byte)0);
            writer.UInt64(result.Sequence);
        }

        if (_earlierApprovers is null)
        {
            writer.UInt32(0);
            return;
        }

        // A set has no order of its own, and every node must write the same bytes.
        byte[][] approvers = [.. _earlierApprovers];
        Array.Sort(approvers, static (a, b) => a.AsSpan().SequenceCompareTo(b));
        writer.UInt32((uint)approvers.Length);
        foreach (byte[] approver in approvers)
        {
            writer.String(approver);
        }
    }

    /// <summary>The id within an encoding.</summary>
    /// <exception cref="MalformedEncodingException">The bytes end before it does.</exception>
    public static ReadOnlySpan<byte> IdOf(ReadOnlySpan<byte> encoded)
    {
        var reader = new FieldReader(encoded);
        reader.UInt16("the creation's length");
        reader.Byte("the creation's kind");
        reader.Byte("the creation's parts");
        return reader.String("proposal_id", 1, FactLimits.MaxProposalIdLength);
    }

    /// <summary>Reads an encoding, and refuses everything that <see cref="Encode"/> does not write.</summary>
    /// <exception cref="MalformedEncodingException">These are not the bytes of a proposal.</exception>
    public static Proposal Decode(ReadOnlySpan<byte> encoded)
    {
        var reader = new FieldReader(encoded);
        ReadOnlySpan<byte> creation = reader.Bytes(reader.UInt16("the creation's length"), "the creation");
        var creationReader = new FieldReader(creation);
        EncodedFact fact = FactCodec.Read(ref creationReader);
        creationReader.End();
        if (fact.Kind != FactKind.ProposalCreated)
        {
            throw new MalformedEncodingException($"A {fact.Kind.Name()} creates no proposal.");
        }

        var status = (ProposalStatus)reader.Byte("the status");
        ulong revision = reader.UInt64("the revision");
        var proposal = new Proposal(creation.ToArray(), fact.ProposalId.Length, reader.UInt64("the first sequence"))
        {
            Revision = revision,
            Status = status,
            _lastSequence = reader.UInt64("the last sequence"),
            _overriddenBefore = reader.UInt64("the override's sequence"),
        };
        ReadOnlySpan<byte> decidedBy = reader.String("decided_by", 0, FactLimits.MaxActorLength);
        proposal._decidedBy = decidedBy.IsEmpty ? null : decidedBy.ToArray();
        if (status is < ProposalStatus.Open or > ProposalStatus.Rejected || (status == ProposalStatus.Open) != decidedBy.IsEmpty)
        {
            throw new MalformedEncodingException($"The status {(int)status} does not go with {decidedBy.Length} bytes of decided_by.");
        }

        proposal.ReadResults(ref reader);
        proposal.ReadApprovers(ref reader);
        reader.End();
        return proposal;
    }

    /// <summary>Makes the names of validators and of whoever decided those that others share.</summary>
    public void ShareNames(ActorNames actors)
    {
        foreach (ref LatestResult result in _results.AsSpan(0, _resultCount))
        {
            result = new LatestResult(actors.Intern(result.Validator), result.Passed, result.Sequence);
        }

        _decidedBy = _decidedBy is null ? null : actors.Intern(_decidedBy);
    }

    private void ReadResults(scoped ref FieldReader reader)
    {
        uint count = reader.UInt32("the number of results");
        for (uint i = 0; i < count; i++)
        {
            byte[] validator = reader.String("a validator", 1, FactLimits.MaxActorLength).ToArray();
            byte passed = reader.Byte("a result");
            ulong sequence = reader.UInt64("a result's sequence");
            if (passed > 1 || sequence >> 63 != 0 || (i > 0 && _results[_resultCount - 1].Validator.AsSpan().SequenceCompareTo(validator) >= 0))
            {
                throw new MalformedEncodingException($"Result {i} is {passed} at {sequence}, or out of order.");
            }

            SetResult(new LatestResult(validator, passed == 1, sequence));
        }
    }

    private void ReadApprovers(scoped ref FieldReader reader)
    {
        uint count = reader.UInt32("the number of earlier approvers");
        byte[]? last = null;
        for (uint i = 0; i < count; i++)
        {
            byte[] approver = reader.String("an approver", 1, FactLimits.MaxActorLength).ToArray();
            if (last is not null && last.AsSpan().SequenceCompareTo(approver) >= 0)
            {
                throw new MalformedEncodingException($"Approver {i} is out of order.");
            }

            (_earlierApprovers ??= new HashSet<byte[]>(Utf8NameComparer.Instance)).Add(approver);
            last = approver;
        }
    }
}
