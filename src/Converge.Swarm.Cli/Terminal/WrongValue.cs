using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;

namespace Converge.Swarm.Cli.Terminal;

/// <summary>Says in a person's words what a value on the command line should have been; the parser would name the program's own types.</summary>
internal static class WrongValue
{
    /// <summary>About the first value that is not of the kind that is wanted; null when there is none.</summary>
    public static string? Explain(ParseResult parsed)
    {
        foreach (SymbolResult result in parsed.CommandResult.Children)
        {
            (string name, Type type) = result switch
            {
                OptionResult option => (option.Option.Name, option.Option.ValueType),
                ArgumentResult argument => (argument.Argument.HelpName ?? argument.Argument.Name, argument.Argument.ValueType),
                _ => ("", typeof(string)),
            };
            foreach (Token token in result.Tokens)
            {
                if (Wanted(Nullable.GetUnderlyingType(type) ?? type.GetElementType() ?? type, token.Value) is { } wanted)
                {
                    return $"{name} is {wanted}, not '{token.Value}'.";
                }
            }
        }

        return null;
    }

    /// <summary>The kind of value that is wanted, when this is not one of it.</summary>
    private static string? Wanted(Type type, string value)
    {
        CultureInfo culture = CultureInfo.InvariantCulture;
        return type switch
        {
            _ when type == typeof(ulong) => ulong.TryParse(value, culture, out _) ? null : "a whole number, 0 or more",
            _ when type == typeof(long) => long.TryParse(value, culture, out _) ? null : "a whole number",
            _ when type == typeof(int) => int.TryParse(value, culture, out _) ? null : $"a whole number up to {int.MaxValue}",
            _ when type == typeof(double) => double.TryParse(value, culture, out _) ? null : "a number",
            { IsEnum: true } => Enum.TryParse(type, value, ignoreCase: true, out _) ? null : $"one of {string.Join(", ", Enum.GetNames(type))}",
            _ => null,
        };
    }
}
