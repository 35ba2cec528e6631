using Microsoft.AspNetCore.Http;

namespace Converge.Swarm.Http.Requests;

/// <summary>One JSON document as an answer.</summary>
internal static class JsonAnswer
{
    public static Task WriteAsync(HttpContext context, byte[] json)
    {
        context.Response.ContentType = JsonBytes.MediaType;
        context.Response.ContentLength = json.Length;
        return HttpMethods.IsHead(context.Request.Method)
            ? Task.CompletedTask
            : context.Response.Body.WriteAsync(json, context.RequestAborted).AsTask();
    }
}
