using System.Text.Json;
using System.Text.RegularExpressions;
using Converge.Swarm.Http.OpenApi;

namespace Converge.Swarm.Http.Tests;

/// <summary>The API's description, and as much of JSON Schema as it uses.</summary>
internal static class OpenApiDocument
{
    private static readonly string[] Known =
    [
        "$ref", "additionalProperties", "const", "default", "description", "enum", "items", "maxItems", "maxLength", "maximum", "minLength", "minimum", "oneOf",
        "pattern", "properties", "required", "type",
    ];

    public static JsonElement Load()
    {
        using Stream resource = typeof(OpenApiEndpoint).Assembly.GetManifestResourceStream("openapi.json")!;
        return JsonDocument.Parse(resource).RootElement;
    }

    /// <summary>Why a value does not fit a schema, or null when it does.</summary>
    public static string? Misfit(JsonElement document, string schema, JsonElement value) =>
        Misfit(document, document.GetProperty("components").GetProperty("schemas").GetProperty(schema), value, "$");

    /// <summary>Why a value does not fit a schema, or null when it does.</summary>
    public static string? Misfit(JsonElement document, JsonElement schema, JsonElement value, string at)
    {
        Assert.All(schema.EnumerateObject(), keyword => Assert.Contains(keyword.Name, Known));
        if (schema.TryGetProperty("$ref", out JsonElement reference))
        {
            string name = reference.GetString()!["#/components/schemas/".Length..];
            return Misfit(document, document.GetProperty("components").GetProperty("schemas").GetProperty(name), value, at);
        }

        if (schema.TryGetProperty("oneOf", out JsonElement choices))
        {
            string?[] misfits = [.. choices.EnumerateArray().Select(choice => Misfit(document, choice, value, at))];
            return misfits.Count(misfit => misfit is null) == 1 ? null : $"{at} fits not exactly one: {string.Join("; ", misfits)}";
        }

        if (schema.TryGetProperty("const", out JsonElement constant) && !JsonElement.DeepEquals(constant, value))
        {
            return $"{at} is not {constant}";
        }

        if (schema.TryGetProperty("enum", out JsonElement values) && !values.EnumerateArray().Any(one => JsonElement.DeepEquals(one, value)))
        {
            return $"{at} is {value}, none of the values";
        }

        if (schema.TryGetProperty("type", out JsonElement type))
        {
            string[] types = type.ValueKind == JsonValueKind.Array ? [.. type.EnumerateArray().Select(one => one.GetString()!)] : [type.GetString()!];
            if (!types.Any(one => IsOf(one, value)))
            {
                return $"{at} is not {type}";
            }
        }

        return value.ValueKind switch
        {
            JsonValueKind.Object => ObjectMisfit(document, schema, value, at),
            JsonValueKind.Array => ArrayMisfit(document, schema, value, at),
            JsonValueKind.String => StringMisfit(schema, value.GetString()!, at),
            JsonValueKind.Number => NumberMisfit(schema, value.GetDecimal(), at),
            _ => null,
        };
    }

    private static bool IsOf(string type, JsonElement value) => type switch
    {
        "object" => value.ValueKind == JsonValueKind.Object,
        "array" => value.ValueKind == JsonValueKind.Array,
        "string" => value.ValueKind == JsonValueKind.String,
        "boolean" => value.ValueKind is JsonValueKind.True or JsonValueKind.False,
        "null" => value.ValueKind == JsonValueKind.Null,
        "number" => value.ValueKind == JsonValueKind.Number,
        "integer" => value.ValueKind == JsonValueKind.Number && value.TryGetUInt64(out _),
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, "Not a type."),
    };

    private static string? ObjectMisfit(JsonElement document, JsonElement schema, JsonElement value, string at)
    {
        JsonElement properties = schema.TryGetProperty("properties", out JsonElement named) ? named : default;
        if (schema.TryGetProperty("required", out JsonElement required)
            && required.EnumerateArray().FirstOrDefault(name => !value.TryGetProperty(name.GetString()!, out _)) is { ValueKind: JsonValueKind.String } missing)
        {
            return $"{at} lacks {missing}";
        }

        foreach (JsonProperty property in value.EnumerateObject())
        {
            if (properties.ValueKind != JsonValueKind.Object || !properties.TryGetProperty(property.Name, out JsonElement inner))
            {
                // Whatever a node answers is described, also where a client must be ready for more.
                return properties.ValueKind == JsonValueKind.Object ? $"{at} has {property.Name}" : null;
            }

            if (Misfit(document, inner, property.Value, $"{at}.{property.Name}") is { } misfit)
            {
                return misfit;
            }
        }

        return null;
    }

    private static string? ArrayMisfit(JsonElement document, JsonElement schema, JsonElement value, string at)
    {
        if (schema.TryGetProperty("maxItems", out JsonElement most) && value.GetArrayLength() > most.GetInt32())
        {
            return $"{at} has more than {most} items";
        }

        return value.EnumerateArray().Select((item, i) => Misfit(document, schema.GetProperty("items"), item, $"{at}[{i}]")).FirstOrDefault(misfit => misfit is not null);
    }

    private static string? StringMisfit(JsonElement schema, string value, string at)
    {
        bool tooShort = schema.TryGetProperty("minLength", out JsonElement least) && value.Length < least.GetInt32();
        bool tooLong = schema.TryGetProperty("maxLength", out JsonElement most) && value.Length > most.GetInt32();
        bool other = schema.TryGetProperty("pattern", out JsonElement pattern)
            && !Regex.IsMatch(value, pattern.GetString()!, RegexOptions.None, TimeSpan.FromSeconds(10));
        return tooShort || tooLong || other ? $"{at} is \"{value}\"" : null;
    }

    private static string? NumberMisfit(JsonElement schema, decimal value, string at)
    {
        bool tooSmall = schema.TryGetProperty("minimum", out JsonElement least) && value < least.GetDecimal();
        bool tooGreat = schema.TryGetProperty("maximum", out JsonElement most) && value > most.GetDecimal();
        return tooSmall || tooGreat ? $"{at} is {value}" : null;
    }
}
