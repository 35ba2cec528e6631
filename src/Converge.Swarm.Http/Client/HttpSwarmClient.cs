using System.Collections.Immutable;
using System.Globalization;
using System.IO.Pipelines;
using System.Net;
using System.Net.Http.Headers;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text.Json;
using Converge.Core;
using Converge.Core.Json;
using Converge.Swarm.Http.Facts;
using Converge.Swarm.Http.Leader;
using Converge.Swarm.Http.Ledger;
using Converge.Swarm.Http.Members;
using Converge.Swarm.Http.Problems;
using Converge.Swarm.Http.Requests;
using Converge.Swarm.Http.Status;
using Converge.Swarm.Ledger;

namespace Converge.Swarm.Http;

/// <summary>
/// A swarm as seen through the HTTP API of one of its nodes, for programs that do not run a node themselves.
/// Repeats nothing by itself: what is safe to repeat is for the caller to say.
/// </summary>
/// <remarks>
/// Facts that could not be sent are answered <see cref="FactNotCommitted"/>; facts that were sent and not answered are answered
/// <see cref="FactOutcomeUnknown"/>. Reads throw <see cref="SwarmUnavailableException"/> when the node cannot be reached.
/// </remarks>
public sealed class HttpSwarmClient : ISwarmClient, IDisposable
{
    /// <summary>The greatest number of facts in one request; more are sent in several, one after the other.</summary>
    public const int MaxFactsPerRequest = 2_000;

    /// <summary>No answer that is read as a whole is longer; one that is, is not a node's.</summary>
    internal const int MaxAnswerBytes = 64 * 1024 * 1024;

    /// <summary>A record as JSON, every character of its texts escaped, with the name of its field.</summary>
    private const int MaxEventLineBytes = 256 * 1024;

    private const int MaxEventLines = 1_024;

    /// <summary>A node says at least every fifteen seconds that its stream is still there.</summary>
    private static readonly TimeSpan LongestSilence = TimeSpan.FromSeconds(45);

    private readonly HttpClient _http;

    /// <summary>Speaks to the node at this address.</summary>
    /// <param name="url">The API's base address, for example <c>http://127.0.0.1:7101</c>.</param>
    /// <param name="timeout">
    /// How long the node may take until it begins to answer, and then until the answer ends; of a batch, until the next answers come.
    /// Null for 30 seconds.
    /// </param>
    public HttpSwarmClient(Uri url, TimeSpan? timeout = null)
    {
        Url = url;
        SocketsHttpHandler handler = new()
        {
            // Nodes are on this machine, and no proxy has a part in it.
            UseProxy = false,
            AllowAutoRedirect = false,
            ConnectTimeout = TimeSpan.FromSeconds(5),
            PooledConnectionIdleTimeout = TimeSpan.FromSeconds(30),
        };
        _http = new HttpClient(handler)
        {
            BaseAddress = url,
            Timeout = timeout ?? TimeSpan.FromSeconds(30),
            MaxResponseContentBufferSize = MaxAnswerBytes,
        };
    }

    /// <summary>The node's API.</summary>
    public Uri Url { get; }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The submission has a fault (<see cref="SubmissionRules"/>). Nothing was sent.</exception>
    public async Task<CommitAnswer> CommitAsync(FactSubmission submission, CancellationToken cancellationToken = default) =>
        (await CommitAsync([submission], cancellationToken))[0];

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">A submission has a fault (<see cref="SubmissionRules"/>). Nothing was sent.</exception>
    public async Task<IReadOnlyList<CommitAnswer>> CommitAsync(IReadOnlyList<FactSubmission> submissions, CancellationToken cancellationToken = default)
    {
        // JSON would carry half of a surrogate pair as another character: the fact recorded would not be the one that was stated.
        foreach (FactSubmission submission in submissions)
        {
            if (SubmissionRules.Check(submission) is { } fault)
            {
                throw new ArgumentException(fault.Message, nameof(submissions));
            }
        }

        List<CommitAnswer> answers = new(submissions.Count);
        foreach (FactSubmission[] part in submissions.Chunk(MaxFactsPerRequest))
        {
            await CommitPartAsync(part, answers, cancellationToken);
        }

        return answers;
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyList<LedgerRecord>> ReadAsync(ulong fromSequence, int limit, CancellationToken cancellationToken = default)
    {
        if (limit <= 0 || fromSequence > FactLimits.MaxNumber)
        {
            return [];
        }

        string path = string.Create(
            CultureInfo.InvariantCulture, $"{FactEndpoints.Path}?from={Math.Max(1, fromSequence)}&limit={Math.Min(limit, RecordPage.MaxRecords)}");
        byte[] page = await GetAsync(path, cancellationToken);
        try
        {
            using JsonDocument document = JsonDocument.Parse(page);
            return [.. document.RootElement.GetProperty("records").EnumerateArray().Select(RecordOf)];
        }
        catch (Exception fault) when (fault is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            throw NotUnderstood(path, fault.Message);
        }
    }

    /// <inheritdoc/>
    public async Task<ProposalView?> GetProposalAsync(
        string proposalId, ReadConsistency consistency = ReadConsistency.Linearizable, CancellationToken cancellationToken = default)
    {
        if (SubmissionRules.CheckProposalId(proposalId) is not null)
        {
            return null;
        }

        string path = $"/v1/proposals?id={Uri.EscapeDataString(proposalId)}&{Query(consistency)}";
        using HttpResponseMessage response = await SendAsync(path, cancellationToken);
        byte[] body = await ReadBodyAsync(path, response, cancellationToken);
        if (response.StatusCode == HttpStatusCode.NotFound && string.Equals(ReadProblem(body).Code, RefusalCode.UnknownProposal.Name(), StringComparison.Ordinal))
        {
            return null;
        }

        ThrowUnlessGood(path, response, body);
        return !ProposalViewJson.TryParse(body, out ProposalView? view, out InputFault? fault) ? throw NotUnderstood(path, fault.Message)
            : string.Equals(view.ProposalId, proposalId, StringComparison.Ordinal) ? view
            : throw NotUnderstood(path, $"it is about the proposal '{view.ProposalId}'.");
    }

    /// <inheritdoc/>
    public async Task<LedgerHead> GetHeadAsync(ReadConsistency consistency = ReadConsistency.Stale, CancellationToken cancellationToken = default)
    {
        string path = $"{LedgerEndpoints.HeadPath}?{Query(consistency)}";
        byte[] body = await GetAsync(path, cancellationToken);
        return LedgerHeadJson.TryParse(body, out LedgerHead? head, out InputFault? fault) ? head : throw NotUnderstood(path, fault.Message);
    }

    /// <inheritdoc/>
    public async Task<LedgerReceipt> GetReceiptAsync(ulong sequence, ulong? size = null, CancellationToken cancellationToken = default)
    {
        string path = string.Create(CultureInfo.InvariantCulture, $"{FactEndpoints.Path}/{sequence}{LedgerEndpoints.ReceiptSuffix}{Query("size", size)}");
        byte[] body = await GetProofAsync(path, cancellationToken);
        return !LedgerReceiptJson.TryParse(body, out LedgerReceipt? receipt, out InputFault? fault) ? throw NotUnderstood(path, fault.Message)
            : receipt.Answers(sequence, size) ? receipt
            : throw NotUnderstood(path, string.Create(
                CultureInfo.InvariantCulture, $"it is the receipt of record {receipt.Record.Sequence} for a head of {receipt.Head.Sequence} records."));
    }

    /// <inheritdoc/>
    public async Task<InclusionProof> GetInclusionProofAsync(ulong sequence, ulong? size = null, CancellationToken cancellationToken = default)
    {
        string path = string.Create(CultureInfo.InvariantCulture, $"{LedgerEndpoints.InclusionPath}/{sequence}{Query("size", size)}");
        byte[] body = await GetProofAsync(path, cancellationToken);
        return !InclusionProofJson.TryParse(body, out InclusionProof? proof, out InputFault? fault) ? throw NotUnderstood(path, fault.Message)
            : proof.Answers(sequence, size) ? proof
            : throw NotUnderstood(path, string.Create(CultureInfo.InvariantCulture, $"it is the proof of record {proof.Sequence} among {proof.Size}."));
    }

    /// <inheritdoc/>
    public async Task<ConsistencyProof> GetConsistencyProofAsync(ulong from, ulong? to = null, CancellationToken cancellationToken = default)
    {
        string path = string.Create(CultureInfo.InvariantCulture, $"{LedgerEndpoints.ConsistencyPath}{Query("from", from)}{Query("to", to, '&')}");
        byte[] body = await GetProofAsync(path, cancellationToken);
        return !ConsistencyProofJson.TryParse(body, out ConsistencyProof? proof, out InputFault? fault) ? throw NotUnderstood(path, fault.Message)
            : proof.Answers(from, to) ? proof
            : throw NotUnderstood(path, string.Create(CultureInfo.InvariantCulture, $"it is the proof from {proof.From} to {proof.To} records."));
    }

    /// <inheritdoc/>
    public async Task<SwarmStatus> GetStatusAsync(CancellationToken cancellationToken = default)
    {
        const string Path = "/v1/status";
        byte[] body = await GetAsync(Path, cancellationToken);
        try
        {
            return SwarmStatusJson.Parse(body);
        }
        catch (FormatException fault)
        {
            throw NotUnderstood(Path, fault.Message);
        }
    }

    /// <inheritdoc/>
    /// <remarks>Ends with <see cref="SwarmUnavailableException"/> when the node stops or falls silent; nothing is repeated by itself.</remarks>
    /// <exception cref="SwarmProtocolException">What answers is not a node of this version.</exception>
    public async IAsyncEnumerable<LedgerRecord> SubscribeAsync(
        ulong fromSequence, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ulong next = Math.Max(1, fromSequence);
        string path = string.Create(CultureInfo.InvariantCulture, $"{FactStream.Path}?from={next}");
        using HttpResponseMessage response = await SendAsync(path, cancellationToken);
        if (!response.IsSuccessStatusCode)
        {
            ThrowUnlessGood(path, response, await ReadBodyAsync(path, response, cancellationToken));
        }

        await using Stream body = await response.Content.ReadAsStreamAsync(cancellationToken);
        PipeReader reader = PipeReader.Create(body, new StreamPipeReaderOptions(leaveOpen: true));
        JsonLineReader lines = new(reader, MaxEventLineBytes);
        try
        {
            while (true)
            {
                foreach (JsonLine line in await ReadEventLinesAsync(lines, path, cancellationToken))
                {
                    // Ids, comments and the empty lines between events say nothing that the records do not.
                    if (!line.TooLong && !line.Bytes.Span.StartsWith(DataField))
                    {
                        continue;
                    }

                    LedgerRecord record = !line.TooLong && LedgerRecordJson.TryParse(line.Bytes.Span[DataField.Length..], out LedgerRecord? read, out _)
                        ? read
                        : throw NotUnderstood(path, "an event is not a record.");
                    next = record.Sequence == next
                        ? next + 1
                        : throw NotUnderstood(path, string.Create(CultureInfo.InvariantCulture, $"record {record.Sequence} came where {next} belongs."));
                    yield return record;
                }
            }
        }
        finally
        {
            await reader.CompleteAsync();
        }
    }

    /// <inheritdoc/>
    public async Task<LeadershipTransfer> TransferLeadershipAsync(NodeId? to = null, CancellationToken cancellationToken = default)
    {
        byte[] json = JsonBytes.Of(writer =>
        {
            writer.WriteStartObject();
            if (to is { } node)
            {
                writer.WriteNumber("to"u8, node.Value);
            }

            writer.WriteEndObject();
        });
        using ByteArrayContent content = new(json);
        content.Headers.ContentType = new MediaTypeHeaderValue(MediaTypes.Json[0]);
        try
        {
            using HttpResponseMessage response = await _http.PostAsync(LeaderEndpoints.TransferPath, content, cancellationToken);
            byte[] body = await response.Content.ReadAsByteArrayAsync(cancellationToken);
            if (LeadershipTransferJson.TryParse(body, out LeadershipTransfer? outcome))
            {
                return outcome;
            }

            (string? code, string detail, _) = ReadProblem(body);
            return TransferRefusalNames.Parse(code) is { } reason
                ? new LeadershipTransferRefused(reason, detail)
                : new LeadershipTransferUnknown($"{Url} answered {(int)response.StatusCode}: {detail}");
        }
        catch (Exception fault) when (IsTransport(fault, cancellationToken))
        {
            return NeverSent(fault)
                ? new LeadershipTransferRefused(TransferRefusal.NoLeader, $"{Url} cannot be reached: {fault.Message}")
                : new LeadershipTransferUnknown($"{Url} did not answer: {fault.Message}");
        }
    }

    /// <inheritdoc/>
    public async Task<SwarmMembers> GetMembersAsync(CancellationToken cancellationToken = default)
    {
        byte[] body = await GetAsync(MemberEndpoints.Path, cancellationToken);
        return MembersJson.TryParse(body, out SwarmMembers? members) ? members : throw NotUnderstood(MemberEndpoints.Path, "It is no list of members.");
    }

    /// <inheritdoc/>
    public async Task<MembershipOutcome> ChangeMembersAsync(ImmutableArray<MembershipStep> steps, CancellationToken cancellationToken = default)
    {
        using ByteArrayContent content = new(MembershipStepsJson.ToUtf8(steps));
        content.Headers.ContentType = new MediaTypeHeaderValue(MediaTypes.Json[0]);
        try
        {
            using HttpResponseMessage response = await _http.PostAsync(MemberEndpoints.Path, content, cancellationToken);
            byte[] body = await response.Content.ReadAsByteArrayAsync(cancellationToken);
            if (MembersJson.TryParse(body, out MembershipChanged? changed))
            {
                return changed;
            }

            (string? code, string detail, _) = ReadProblem(body);
            return MembershipRefusalNames.Parse(code) is { } reason ? new MembershipNotChanged(reason, detail)
                : response.StatusCode == HttpStatusCode.BadRequest ? new MembershipNotChanged(MembershipRefusal.InvalidChange, detail)
                : new MembershipChangeUnknown($"{Url} answered {(int)response.StatusCode}: {detail}");
        }
        catch (Exception fault) when (IsTransport(fault, cancellationToken))
        {
            return NeverSent(fault)
                ? new MembershipNotChanged(MembershipRefusal.NoLeader, $"{Url} cannot be reached: {fault.Message}")
                : new MembershipChangeUnknown($"{Url} did not answer: {fault.Message}");
        }
    }

    /// <summary>Closes the connections.</summary>
    public void Dispose() => _http.Dispose();

    /// <summary>What has arrived of a stream of events, or one line at least.</summary>
    private async Task<IReadOnlyList<JsonLine>> ReadEventLinesAsync(JsonLineReader lines, string path, CancellationToken cancellationToken)
    {
        using CancellationTokenSource silence = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        silence.CancelAfter(LongestSilence);
        try
        {
            IReadOnlyList<JsonLine> read = await lines.ReadChunkAsync(MaxEventLines, MaxEventLineBytes, silence.Token);
            return read.Count > 0
                ? read
                : throw new SwarmUnavailableException(NotCommittedReason.Stopping, $"{Url} ended the stream.");
        }
        catch (Exception fault) when (IsTransport(fault, cancellationToken))
        {
            throw new SwarmUnavailableException(NotCommittedReason.NoLeader, $"{Url} broke off its answer to {path}: {fault.Message}");
        }
    }

    private static string Query(ReadConsistency consistency) => consistency switch
    {
        ReadConsistency.Linearizable => "consistency=linearizable",
        ReadConsistency.Leased => "consistency=leased",
        ReadConsistency.Stale => "consistency=stale",
        _ => throw new ArgumentOutOfRangeException(nameof(consistency), consistency, "Not a consistency."),
    };

    private static string Query(string name, ulong? value, char before = '?') =>
        value is { } number ? string.Create(CultureInfo.InvariantCulture, $"{before}{name}={number}") : "";

    private async Task CommitPartAsync(FactSubmission[] part, List<CommitAnswer> answers, CancellationToken cancellationToken)
    {
        int answered = answers.Count + part.Length;
        using HttpRequestMessage request = new(HttpMethod.Post, FactEndpoints.BatchPath) { Content = Body(part) };
        try
        {
            using HttpResponseMessage response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
            if (!response.IsSuccessStatusCode)
            {
                CommitAnswer forAll = await AnswerOfProblemAsync(response, cancellationToken);
                Fill(answers, answered, forAll);
                return;
            }

            PipeReader body = PipeReader.Create(await response.Content.ReadAsStreamAsync(cancellationToken));
            JsonLineReader lines = new(body, FactLimits.MaxFactBytes);
            while (answers.Count < answered)
            {
                using CancellationTokenSource patience = PatienceWith(cancellationToken);
                IReadOnlyList<JsonLine> chunk = await lines.ReadChunkAsync(part.Length, int.MaxValue, patience.Token);
                if (chunk.Count == 0)
                {
                    break;
                }

                answers.AddRange(chunk.Take(answered - answers.Count).Select(AnswerOf));
            }

            Fill(answers, answered, new FactOutcomeUnknown("The node's answer broke off."));
        }
        catch (Exception fault) when (IsTransport(fault, cancellationToken))
        {
            Fill(answers, answered, NeverSent(fault)
                ? new FactNotCommitted(NotCommittedReason.NoLeader, $"{Url} cannot be reached: {fault.Message}")
                : new FactOutcomeUnknown($"{Url} did not answer: {Reason(fault)}"));
        }
    }

    private static void Fill(List<CommitAnswer> answers, int count, CommitAnswer answer)
    {
        while (answers.Count < count)
        {
            answers.Add(answer);
        }
    }

    private static ByteArrayContent Body(FactSubmission[] part)
    {
        using MemoryStream body = new();
        foreach (FactSubmission submission in part)
        {
            body.Write(FactJson.ToUtf8(submission));
            body.WriteByte((byte)'\n');
        }

        ByteArrayContent content = new(body.ToArray());
        content.Headers.ContentType = new MediaTypeHeaderValue(MediaTypes.JsonLines[0]);
        return content;
    }

    private static CommitAnswer AnswerOf(JsonLine line)
    {
        if (CommitAnswerJson.TryParse(line.Bytes.Span, out CommitAnswer? answer, out _))
        {
            return answer;
        }

        // The node found this one malformed although it was written here by the same rules: two versions that differ.
        return new FactOutcomeUnknown($"The node's answer is not understood: {System.Text.Encoding.UTF8.GetString(line.Bytes.Span)}");
    }

    private async Task<CommitAnswer> AnswerOfProblemAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        (string? code, string detail, _) = ReadProblem(await LoadAsync(response, cancellationToken));
        string message = $"{Url} answered {(int)response.StatusCode}: {detail}";
        return CodeNames.ParseNotCommittedReason(code) is { } reason
            ? new FactNotCommitted(reason, message)
            : new FactOutcomeUnknown(message);
    }

    private async Task<byte[]> GetAsync(string path, CancellationToken cancellationToken)
    {
        using HttpResponseMessage response = await SendAsync(path, cancellationToken);
        byte[] body = await ReadBodyAsync(path, response, cancellationToken);
        ThrowUnlessGood(path, response, body);
        return body;
    }

    private async Task<byte[]> GetProofAsync(string path, CancellationToken cancellationToken)
    {
        using HttpResponseMessage response = await SendAsync(path, cancellationToken);
        byte[] body = await ReadBodyAsync(path, response, cancellationToken);
        if (response.StatusCode is HttpStatusCode.NotFound or HttpStatusCode.BadRequest)
        {
            (string? code, string detail, string? field) = ReadProblem(body);
            bool isBeyondLedger = code is ProblemCodes.BeyondLedger;
            if (field is not null && (isBeyondLedger || string.Equals(code, InputFaultCode.InvalidValue.Name(), StringComparison.Ordinal)))
            {
                throw new LedgerRangeException(field, isBeyondLedger, detail);
            }
        }

        ThrowUnlessGood(path, response, body);
        return body;
    }

    private async Task<HttpResponseMessage> SendAsync(string path, CancellationToken cancellationToken)
    {
        try
        {
            return await _http.GetAsync(path, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
        }
        catch (HttpRequestException fault) when (fault.HttpRequestError == HttpRequestError.InvalidResponse)
        {
            throw new SwarmProtocolException($"What answers at {Url} is not a node's HTTP API: {fault.Message}");
        }
        catch (Exception fault) when (IsTransport(fault, cancellationToken))
        {
            throw Unreachable(fault);
        }
    }

    private async Task<byte[]> ReadBodyAsync(string path, HttpResponseMessage response, CancellationToken cancellationToken)
    {
        try
        {
            return await LoadAsync(response, cancellationToken);
        }
        catch (HttpRequestException fault) when (fault.HttpRequestError == HttpRequestError.ConfigurationLimitExceeded)
        {
            throw NotUnderstood(path, $"it is longer than {MaxAnswerBytes} bytes.");
        }
        catch (Exception fault) when (IsTransport(fault, cancellationToken))
        {
            throw new SwarmUnavailableException(NotCommittedReason.NoLeader, $"{Url} broke off its answer to {path}: {Reason(fault)}");
        }
    }

    /// <summary>The rest of an answer. The client's own timeout and bound end with its header.</summary>
    private async Task<byte[]> LoadAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        using CancellationTokenSource patience = PatienceWith(cancellationToken);
        await response.Content.LoadIntoBufferAsync(MaxAnswerBytes, patience.Token);
        return await response.Content.ReadAsByteArrayAsync(patience.Token);
    }

    private CancellationTokenSource PatienceWith(CancellationToken cancellationToken)
    {
        CancellationTokenSource patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(_http.Timeout);
        return patience;
    }

    /// <summary>Why nothing more came; a cancellation that nobody asked for is a time that ran out.</summary>
    private string Reason(Exception fault) => fault is OperationCanceledException and not TaskCanceledException { InnerException: TimeoutException }
        ? string.Create(CultureInfo.InvariantCulture, $"nothing more came within {_http.Timeout.TotalSeconds} seconds.")
        : fault.Message;

    private void ThrowUnlessGood(string path, HttpResponseMessage response, byte[] body)
    {
        if (response.IsSuccessStatusCode)
        {
            return;
        }

        (string? code, string detail, _) = ReadProblem(body);
        throw CodeNames.ParseNotCommittedReason(code) is { } reason
            ? new SwarmUnavailableException(reason, $"{Url}: {detail}")
            : NotUnderstood(path, $"{(int)response.StatusCode} {code} {detail}");
    }

    private static (string? Code, string Detail, string? Field) ReadProblem(byte[] body)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(body);
            JsonElement problem = document.RootElement;
            string? field = problem.TryGetProperty("field", out JsonElement named) ? named.GetString() : null;
            return (problem.GetProperty("code").GetString(), problem.GetProperty("detail").GetString() ?? "", field);
        }
        catch (Exception fault) when (fault is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            return (null, "without saying why.", null);
        }
    }

    private static LedgerRecord RecordOf(JsonElement element) =>
        LedgerRecordJson.TryParse(JsonMarshal.GetRawUtf8Value(element), out LedgerRecord? record, out InputFault? fault)
            ? record
            : throw new JsonException(fault.Message);

    private static ReadOnlySpan<byte> DataField => "data: "u8;

    private static bool IsTransport(Exception fault, CancellationToken cancellationToken) =>
        fault is HttpRequestException or IOException
        || (fault is OperationCanceledException && !cancellationToken.IsCancellationRequested);

    private static bool NeverSent(Exception fault) =>
        fault is HttpRequestException { HttpRequestError: HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError };

    private SwarmUnavailableException Unreachable(Exception fault) =>
        new(NotCommittedReason.NoLeader, $"{Url} cannot be reached: {fault.Message}");

    private SwarmProtocolException NotUnderstood(string path, string message) => new($"{Url} gave an answer to {path} that is not understood: {message}");
}
