using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using Converge.Core;
using FsCheck;
using FsCheck.Fluent;

namespace Converge.Swarm.Cli.Tests.Configuration;

public sealed class SwarmConfigurationTests
{
    private const string Valid =
        """
        {
          "cluster": "converge", "node": 2, "data_folder": "data/node{node}",
          "members": [
            { "id": 1, "peer": "127.0.0.1:7201", "http": "127.0.0.1:7101" },
            { "id": 2, "peer": "[::1]:7202", "http": "localhost:7102" },
            { "id": 3, "peer": "127.0.0.3:7203" }
          ]
        }
        """;

    [Fact]
    public void A_file_without_settings_has_the_defaults()
    {
        SwarmOptions options = Read(Valid).Options!;

        Assert.Equal("converge", options.Cluster);
        Assert.Equal(new NodeId(2), options.Node);
        Assert.Equal(Path.GetFullPath("/etc/swarm/data/node2"), options.DataFolder);
        Assert.Equal(new MemberOptions(new NodeId(2), new IPEndPoint(IPAddress.IPv6Loopback, 7202), new IPEndPoint(IPAddress.Loopback, 7102)), options.Members[1]);
        Assert.Null(options.Members[2].Http);
        Assert.Equal(
            new SwarmOptions { Cluster = "c", Node = new NodeId(1), DataFolder = "d", Members = [] },
            options with { Cluster = "c", Node = new NodeId(1), DataFolder = "d", Members = [] });
    }

    [Fact]
    public void The_node_and_the_folder_can_be_given_beside_the_file()
    {
        SwarmOptions options = SwarmConfiguration.Parse(Encoding.UTF8.GetBytes(Valid), "/etc/swarm", new NodeId(3), "/var/swarm-{node}").Options!;

        Assert.Equal(new NodeId(3), options.Node);
        Assert.Equal(Path.GetFullPath("/var/swarm-3"), options.DataFolder);
    }

    [Fact]
    public void What_is_written_is_read_back()
    {
        SwarmOptions options = Read(Valid).Options! with { Tick = TimeSpan.FromMilliseconds(7), ElectionTicks = 33, MaxPendingCommands = 5, LeasedReads = true, LeaseDriftTicks = 6 };

        SwarmOptions read = SwarmConfiguration.Parse(SwarmConfiguration.ToJson(options), "/elsewhere").Options!;

        Assert.Equal(options with { Members = [] }, read with { Members = [] });
        Assert.Equal(options.Members, read.Members);
    }

    [Fact]
    public void A_node_that_joins_names_itself_and_a_member_of_the_swarm_and_need_not_be_one_of_an_odd_number()
    {
        SwarmOptions founding = Read(Valid).Options!;
        SwarmOptions joining = founding with { Join = true, Members = [founding.Members[0], founding.Members[1]] };

        Assert.Empty(SwarmOptionsRules.Check(joining));
        Assert.True(SwarmConfiguration.Parse(SwarmConfiguration.ToJson(joining), "/elsewhere").Options!.Join);
        Assert.Equal("members", Assert.Single(SwarmOptionsRules.Check(joining with { Join = false })).Key);
        Assert.Contains("at least one member", Assert.Single(SwarmOptionsRules.Check(joining with { Members = [founding.Members[1]] })).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Comments_trailing_commas_and_a_byte_order_mark_are_allowed()
    {
        string text = "\uFEFF// a comment\n" + Valid.Replace("\"node\": 2,", "\"node\": 2, /* another */", StringComparison.Ordinal).Replace("] }", "], }", StringComparison.Ordinal);

        Assert.NotNull(Read(text).Options);
    }

    [Theory]
    [InlineData("swarm.json", 1)]
    [InlineData("three-nodes.json", 3)]
    public void The_files_that_come_with_the_program_are_good(string name, int members)
    {
        SwarmConfiguration configuration = SwarmConfiguration.Load(Path.Combine(AppContext.BaseDirectory, "config", name));

        Assert.Empty(configuration.Faults);
        Assert.Equal(members, configuration.Options!.Members.Count);
    }

    [Fact]
    public void The_documented_file_shows_the_defaults()
    {
        SwarmOptions documented = SwarmConfiguration.Load(Path.Combine(AppContext.BaseDirectory, "config", "swarm.json")).Options!;

        Assert.Equal(
            new SwarmOptions { Cluster = "c", Node = new NodeId(1), DataFolder = "d", Members = [] },
            documented with { Cluster = "c", Node = new NodeId(1), DataFolder = "d", Members = [] });
    }

    [Fact]
    public void All_faults_are_told_at_once()
    {
        SwarmConfiguration configuration = Read(
            """
            {
              "cluster": "no spaces", "node": 9, "data_folder": "", "colour": "red",
              "members": [
                { "id": 1, "peer": "127.0.0.1:7201" },
                { "id": 1, "peer": "192.0.2.1:7201" }
              ],
              "tick_ms": 0, "heartbeat_ticks": 10, "election_ticks": 20, "log_segment_bytes": 33554433
            }
            """);

        Assert.Null(configuration.Options);
        Assert.Equal(
            "cluster,colour,data_folder,election_ticks,log_segment_bytes,members,members[1].id,members[1].peer,node,tick_ms",
            string.Join(',', configuration.Faults.Select(fault => fault.Key).Order(StringComparer.Ordinal)));
    }

    [Theory]
    [InlineData("cluster", "7", "cluster", "must be a text")]
    [InlineData("cluster", "null", "cluster", "must be a text")]
    [InlineData("cluster", "\"\"", "cluster", "1 to 64")]
    [InlineData("node", "\"1\"", "node", "whole number")]
    [InlineData("node", "0", "node", "whole number")]
    [InlineData("node", "1.5", "node", "whole number")]
    [InlineData("node", "4", "node", "not among the members (1, 2, 3)")]
    [InlineData("data_folder", "[]", "data_folder", "must be a text")]
    [InlineData("members", "{}", "members", "must be a list")]
    [InlineData("members", "[]", "members", "1 to 15")]
    [InlineData("members", "[7]", "members[0]", "must be an object")]
    [InlineData("members", """[{"id":2,"peer":"127.0.0.1:1"},{"id":3,"peer":"127.0.0.1:2"}]""", "members", "odd number; there are 2")]
    [InlineData("members", """[{"id":2}]""", "members[0].peer", "missing")]
    [InlineData("members", """[{"peer":"127.0.0.1:1"}]""", "members[0].id", "missing")]
    [InlineData("members", """[{"id":2,"peer":"127.0.0.1:1","port":1}]""", "members[0].port", "not a key")]
    [InlineData("members", """[{"id":2,"peer":"127.0.0.1"}]""", "members[0].peer", "IP address and a port")]
    [InlineData("members", """[{"id":2,"peer":"node1:7201"}]""", "members[0].peer", "IP address and a port")]
    [InlineData("members", """[{"id":2,"peer":"1:7201"}]""", "members[0].peer", "IP address and a port")]
    [InlineData("members", """[{"id":2,"peer":"127.0.0.1:70000"}]""", "members[0].peer", "IP address and a port")]
    [InlineData("members", """[{"id":2,"peer":"127.0.0.1:0"}]""", "members[0].peer", "1 to 65535")]
    [InlineData("members", """[{"id":2,"peer":"0.0.0.0:7201"}]""", "members[0].peer", "HTTP and peers listen on loopback only until transport security exists")]
    [InlineData("members", """[{"id":2,"peer":"127.0.0.1:1","http":"10.0.0.1:7101"}]""", "members[0].http", "loopback only until transport security exists")]
    [InlineData("members", """[{"id":2,"peer":"127.0.0.1:1","http":"127.0.0.1:1"}]""", "members[0].http", "taken by members[0].peer")]
    [InlineData("heartbeat_ticks", "7", "election_ticks", "at least 3 times heartbeat_ticks (7)")]
    [InlineData("election_ticks", "5", "election_ticks", "at least 3 times heartbeat_ticks (2)")]
    [InlineData("leased_reads", "1", "leased_reads", "true or false")]
    [InlineData("lease_drift_ticks", "1", "lease_drift_ticks", "from 2 to 1000")]
    [InlineData("request_timeout_ms", "99", "request_timeout_ms", "from 100 to 600000")]
    [InlineData("request_timeout_ms", "true", "request_timeout_ms", "from 100 to 600000")]
    [InlineData("max_pending_commands", "1e3", "max_pending_commands", "whole number")]
    [InlineData("max_uncommitted_bytes", "5", "max_uncommitted_bytes", "from 1048576")]
    [InlineData("ledger_segment_bytes", "300000", "ledger_segment_bytes", "multiple of 512")]
    [InlineData("colour", "\"red\"", "colour", "not a key")]
    public void A_fault_names_its_key(string key, string value, string faultKey, string message)
    {
        JsonObject file = JsonNode.Parse(Valid)!.AsObject();
        file[key] = value is "null" ? null : JsonNode.Parse(value);

        SwarmConfiguration configuration = Read(file.ToJsonString());

        ConfigurationFault fault = Assert.Single(configuration.Faults);
        Assert.Equal(faultKey, fault.Key);
        Assert.Contains(message, fault.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("cluster")]
    [InlineData("node")]
    [InlineData("data_folder")]
    [InlineData("members")]
    public void A_required_key_is_missed_by_name(string key)
    {
        JsonObject file = JsonNode.Parse(Valid)!.AsObject();
        file.Remove(key);

        Assert.Equal(new ConfigurationFault(key, "is missing."), Assert.Single(Read(file.ToJsonString()).Faults));
    }

    [Theory]
    [InlineData("", "line 1, byte 1")]
    [InlineData("{\n  \"cluster\": }", "line 2, byte 14")]
    [InlineData("[]", "one JSON object")]
    [InlineData("{\"cluster\": \"\\ud800\"}", "not valid Unicode")]
    public void What_is_not_a_configuration_is_said_to_be_none(string text, string message)
    {
        Assert.Contains(message, Assert.Single(Read(text).Faults).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_key_that_is_there_twice_is_a_fault()
    {
        ConfigurationFault fault = Assert.Single(Read(Valid.Replace("\"node\": 2", "\"node\": 2, \"node\": 3", StringComparison.Ordinal)).Faults);

        Assert.Equal(new ConfigurationFault("node", "is there twice."), fault);
    }

    [Fact]
    public void A_file_that_is_not_there_is_a_fault_and_not_an_exception()
    {
        using TemporaryFolder folder = new();

        Assert.Contains("cannot be read", Assert.Single(SwarmConfiguration.Load(folder["none.json"]).Faults).Message, StringComparison.Ordinal);
        Assert.Contains("cannot be read", Assert.Single(SwarmConfiguration.Load(folder.Path).Faults).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void No_text_makes_it_throw()
    {
        byte[] valid = Encoding.UTF8.GetBytes(Valid);
        Gen<byte[]> mutated = Gen.ArrayOf(Gen.Zip(Gen.Choose(0, valid.Length - 1), Gen.Choose(0, 255)), 3).Select(changes =>
        {
            byte[] text = [.. valid];
            foreach ((int place, int value) in changes)
            {
                text[place] = (byte)value;
            }

            return text;
        });

        Check.One(
            Config.QuickThrowOnFailure.WithMaxTest(3_000),
            Prop.ForAll(mutated.ToArbitrary(), text =>
            {
                SwarmConfiguration configuration = SwarmConfiguration.Parse(text, "/etc/swarm");
                Assert.Equal(configuration.Options is null, configuration.Faults.Count > 0);
                Assert.True(configuration.Options is null || SwarmOptionsRules.Check(configuration.Options).Count == 0);
            }));
    }

    [Fact]
    public void Options_made_in_code_are_held_to_the_same_rules()
    {
        SwarmOptions good = Read(Valid).Options!;

        Assert.Empty(SwarmOptionsRules.Check(good));
        Assert.Equal("election_ticks", Assert.Single(SwarmOptionsRules.Check(good with { HeartbeatTicks = 10 })).Key);
        Assert.Equal("node", Assert.Single(SwarmOptionsRules.Check(good with { Node = new NodeId(8) })).Key);
        Assert.Empty(SwarmOptionsRules.Check(good with { LeasedReads = true }));
        Assert.Empty(SwarmOptionsRules.Check(good with { LeaseDriftTicks = 19 }));
        Assert.Equal("lease_drift_ticks", Assert.Single(SwarmOptionsRules.Check(good with { LeasedReads = true, LeaseDriftTicks = 19 })).Key);
        Assert.Equal("tick_ms", Assert.Single(SwarmOptionsRules.Check(good with { Tick = TimeSpan.Zero })).Key);
        Assert.Equal("members", Assert.Single(SwarmOptionsRules.Check(good with { Members = [good.Members[1], good.Members[2]] })).Key);
    }

    private static SwarmConfiguration Read(string text) => SwarmConfiguration.Parse(Encoding.UTF8.GetBytes(text), "/etc/swarm");
}
