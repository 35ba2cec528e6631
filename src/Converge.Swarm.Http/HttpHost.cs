using System.Net;
using System.Net.Sockets;
using Converge.Core;
using Converge.Swarm.Http.Facts;
using Converge.Swarm.Http.Leader;
using Converge.Swarm.Http.Ledger;
using Converge.Swarm.Http.Members;
using Converge.Swarm.Http.OpenApi;
using Converge.Swarm.Http.Problems;
using Converge.Swarm.Http.Proposals;
using Converge.Swarm.Http.Requests;
using Converge.Swarm.Http.Status;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Converge.Swarm.Http;

/// <summary>
/// The HTTP API over one <see cref="ISwarmClient"/>, as <c>docs/http-api.md</c> describes it. Listens on loopback only.
/// Reads no configuration of its own and answers no signals: whoever starts it, stops it.
/// </summary>
public sealed class HttpHost : IAsyncDisposable
{
    private readonly WebApplication _application;

    private HttpHost(WebApplication application, IPEndPoint address)
    {
        _application = application;
        Address = address;
    }

    /// <summary>Where it listens; the port is a real one even if zero was asked for.</summary>
    public IPEndPoint Address { get; }

    /// <summary>The API's base address.</summary>
    public Uri Url => new($"http://{Address}/");

    /// <summary>What it answers, for a test that holds it against its description.</summary>
    internal IReadOnlyList<Endpoint> Endpoints => [.. ((IEndpointRouteBuilder)_application).DataSources.SelectMany(source => source.Endpoints)];

    /// <summary>Starts to listen. When the task completes, requests are answered.</summary>
    /// <param name="client">What the API speaks to. Not disposed here.</param>
    /// <param name="listen">A loopback address; port zero picks a free one.</param>
    /// <param name="loggers">Where it logs. Not disposed here.</param>
    /// <param name="limits">How much it takes on; null for the defaults.</param>
    /// <param name="proposals">What lists proposals; null when the node keeps no index of them. Not disposed here.</param>
    /// <param name="cancellationToken">Gives up starting.</param>
    /// <exception cref="ArgumentException"><paramref name="listen"/> is not a loopback address.</exception>
    /// <exception cref="HttpAddressUnavailableException">It cannot listen there.</exception>
    public static async Task<HttpHost> StartAsync(
        ISwarmClient client,
        IPEndPoint listen,
        ILoggerFactory loggers,
        HttpLimits? limits = null,
        IProposalIndex? proposals = null,
        CancellationToken cancellationToken = default)
    {
        if (!IPAddress.IsLoopback(listen.Address))
        {
            throw new ArgumentException($"{listen} is not a loopback address; the API has no transport security yet.", nameof(listen));
        }

        WebApplication application = Build(client, proposals, listen, loggers, limits ?? new HttpLimits());
        try
        {
            await application.StartAsync(cancellationToken);
        }
        catch (Exception fault) when (fault is IOException or SocketException)
        {
            // The server says so in its own words only when another program has the address.
            await application.DisposeAsync();
            throw new HttpAddressUnavailableException(listen, fault);
        }
        catch
        {
            await application.DisposeAsync();
            throw;
        }

        return new HttpHost(application, ActualAddress(application));
    }

    /// <summary>
    /// Stops: takes no new connections, lets requests at work finish within <see cref="HttpLimits.StopTimeout"/>, then cuts them off.
    /// </summary>
    public Task StopAsync(CancellationToken cancellationToken = default) => _application.StopAsync(cancellationToken);

    /// <summary>Stops, if that was not done, and lets go of everything.</summary>
    public async ValueTask DisposeAsync()
    {
        await _application.StopAsync();
        await _application.DisposeAsync();
    }

    private static WebApplication Build(ISwarmClient client, IProposalIndex? proposals, IPEndPoint listen, ILoggerFactory loggers, HttpLimits limits)
    {
        // The empty builder: environment variables and appsettings.json of wherever it runs must not change what it does.
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(
            new WebApplicationOptions { ApplicationName = "converge", ContentRootPath = AppContext.BaseDirectory });
        builder.Services.AddSingleton(loggers);
        builder.Services.AddSingleton<IHostLifetime, OwnersLifetime>();
        builder.Services.Configure<HostOptions>(options => options.ShutdownTimeout = limits.StopTimeout);
        builder.Services.AddRoutingCore();
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => Configure(kestrel, listen, limits));

        WebApplication application = builder.Build();
        ILogger logger = loggers.CreateLogger<HttpHost>();
        application.Use(new ProblemBoundary(logger).InvokeAsync);
        application.Use(new HostGuard().InvokeAsync);
        application.UseRouting();
        application.Use(new RequestDeadline(limits.RequestTimeout).InvokeAsync);
        FactEndpoints.Map(application, client, new FactBatch(client, limits), new FactStream(client, limits, application.Lifetime.ApplicationStopping));
        LeaderEndpoints.Map(application, client);
        MemberEndpoints.Map(application, client);
        ProposalEndpoints.Map(application, client, proposals);
        LedgerEndpoints.Map(application, client);
        StatusEndpoints.Map(application, client, proposals);
        OpenApiEndpoint.Map(application);
        return application;
    }

    private static void Configure(KestrelServerOptions kestrel, IPEndPoint listen, HttpLimits limits)
    {
        kestrel.AddServerHeader = false;
        kestrel.Limits.MaxConcurrentConnections = limits.MaxConnections;
        kestrel.Limits.MaxConcurrentUpgradedConnections = 0;
        kestrel.Limits.MaxRequestBodySize = FactLimits.MaxFactBytes;
        kestrel.Limits.MaxRequestHeadersTotalSize = limits.MaxHeaderBytes;
        kestrel.Limits.MaxRequestHeaderCount = 64;
        kestrel.Limits.MaxRequestLineSize = 8 * 1024;
        kestrel.Limits.MaxRequestBufferSize = 1024 * 1024;
        kestrel.Limits.MaxResponseBufferSize = limits.MaxUnsentBytes;
        kestrel.Limits.RequestHeadersTimeout = limits.HeaderTimeout;
        kestrel.Limits.KeepAliveTimeout = limits.KeepAlive;
        kestrel.Limits.MinRequestBodyDataRate = new MinDataRate(limits.MinBytesPerSecond, limits.SlownessAllowed);
        kestrel.Limits.MinResponseDataRate = new MinDataRate(limits.MinBytesPerSecond, limits.SlownessAllowed);
        kestrel.Listen(listen, endpoint => endpoint.Protocols = HttpProtocols.Http1);
    }

    private static IPEndPoint ActualAddress(WebApplication application)
    {
        IServerAddressesFeature addresses = application.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()
            ?? throw new InvalidOperationException("The server does not say where it listens.");
        Uri url = new(addresses.Addresses.Single());
        return new IPEndPoint(IPAddress.Parse(url.Host), url.Port);
    }

    /// <summary>A host inside another program: signals are the program's business.</summary>
    private sealed class OwnersLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
