using Converge.Core;
using Converge.Swarm.Nodes;
using Converge.Swarm.Transport.Wire;

namespace Converge.Swarm.Tests.Client;

/// <summary>Whom a client knows of.</summary>
public sealed class NodeDirectoryTests
{
    [Fact]
    public async Task Members_that_are_named_no_more_make_room_for_those_that_came()
    {
        await using ScriptedNode before = new(_ => null)
        {
            Members = [.. Enumerable.Range(1, SwarmOptionsRules.MaxMembers).Select(id => new MemberEndpoint { Id = 1 + (ulong)id, Address = $"127.0.0.1:{id}" })],
        };
        await using ScriptedNode now = new(_ => null) { Members = [new MemberEndpoint { Id = 99, Address = "127.0.0.1:999" }] };
        await using var directory = new NodeDirectory(new SwarmClientOptions { Cluster = "test", Endpoints = [before.Address, now.Address] });
        NodeLink first = directory.Choose();
        NodeLink second = directory.Choose();

        await first.ConnectAsync();
        directory.Learn(new LeaderHint(new NodeId(2), new Term(1)));
        Assert.Equal(1, directory.Leader!.Address.Port);

        await second.ConnectAsync();
        directory.Learn(new LeaderHint(new NodeId(99), new Term(2)));
        Assert.Equal(999, directory.Leader!.Address.Port);
    }
}
