using System.Globalization;
using System.Text.Json;

namespace Converge.Core;

/// <summary>What is wrong with something a client sent.</summary>
public enum InputFaultCode
{
    /// <summary><c>invalid_json</c>: not one JSON value in UTF-8.</summary>
    InvalidJson = 1,

    /// <summary><c>unknown_field</c>: a field that this kind of object does not have.</summary>
    UnknownField = 2,

    /// <summary><c>duplicate_field</c>: a field that is there twice.</summary>
    DuplicateField = 3,

    /// <summary><c>missing_field</c>: a required field that is not there.</summary>
    MissingField = 4,

    /// <summary><c>invalid_type</c>: a string where an integer belongs, and the like.</summary>
    InvalidType = 5,

    /// <summary><c>invalid_value</c>: of the right type, but not a value that the field can have.</summary>
    InvalidValue = 6,

    /// <summary><c>too_long</c>: a string longer than <see cref="FactLimits"/> allows.</summary>
    TooLong = 7,

    /// <summary><c>too_large</c>: the whole input is larger than <see cref="FactLimits"/> allows.</summary>
    TooLarge = 8,
}

/// <summary>Why an input was not taken. Nothing of it had any effect.</summary>
/// <param name="Code">What kind of fault; <see cref="CodeNames"/> has its stable name.</param>
/// <param name="Message">For a person; names the limit or the values expected.</param>
/// <param name="Field">The field at fault, nested ones as <c>command_id.session</c>; null when it is the input as a whole.</param>
public sealed record InputFault(InputFaultCode Code, string Message, string? Field = null)
{
    /// <summary>What is no JSON: says why, and at which byte, counted from 1; in an input of several lines also at which line.</summary>
    public static InputFault NotJson(JsonException fault)
    {
        // The parser counts from 0 and says so in words of its own.
        int own = fault.Message.IndexOf(" LineNumber:", StringComparison.Ordinal);
        string why = (own < 0 ? fault.Message : fault.Message[..own]).TrimEnd('.');
        string line = fault.LineNumber is > 0 and long number ? string.Create(CultureInfo.InvariantCulture, $"line {number + 1}, ") : "";
        return new(InputFaultCode.InvalidJson, string.Create(CultureInfo.InvariantCulture, $"{why}, at {line}byte {(fault.BytePositionInLine ?? 0) + 1}."));
    }
}
