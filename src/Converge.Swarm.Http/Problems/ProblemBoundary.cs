using Converge.Core;
using Converge.Swarm.Ledger;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Converge.Swarm.Http.Problems;

/// <summary>The outermost layer: whatever goes wrong inside becomes one answer and one log line.</summary>
internal sealed partial class ProblemBoundary(ILogger logger)
{
    private const int LongestLogged = 200;

    public async Task InvokeAsync(HttpContext context, RequestDelegate next)
    {
        Problem problem;
        try
        {
            await next(context);
            if (context.Response.StatusCode < StatusCodes.Status400BadRequest || context.Response.HasStarted)
            {
                return;
            }

            problem = OfRouting(context);
        }
        catch (ProblemException fault)
        {
            problem = fault.Problem;
        }
        catch (SwarmUnavailableException fault)
        {
            problem = Problem.Of(fault.Reason, fault.Message);
        }
        catch (LedgerRangeException fault)
        {
            problem = Problem.Of(fault);
        }
        catch (BadHttpRequestException fault)
        {
            problem = OfServer(fault);
        }
        catch (Exception) when (context.RequestAborted.IsCancellationRequested)
        {
            LogGone(context.Request.Method, Shown(context));
            return;
        }
        catch (Exception fault)
        {
            LogFault(fault, context.Request.Method, Shown(context));
            problem = new Problem(StatusCodes.Status500InternalServerError, ProblemCodes.InternalError, "The node could not answer; its log says why.");
        }

        LogProblem(context.Request.Method, Shown(context), problem.Status, problem.Code, Shown(problem.Field));
        if (context.Response.HasStarted)
        {
            // Half an answer must not look like a whole one.
            context.Abort();
            return;
        }

        string? allow = context.Response.Headers.Allow;
        context.Response.Clear();
        if (allow is not null)
        {
            context.Response.Headers.Allow = allow;
        }

        await problem.WriteAsync(context);
    }

    private static Problem OfRouting(HttpContext context) => context.Response.StatusCode switch
    {
        StatusCodes.Status404NotFound => new(StatusCodes.Status404NotFound, ProblemCodes.UnknownPath, "There is nothing at this path."),
        StatusCodes.Status405MethodNotAllowed => new(
            StatusCodes.Status405MethodNotAllowed,
            ProblemCodes.MethodNotAllowed,
            $"This path takes {context.Response.Headers.Allow} only."),
        int status => new(status, ProblemCodes.InvalidRequest, "The request is not understood."),
    };

    private static Problem OfServer(BadHttpRequestException fault) => fault.StatusCode switch
    {
        StatusCodes.Status413PayloadTooLarge => new(
            fault.StatusCode, InputFaultCode.TooLarge.Name(), $"The body is too large; a fact may have at most {FactLimits.MaxFactBytes} bytes."),
        StatusCodes.Status408RequestTimeout => new(fault.StatusCode, ProblemCodes.RequestTimeout, "The body came too slowly."),
        int status => new(status, ProblemCodes.InvalidRequest, "The request could not be read to its end."),
    };

    // What a client chose is percent-encoded, so that it cannot break the log's lines or pass for one of them.
    private static string Shown(HttpContext context) => Cut(context.Request.Path.ToUriComponent());

    private static string Shown(string? field) => field is null ? "-" : Uri.EscapeDataString(Cut(field));

    private static string Cut(string text) => text.Length <= LongestLogged ? text : text[..LongestLogged];

    [LoggerMessage(Level = LogLevel.Information, Message = "{Method} {Path}: {Status} {Code} (field {Field})")]
    private partial void LogProblem(string method, string path, int status, string code, string field);

    [LoggerMessage(Level = LogLevel.Debug, Message = "{Method} {Path}: the client went away")]
    private partial void LogGone(string method, string path);

    [LoggerMessage(Level = LogLevel.Error, Message = "{Method} {Path} failed")]
    private partial void LogFault(Exception fault, string method, string path);
}
