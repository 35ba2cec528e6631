namespace Converge.Swarm.Simulation;

/// <summary>What one can do with a key-value store. A closed set.</summary>
/// <param name="Key">The key.</param>
public abstract record KeyValueInput(string Key)
{
    /// <summary>Asks for a key's value; that of a key that was never set is empty.</summary>
    /// <param name="Key">The key.</param>
    public sealed record Get(string Key) : KeyValueInput(Key);

    /// <summary>Sets a key's value.</summary>
    /// <param name="Key">The key.</param>
    /// <param name="Value">The value.</param>
    public sealed record Put(string Key, string Value) : KeyValueInput(Key);

    /// <summary>Lengthens a key's value.</summary>
    /// <param name="Key">The key.</param>
    /// <param name="Value">By what.</param>
    public sealed record Append(string Key, string Value) : KeyValueInput(Key);
}

/// <summary>A store of texts under keys, each of which is judged alone.</summary>
public sealed class KeyValueModel : ISequentialModel<string, KeyValueInput, string>
{
    /// <inheritdoc/>
    public string Initial => "";

    /// <inheritdoc/>
    public string KeyOf(KeyValueInput input)
    {
        ArgumentNullException.ThrowIfNull(input);
        return input.Key;
    }

    /// <inheritdoc/>
    public bool TryStep(string state, KeyValueInput input, string output, out string next)
    {
        next = StepUnknown(state, input);
        return input is not KeyValueInput.Get || string.Equals(state, output, StringComparison.Ordinal);
    }

    /// <inheritdoc/>
    public bool LeavesState(KeyValueInput input, string output) => input is KeyValueInput.Get;

    /// <inheritdoc/>
    public string StepUnknown(string state, KeyValueInput input) => input switch
    {
        KeyValueInput.Put put => put.Value,
        KeyValueInput.Append append => state + append.Value,
        _ => state,
    };

    /// <inheritdoc/>
    public string Describe(KeyValueInput input, string? output, bool isKnown) => input switch
    {
        KeyValueInput.Put put => $"put '{put.Value}'{(isKnown ? "" : ": unknown")}",
        KeyValueInput.Append append => $"append '{append.Value}'{(isKnown ? "" : ": unknown")}",
        _ => isKnown ? $"get: '{output}'" : "get: unknown",
    };
}
