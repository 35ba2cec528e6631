using System.Net;
using System.Net.Sockets;
using System.Text.Json;

namespace Converge.Swarm.Http.Tests;

public sealed class HttpHostTests
{
    [Fact]
    public async Task It_listens_on_loopback_only()
    {
        using LogLines log = new();

        await Assert.ThrowsAsync<ArgumentException>(() => HttpHost.StartAsync(new SingleNode(), new IPEndPoint(IPAddress.Any, 0), log));
    }

    [Fact]
    public async Task An_address_in_use_is_said_by_name()
    {
        await using Api api = await Api.StartAsync();
        using LogLines log = new();

        HttpAddressUnavailableException fault = await Assert.ThrowsAsync<HttpAddressUnavailableException>(
            () => HttpHost.StartAsync(new SingleNode(), api.Host.Address, log));

        Assert.Equal(api.Host.Address, fault.Address);
        Assert.Contains(api.Host.Address.ToString(), fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_address_that_cannot_be_listened_on_for_another_reason_is_said_by_name_too()
    {
        using LogLines log = new();
        IPEndPoint mapped = new(IPAddress.Loopback.MapToIPv6(), 0);

        HttpAddressUnavailableException fault = await Assert.ThrowsAsync<HttpAddressUnavailableException>(
            () => HttpHost.StartAsync(new SingleNode(), mapped, log));

        Assert.Equal(mapped, fault.Address);
    }

    [Fact]
    public async Task Stopping_lets_a_request_at_work_finish_and_takes_no_other()
    {
        await using Api api = await Api.StartAsync();
        TaskCompletionSource entered = new(TaskCreationOptions.RunContinuationsAsynchronously);
        TaskCompletionSource leave = new(TaskCreationOptions.RunContinuationsAsynchronously);
        api.Node.Before = _ =>
        {
            entered.TrySetResult();
            return leave.Task;
        };

        Task<JsonElement[]> atWork = api.BatchAsync(Samples.Lines(2));
        await entered.Task;
        Task stop = api.Host.StopAsync();
        while (await AcceptsAsync(api.Host.Address))
        {
            await Task.Yield();
        }

        Assert.False(stop.IsCompleted);
        leave.SetResult();
        Assert.Equal(2, (await atWork).Length);
        await stop;
    }

    [Fact]
    public async Task It_listens_on_ipv6_too()
    {
        using LogLines log = new();
        await using HttpHost host = await HttpHost.StartAsync(new SingleNode(), new IPEndPoint(IPAddress.IPv6Loopback, 0), log);
        using HttpClient http = new() { BaseAddress = host.Url };

        using HttpResponseMessage response = await http.GetAsync("/healthz");

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
    }

    private static async Task<bool> AcceptsAsync(IPEndPoint address)
    {
        using TcpClient client = new();
        try
        {
            await client.ConnectAsync(address);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
