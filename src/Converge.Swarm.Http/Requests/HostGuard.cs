using System.Net;
using Converge.Swarm.Http.Problems;
using Microsoft.AspNetCore.Http;

namespace Converge.Swarm.Http.Requests;

/// <summary>
/// Takes only requests that were addressed to this machine by name. An API without authentication must not be reachable for a web page
/// whose own host name was made to resolve to 127.0.0.1.
/// </summary>
internal sealed class HostGuard
{
    public Task InvokeAsync(HttpContext context, RequestDelegate next)
    {
        string host = context.Request.Host.Host;
        return host.Length == 0 || IsLoopback(host)
            ? next(context)
            : throw new ProblemException(new Problem(
                StatusCodes.Status421MisdirectedRequest,
                ProblemCodes.HostNotAllowed,
                "Only requests to localhost, 127.0.0.1 or [::1] are answered."));
    }

    private static bool IsLoopback(string host) =>
        string.Equals(host, "localhost", StringComparison.OrdinalIgnoreCase)
        || (IPAddress.TryParse(host, out IPAddress? address) && IPAddress.IsLoopback(address));
}
