using Converge.Swarm.Http.Requests;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;

namespace Converge.Swarm.Http.OpenApi;

/// <summary>The API's description for programs. Written by hand; a test holds it against the routes and the answers.</summary>
internal static class OpenApiEndpoint
{
    public const string Path = "/openapi.json";

    private const string Resource = "openapi.json";

    private static readonly byte[] Document = Load();

    public static void Map(IEndpointRouteBuilder routes) => routes.MapGet(Path, context =>
    {
        _ = new QueryParameters(context.Request);
        return JsonAnswer.WriteAsync(context, Document);
    });

    private static byte[] Load()
    {
        using Stream resource = typeof(OpenApiEndpoint).Assembly.GetManifestResourceStream(Resource)
            ?? throw new InvalidOperationException($"The assembly lacks its resource {Resource}.");
        byte[] document = new byte[resource.Length];
        resource.ReadExactly(document);
        return document;
    }
}
