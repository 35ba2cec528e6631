using System.Net;

namespace Converge.Swarm.Http;

/// <summary>The HTTP API cannot listen where it was told to, most often because another program does.</summary>
public sealed class HttpAddressUnavailableException : IOException
{
    /// <summary>Cannot listen on <paramref name="address"/>.</summary>
    public HttpAddressUnavailableException(IPEndPoint address, Exception inner)
        : base($"The HTTP API cannot listen on {address}: {inner.Message}", inner) => Address = address;

    /// <summary>Where it was to listen.</summary>
    public IPEndPoint Address { get; }
}
