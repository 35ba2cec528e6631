using Converge.Swarm.Http.Problems;
using Microsoft.AspNetCore.Http;

namespace Converge.Swarm.Http.Requests;

/// <summary>
/// Bounds how long a request may take, unless its endpoint has <see cref="NoDeadline"/>: a batch is bounded by its length and by how slowly
/// its client may send instead, a stream by nothing but its reader.
/// </summary>
internal sealed class RequestDeadline(TimeSpan timeout)
{
    public async Task InvokeAsync(HttpContext context, RequestDelegate next)
    {
        // By what the path leads to: there are several ways to write one.
        if (context.GetEndpoint()?.Metadata.GetMetadata<NoDeadline>() is not null)
        {
            await next(context);
            return;
        }

        CancellationToken clientGone = context.RequestAborted;
        using CancellationTokenSource deadline = CancellationTokenSource.CreateLinkedTokenSource(clientGone);
        deadline.CancelAfter(timeout);
        context.RequestAborted = deadline.Token;
        try
        {
            await next(context);
        }
        catch (OperationCanceledException) when (deadline.IsCancellationRequested && !clientGone.IsCancellationRequested)
        {
            context.RequestAborted = clientGone;
            throw new ProblemException(new Problem(
                StatusCodes.Status504GatewayTimeout, ProblemCodes.OutcomeUnknown, "The swarm did not answer in time; what came of the request is not known."));
        }
        finally
        {
            context.RequestAborted = clientGone;
        }
    }
}
