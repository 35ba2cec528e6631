namespace Converge.Swarm.Http.Problems;

/// <summary>The codes that belong to HTTP alone; those of facts, refusals and inputs are named in <see cref="Core.CodeNames"/>.</summary>
internal static class ProblemCodes
{
    public const string OutcomeUnknown = "outcome_unknown";
    public const string BeyondLedger = "beyond_ledger";
    public const string UnknownPath = "unknown_path";
    public const string MethodNotAllowed = "method_not_allowed";
    public const string UnsupportedMediaType = "unsupported_media_type";
    public const string HostNotAllowed = "host_not_allowed";
    public const string InvalidRequest = "invalid_request";
    public const string RequestTimeout = "request_timeout";
    public const string NotReady = "not_ready";
    public const string NoProjection = "no_projection";
    public const string ProjectionBehind = "projection_behind";
    public const string ProjectionFailing = "projection_failing";
    public const string InternalError = "internal_error";
}
