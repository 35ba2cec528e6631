using Converge.Core;
using Converge.Raft;
using Converge.Swarm.Ledger;

namespace Converge.Swarm.Governance;

/// <content>A proposal as it stands in a snapshot. Specified in <c>docs/formats/snapshot.md</c>; one state has exactly one encoding.</content>
internal sealed partial class Proposal
{
    /// <summary>As <see cref="RecordBytes"/>, of a proposal about which nothing is recorded but its creation.</summary>
    public static int CreatedRecordBytes(int idLength, ulong sequence, out int length)
    {
        length = ProposalKey.Bytes + FieldWriter.StringLengthSize + idLength + 1 + FieldWriter.SizeOfNumber(sequence) + 5;
        return FieldWriter.SizeOfNumber((ulong)length) + length;
    }

    /// <summary>As <see cref="WriteRecord"/>, of a proposal about which nothing is recorded but its creation.</summary>
    public static void WriteCreatedRecord(Span<byte> record, int length, ulong key, ReadOnlySpan<byte> id, ulong sequence)
    {
        var writer = new FieldWriter(record);
        writer.Number((ulong)length);
        writer.UInt64(key);
        writer.String(id);
        writer.Byte((byte)ProposalStatus.Open);
        writer.Number(1);
        writer.Number(sequence);

        // No later fact, no override, no results, no approvers.
        writer.Bytes([0, 0, 0, 0]);
        Invariant.Check(writer.Position == record.Length, $"A proposal has {writer.Position} bytes, not {record.Length}.");
    }

    /// <summary>How many bytes a record of this proposal has: the length of what follows, the key, the encoding.</summary>
    public int RecordBytes(out int length)
    {
        length = ProposalKey.Bytes + EncodedBytes;
        return FieldWriter.SizeOfNumber((ulong)length) + length;
    }

    /// <summary>Writes such a record.</summary>
    /// <param name="record">As long as <see cref="RecordBytes"/> says.</param>
    /// <param name="length">What it says, too.</param>
    /// <param name="key">The key.</param>
    public void WriteRecord(Span<byte> record, int length, ulong key)
    {
        var writer = new FieldWriter(record);
        writer.Number((ulong)length);
        writer.UInt64(key);
        Encode(ref writer);
        Invariant.Check(writer.Position == record.Length, $"A proposal has {writer.Position} bytes, not {record.Length}.");
    }

    private int EncodedBytes
    {
        get
        {
            int bytes = FieldWriter.StringLengthSize + _idLength + 1
                + FieldWriter.SizeOfNumber(Revision)
                + FieldWriter.SizeOfNumber(_createdSequence)
                + FieldWriter.SizeOfNumber(_lastSequence - _createdSequence)
                + FieldWriter.SizeOfNumber(_overriddenBefore)
                + (_decidedBy is null ? 0 : FieldWriter.StringLengthSize + _decidedBy.Length)
                + FieldWriter.SizeOfNumber((ulong)_resultCount)
                + FieldWriter.SizeOfNumber((ulong)(_earlierApprovers?.Count ?? 0));
            foreach (LatestResult result in _results.AsSpan(0, _resultCount))
            {
                bytes = checked(bytes + FieldWriter.StringLengthSize + result.Validator.Length + FieldWriter.SizeOfNumber(result.SequenceAndPassed));
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

    private void Encode(ref FieldWriter writer)
    {
        writer.String(Id);
        writer.Byte((byte)Status);
        writer.Number(Revision);
        writer.Number(_createdSequence);
        writer.Number(_lastSequence - _createdSequence);
        writer.Number(_overriddenBefore);
        if (_decidedBy is not null)
        {
            writer.String(_decidedBy);
        }

        writer.Number((ulong)_resultCount);
        foreach (LatestResult result in _results.AsSpan(0, _resultCount))
        {
            writer.String(result.Validator);
            writer.Number(result.SequenceAndPassed);
        }

        if (_earlierApprovers is null)
        {
            writer.Number(0);
            return;
        }

        // A set has no order of its own, and every node must write the same bytes.
        byte[][] approvers = [.. _earlierApprovers];
        Array.Sort(approvers, static (a, b) => a.AsSpan().SequenceCompareTo(b));
        writer.Number((ulong)approvers.Length);
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
        return ReadId(ref reader);
    }

    /// <summary>Reads an encoding, and refuses everything that <see cref="Encode"/> does not write.</summary>
    /// <exception cref="MalformedEncodingException">These are not the bytes of a proposal.</exception>
    public static Proposal Decode(ReadOnlySpan<byte> encoded)
    {
        var reader = new FieldReader(encoded);
        byte[] id = ReadId(ref reader).ToArray();
        var status = (ProposalStatus)reader.Byte("the status");
        ulong revision = reader.Number("the revision");
        ulong created = reader.Number("the first sequence");
        ulong since = reader.Number("from the first to the last sequence");
        if (since > ulong.MaxValue - created)
        {
            throw new MalformedEncodingException($"The last sequence is said to be {since} behind {created}.");
        }

        var proposal = new Proposal(id, 0, id.Length, created)
        {
            Revision = revision,
            Status = status,
            _lastSequence = created + since,
            _overriddenBefore = reader.Number("the override's sequence"),
        };
        if (status is < ProposalStatus.Open or > ProposalStatus.Rejected)
        {
            throw new MalformedEncodingException($"There is no status {(int)status}.");
        }

        proposal._decidedBy = status == ProposalStatus.Open ? null : reader.String("decided_by", 1, FactLimits.MaxActorLength).ToArray();
        ulong results = reader.Number("the number of results");
        for (ulong i = 0; i < results; i++)
        {
            byte[] validator = reader.String("a validator", 1, FactLimits.MaxActorLength).ToArray();
            proposal.AddResult(validator, reader.Number("a result"));
        }

        proposal.ReadApprovers(ref reader, reader.Number("the number of earlier approvers"));
        reader.End();
        return proposal;
    }

    /// <summary>The id within an encoding of the first format.</summary>
    /// <exception cref="MalformedEncodingException">The bytes end before it does.</exception>
    public static ReadOnlySpan<byte> IdOfFirstFormat(ReadOnlySpan<byte> encoded)
    {
        var reader = new FieldReader(encoded);
        reader.UInt16("the creation's length");
        reader.Byte("the creation's kind");
        reader.Byte("the creation's parts");
        return ReadId(ref reader);
    }

    /// <summary>Reads an encoding of the first format, which nothing writes any more.</summary>
    /// <exception cref="MalformedEncodingException">These are not the bytes of a proposal.</exception>
    public static Proposal DecodeFirstFormat(ReadOnlySpan<byte> encoded)
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
        if (status is < ProposalStatus.Open or > ProposalStatus.Rejected
            || (status == ProposalStatus.Open) != decidedBy.IsEmpty
            || proposal._lastSequence < proposal._createdSequence)
        {
            throw new MalformedEncodingException(
                $"The status {(int)status} does not go with {decidedBy.Length} bytes of decided_by, or the last record {proposal._lastSequence} with the first one {proposal._createdSequence}.");
        }

        uint results = reader.UInt32("the number of results");
        for (uint i = 0; i < results; i++)
        {
            byte[] validator = reader.String("a validator", 1, FactLimits.MaxActorLength).ToArray();
            byte passed = reader.Byte("a result");
            ulong sequence = reader.UInt64("a result's sequence");
            if (passed > 1 || sequence >> 63 != 0)
            {
                throw new MalformedEncodingException($"Result {i} is {passed} at {sequence}.");
            }

            proposal.AddResult(validator, (sequence << 1) | passed);
        }

        proposal.ReadApprovers(ref reader, reader.UInt32("the number of earlier approvers"));
        reader.End();
        return proposal;
    }

    /// <summary>Makes the names of validators and of whoever decided those that others share.</summary>
    public void ShareNames(ActorNames actors)
    {
        foreach (ref LatestResult result in _results.AsSpan(0, _resultCount))
        {
            result = new LatestResult(actors.Intern(result.Validator), result.SequenceAndPassed);
        }

        _decidedBy = _decidedBy is null ? null : actors.Intern(_decidedBy);
    }

    private static ReadOnlySpan<byte> ReadId(scoped ref FieldReader reader) => reader.String("proposal_id", 1, FactLimits.MaxProposalIdLength);

    private void AddResult(byte[] validator, ulong sequenceAndPassed)
    {
        if (_resultCount > 0 && _results[_resultCount - 1].Validator.AsSpan().SequenceCompareTo(validator) >= 0)
        {
            throw new MalformedEncodingException($"Result {_resultCount} is out of order.");
        }

        SetResult(new LatestResult(validator, sequenceAndPassed));
    }

    private void ReadApprovers(scoped ref FieldReader reader, ulong count)
    {
        byte[]? last = null;
        for (ulong i = 0; i < count; i++)
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
