using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;

namespace Converge.Raft;

/// <summary>
/// What must hold, checked in production too. A failed check means that the state in memory can no longer be trusted:
/// the node must stop and be started again from what is durable.
/// </summary>
public static class Invariant
{
    /// <summary>Throws when <paramref name="condition"/> does not hold. The message is only built when it fails.</summary>
    /// <param name="condition">What must hold.</param>
    /// <param name="message">What does not hold, with the values that show it.</param>
    /// <exception cref="InvariantViolationException">The condition does not hold.</exception>
    public static void Check(
        [DoesNotReturnIf(false)] bool condition,
        [InterpolatedStringHandlerArgument(nameof(condition))] ref InvariantMessage message)
    {
        if (!condition)
        {
            Fail(message.ToText());
        }
    }

    /// <summary>Throws when <paramref name="condition"/> does not hold.</summary>
    /// <param name="condition">What must hold.</param>
    /// <param name="message">What does not hold.</param>
    /// <exception cref="InvariantViolationException">The condition does not hold.</exception>
    public static void Check([DoesNotReturnIf(false)] bool condition, string message)
    {
        if (!condition)
        {
            Fail(message);
        }
    }

    [DoesNotReturn]
    private static void Fail(string message) => throw new InvariantViolationException(message);
}

/// <summary>Builds the text of a condition that failed, as in <see cref="Invariant.Check(bool, ref InvariantMessage)"/>; does nothing while it holds.</summary>
[InterpolatedStringHandler]
public ref struct InvariantMessage
{
    private readonly StringBuilder? _text;

    /// <summary>Called by the compiler.</summary>
    public InvariantMessage(int literalLength, int formattedCount, bool condition, out bool enabled)
    {
        enabled = !condition;
        _text = condition ? null : new StringBuilder(literalLength + (formattedCount * 8));
    }

    /// <summary>Called by the compiler.</summary>
    public readonly void AppendLiteral(string value) => _text?.Append(value);

    /// <summary>Called by the compiler.</summary>
    public readonly void AppendFormatted<T>(T value) => _text?.Append(CultureInfo.InvariantCulture, $"{value}");

    /// <summary>The text; empty when the condition holds.</summary>
    public readonly string ToText() => _text?.ToString() ?? string.Empty;
}

/// <summary>Something that must always hold does not. The state in memory is not to be trusted any more.</summary>
/// <param name="message">What does not hold, with the values that show it.</param>
public sealed class InvariantViolationException(string message) : Exception(message);
