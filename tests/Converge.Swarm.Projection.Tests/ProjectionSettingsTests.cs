using System.Text;
using Converge.Core;
using Converge.Swarm.Tests;

namespace Converge.Swarm.Projection.Tests;

public sealed class ProjectionSettingsTests
{
    [Fact]
    public void Without_the_section_a_node_keeps_an_SQLite_projection()
    {
        Assert.Equal(new ProjectionOptions(), Parse("").Options!.Projection);
        Assert.Equal(ProjectionStore.Sqlite, Parse("").Options!.Projection.Store);
        Assert.Equal(new ProjectionOptions(), Parse(""", "projection": {} """).Options!.Projection);
    }

    [Fact]
    public void The_file_that_explains_every_key_has_the_defaults()
    {
        SwarmConfiguration configuration = SwarmConfiguration.Load(RepositoryFiles.Find("config", "swarm.json"));

        Assert.Empty(configuration.Faults);
        Assert.Equal(new ProjectionOptions(), configuration.Options!.Projection);
        Assert.Contains("\"projection\"", File.ReadAllText(RepositoryFiles.Find("config", "swarm.json")), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(""", "projection": {"store": "none"}""")]
    [InlineData(""", "projection": {"store": "sqlite", "batch_records": 17}""")]
    [InlineData(""", "projection": {"store": "postgresql", "postgresql": "Host=/run/postgresql;Database=\"a b\"", "schema": "audit_{node}_x"}""")]
    public void What_is_written_is_read_back_as_it_is(string section)
    {
        SwarmOptions options = Parse(section).Options!;

        SwarmConfiguration again = SwarmConfiguration.Parse(SwarmConfiguration.ToJson(options), "/");

        Assert.Empty(again.Faults);
        Assert.Equal(options.Projection, again.Options!.Projection);
        Assert.NotEqual(new ProjectionOptions(), options.Projection);
        Assert.Empty(SwarmOptionsRules.Check(options));
    }

    [Theory]
    [InlineData(""", "projection": "sqlite" """, "projection")]
    [InlineData(""", "projection": {"store": "oracle"}""", "projection.store")]
    [InlineData(""", "projection": {"store": 1}""", "projection.store")]
    [InlineData(""", "projection": {"stores": "sqlite"}""", "projection.stores")]
    [InlineData(""", "projection": {"store": "postgresql"}""", "projection.postgresql")]
    [InlineData(""", "projection": {"store": "postgresql", "postgresql": "Database=x"}""", "projection.postgresql")]
    [InlineData(""", "projection": {"store": "postgresql", "postgresql": "=;=" }""", "projection.postgresql")]
    [InlineData(""", "projection": {"postgresql": "Host=x"}""", "projection.postgresql")]
    [InlineData(""", "projection": {"schema": "Public"}""", "projection.schema")]
    [InlineData(""", "projection": {"schema": "{node}"}""", "projection.schema")]
    [InlineData(""", "projection": {"schema": "pg_x"}""", "projection.schema")]
    [InlineData(""", "projection": {"schema": "a; drop table x"}""", "projection.schema")]
    [InlineData(""", "projection": {"schema": null}""", "projection.schema")]
    [InlineData(""", "projection": {"batch_records": 0}""", "projection.batch_records")]
    [InlineData(""", "projection": {"batch_records": 10001}""", "projection.batch_records")]
    [InlineData(""", "projection": {"batch_records": "many"}""", "projection.batch_records")]
    public void What_is_wrong_is_said_with_its_key(string section, string key)
    {
        SwarmConfiguration configuration = Parse(section);

        Assert.Null(configuration.Options);
        Assert.Equal(key, Assert.Single(configuration.Faults).Key);
    }

    [Fact]
    public void All_faults_are_said_at_once()
    {
        SwarmConfiguration configuration = Parse(""", "tick_ms": 0, "projection": {"store": "x", "batch_records": 0, "color": "red"}""");

        Assert.Equal(
            ["projection.batch_records", "projection.color", "projection.store", "tick_ms"],
            configuration.Faults.Select(fault => fault.Key).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Options_made_in_code_keep_the_same_rules()
    {
        SwarmOptions options = Parse("").Options! with
        {
            Projection = new ProjectionOptions { Store = ProjectionStore.PostgreSql, Schema = "UPPER", BatchRecords = 0 },
        };

        Assert.Equal(
            ["projection.batch_records", "projection.postgresql", "projection.schema"],
            SwarmOptionsRules.Check(options).Select(fault => fault.Key).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void A_schema_names_its_node() =>
        Assert.Equal("converge_7", new ProjectionOptions().SchemaOf(new NodeId(7)));

    private static SwarmConfiguration Parse(string section) => SwarmConfiguration.Parse(
        Encoding.UTF8.GetBytes($$"""{"cluster": "c", "node": 1, "data_folder": "d", "members": [{"id": 1, "peer": "127.0.0.1:7201"}]{{section}}}"""), "/");
}
