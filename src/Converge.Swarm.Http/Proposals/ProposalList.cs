using System.Text.Json;
using Converge.Core;
using Converge.Swarm.Http.Problems;
using Converge.Swarm.Http.Requests;
using Microsoft.AspNetCore.Http;

namespace Converge.Swarm.Http.Proposals;

/// <summary>Proposals in the order of their creation, page by page, out of the node's query index.</summary>
internal static class ProposalList
{
    private const int DefaultProposals = 100;
    private const int DefaultWaitMilliseconds = 5_000;
    private const int MaxWaitMilliseconds = 30_000;
    private const int RetrySoonSeconds = 1;

    /// <summary>Answers a request for a page.</summary>
    public static async Task AnswerAsync(HttpContext context, ISwarmClient client, IProposalIndex? index)
    {
        QueryParameters parameters = new(context.Request, "status", "limit", "cursor", "fresh", "min_sequence", "wait_ms");
        ProposalQuery query = QueryOf(parameters);
        bool fresh = parameters.Flag("fresh");
        if (index is null)
        {
            throw new ProblemException(new Problem(
                StatusCodes.Status503ServiceUnavailable,
                ProblemCodes.NoProjection,
                "This node keeps no projection, so it cannot list proposals; the setting is projection.store."));
        }

        if (fresh)
        {
            // The ledger's head as of a confirmed read index holds everything that was acknowledged before this request.
            LedgerHead head = await client.GetHeadAsync(ReadConsistency.Linearizable, context.RequestAborted);
            query = query with { MinSequence = Math.Max(query.MinSequence, head.Sequence) };
        }

        try
        {
            ProposalPage page = await index.ListAsync(query, context.RequestAborted);
            await JsonAnswer.WriteAsync(context, JsonBytes.Of(json => Write(json, page, query.Status)));
        }
        catch (ProposalIndexUnavailableException fault)
        {
            throw new ProblemException(new Problem(StatusCodes.Status503ServiceUnavailable, CodeOf(fault.Fault), fault.Message)
            {
                RetryAfterSeconds = RetrySoonSeconds,
            });
        }
    }

    private static ProposalQuery QueryOf(QueryParameters parameters)
    {
        ProposalStatus? status = null;
        if (parameters.Text("status") is { } name)
        {
            status = CodeNames.ParseProposalStatus(name)
                ?? throw Fault("status", $"status must be one of {string.Join(", ", Enum.GetValues<ProposalStatus>().Select(one => one.Name()))}.");
        }

        ProposalQuery query = new()
        {
            Status = status,
            Limit = (int)parameters.Number("limit", 1, ProposalQuery.MaxLimit, otherwise: DefaultProposals),
            MinSequence = parameters.Number("min_sequence", 0, FactLimits.MaxNumber, otherwise: 0),
            Wait = TimeSpan.FromMilliseconds(parameters.Number("wait_ms", 0, MaxWaitMilliseconds, otherwise: DefaultWaitMilliseconds)),
        };
        if (parameters.Text("cursor") is not { } text)
        {
            return query;
        }

        if (!ProposalCursor.TryParse(text, out ProposalCursor? cursor))
        {
            throw Fault("cursor", "cursor is not one that a page gave as its next.");
        }

        if (cursor.Value.Status != status)
        {
            throw Fault("cursor", $"cursor goes on with pages of status {cursor.Value.Status?.Name() ?? "any"}, not {status?.Name() ?? "any"}.");
        }

        return query with
        {
            AfterCreated = cursor.Value.AfterCreated,
            MinSequence = Math.Max(query.MinSequence, cursor.Value.AsOfSequence),
        };
    }

    private static ProblemException Fault(string field, string message) =>
        new(Problem.Of(new InputFault(InputFaultCode.InvalidValue, message, field)));

    private static string CodeOf(ProposalIndexFault fault) => fault switch
    {
        ProposalIndexFault.Behind => ProblemCodes.ProjectionBehind,
        ProposalIndexFault.Failing => ProblemCodes.ProjectionFailing,
        ProposalIndexFault.Busy => NotCommittedReason.Busy.Name(),
        _ => throw new ArgumentOutOfRangeException(nameof(fault), fault, "Not a fault of an index."),
    };

    private static void Write(Utf8JsonWriter json, ProposalPage page, ProposalStatus? status)
    {
        json.WriteStartObject();
        json.WriteStartArray("proposals"u8);
        foreach (ProposalSummary proposal in page.Proposals)
        {
            Write(json, proposal);
        }

        json.WriteEndArray();
        if (page.HasMore)
        {
            json.WriteString("next"u8, new ProposalCursor(status, page.Proposals[^1].CreatedSequence, page.AsOfSequence).ToString());
        }
        else
        {
            json.WriteNull("next"u8);
        }

        json.WriteNumber("as_of_sequence"u8, page.AsOfSequence);
        json.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter json, ProposalSummary proposal)
    {
        json.WriteStartObject();
        json.WriteString("proposal_id"u8, proposal.ProposalId);
        json.WriteString("status"u8, proposal.Status.Name());
        json.WriteNumber("revision"u8, proposal.Revision);
        json.WriteString("author"u8, proposal.Author);
        WriteOptional(json, "title"u8, proposal.Title);
        WriteOptional(json, "content_hash"u8, proposal.ContentHash);
        WriteOptional(json, "decided_by"u8, proposal.DecidedBy);
        json.WriteNumber("created_sequence"u8, proposal.CreatedSequence);
        json.WriteNumber("last_sequence"u8, proposal.LastSequence);
        json.WriteNumber("created_at"u8, Seconds(proposal.CreatedUnixMilliseconds));
        json.WriteNumber("last_at"u8, Seconds(proposal.LastUnixMilliseconds));
        json.WriteEndObject();
    }

    private static void WriteOptional(Utf8JsonWriter json, ReadOnlySpan<byte> name, string? value)
    {
        if (value is not null)
        {
            json.WriteString(name, value);
        }
    }

    /// <summary>Unix seconds with exactly three decimals, as everywhere.</summary>
    private static decimal Seconds(long milliseconds) => new((int)milliseconds, (int)(milliseconds >> 32), 0, isNegative: false, scale: 3);
}
