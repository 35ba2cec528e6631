using System.Globalization;

namespace Converge.Swarm.Simulation;

/// <summary>What one can do with a register. A closed set.</summary>
public abstract record RegisterInput
{
    private protected RegisterInput()
    {
    }

    /// <summary>Asks for the value.</summary>
    public sealed record Read : RegisterInput;

    /// <summary>Sets the value.</summary>
    /// <param name="Value">To what.</param>
    public sealed record Write(int Value) : RegisterInput;

    /// <summary>Sets the value if it is as expected.</summary>
    /// <param name="Expected">What it must be.</param>
    /// <param name="Value">What it becomes.</param>
    public sealed record CompareAndSet(int Expected, int Value) : RegisterInput;
}

/// <summary>What a register answers.</summary>
/// <param name="Value">To a read: the value, null when none was ever written.</param>
/// <param name="Succeeded">To a compare-and-set: whether the value was as expected.</param>
public readonly record struct RegisterOutput(int? Value, bool Succeeded);

/// <summary>A register that holds a number or nothing. There is one key.</summary>
public sealed class RegisterModel : ISequentialModel<RegisterModel.Content, RegisterInput, RegisterOutput>
{
    /// <summary>What the register holds; null for nothing.</summary>
    /// <param name="Value">The number.</param>
    public readonly record struct Content(int? Value)
    {
        /// <inheritdoc/>
        public override string ToString() => Value?.ToString(CultureInfo.InvariantCulture) ?? "nothing";
    }

    /// <inheritdoc/>
    public Content Initial => default;

    /// <inheritdoc/>
    public string KeyOf(RegisterInput input) => "";

    /// <inheritdoc/>
    public bool TryStep(Content state, RegisterInput input, RegisterOutput output, out Content next)
    {
        next = StepUnknown(state, input);
        return input switch
        {
            RegisterInput.Read => state.Value == output.Value,
            RegisterInput.CompareAndSet set => output.Succeeded == (state.Value == set.Expected),
            _ => true,
        };
    }

    /// <inheritdoc/>
    public bool LeavesState(RegisterInput input, RegisterOutput output) =>
        input is RegisterInput.Read || (input is RegisterInput.CompareAndSet && !output.Succeeded);

    /// <inheritdoc/>
    public Content StepUnknown(Content state, RegisterInput input) => input switch
    {
        RegisterInput.Write write => new Content(write.Value),
        RegisterInput.CompareAndSet set when state.Value == set.Expected => new Content(set.Value),
        _ => state,
    };

    /// <inheritdoc/>
    public string Describe(RegisterInput input, RegisterOutput output, bool isKnown)
    {
        string outcome = !isKnown ? "unknown" : input is RegisterInput.Read ? new Content(output.Value).ToString() : output.Succeeded ? "done" : "not done";
        return input switch
        {
            RegisterInput.Write write => string.Create(CultureInfo.InvariantCulture, $"write {write.Value}{(isKnown ? "" : ": unknown")}"),
            RegisterInput.CompareAndSet set => string.Create(CultureInfo.InvariantCulture, $"set {set.Value} if it is {set.Expected}: {outcome}"),
            _ => $"read: {outcome}",
        };
    }
}
