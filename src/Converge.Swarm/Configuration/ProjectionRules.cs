using System.Data.Common;

namespace Converge.Swarm;

/// <summary>What the settings of a projection must be like.</summary>
internal static class ProjectionRules
{
    private const string SchemaKey = $"{ConfigurationKeys.Projection}.{ConfigurationKeys.ProjectionSchema}";
    private const string PostgreSqlKey = $"{ConfigurationKeys.Projection}.{ConfigurationKeys.ProjectionPostgreSql}";
    private const string StoreKey = $"{ConfigurationKeys.Projection}.{ConfigurationKeys.ProjectionStoreName}";

    /// <summary>What PostgreSQL keeps of a name; room for a node's number included.</summary>
    private const int MaxSchemaLength = 40;

    public static IEnumerable<ConfigurationFault> Check(ProjectionOptions projection)
    {
        if (!Enum.IsDefined(projection.Store))
        {
            yield return new(StoreKey, $"must be one of {string.Join(", ", ConfigurationKeys.ProjectionStores.Keys)}.");
        }

        if (projection.Store != ProjectionStore.PostgreSql)
        {
            if (projection.PostgreSql is not null)
            {
                yield return new(PostgreSqlKey, $"says how to connect to PostgreSQL, but {StoreKey} is not \"postgresql\".");
            }
        }
        else if (projection.PostgreSql is null)
        {
            yield return new(PostgreSqlKey, $"is missing; with {StoreKey} \"postgresql\" it says how to connect, such as \"Host=/var/run/postgresql;Database=converge\".");
        }
        else if (!NamesHost(projection.PostgreSql))
        {
            yield return new(PostgreSqlKey, "must be a connection string that names a Host, such as \"Host=/var/run/postgresql;Database=converge\".");
        }

        string name = projection.Schema.Replace(SwarmConfiguration.NodePlaceholder, "", StringComparison.Ordinal);
        if (projection.Schema.Length is 0 or > MaxSchemaLength || !IsPlainName(name))
        {
            yield return new(
                SchemaKey,
                $"must be 1 to {MaxSchemaLength} lower-case letters, digits and '_', a letter first, and not begin with \"pg_\"; '{SwarmConfiguration.NodePlaceholder}' stands for the node's number.");
        }
    }

    public static IEnumerable<ConfigurationFault> CheckBatch(SwarmOptions options) => ConfigurationKeys.ProjectionBatchRecords
        .CheckRange(options.Projection.BatchRecords)
        .Select(fault => fault with { Key = $"{ConfigurationKeys.Projection}.{fault.Key}" });

    private static bool IsPlainName(string name) => name.Length > 0
        && char.IsAsciiLetterLower(name[0])
        && name.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '_')
        && !name.StartsWith("pg_", StringComparison.Ordinal);

    private static bool NamesHost(string connection)
    {
        try
        {
            return new DbConnectionStringBuilder { ConnectionString = connection }.TryGetValue("Host", out object? host)
                && !string.IsNullOrWhiteSpace(host as string);
        }
        catch (ArgumentException)
        {
            return false;
        }
    }
}
