using System.Diagnostics.CodeAnalysis;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;

namespace Converge.Core.Json;

/// <summary>
/// Reads one JSON object field by field, forward only and without a document tree. The first thing that is wrong ends the reading:
/// every method then returns false and <see cref="Fault"/> says what it was.
/// </summary>
internal ref struct JsonFields
{
    private const int MaxQuotedNameLength = 64;

    private readonly ReadOnlySpan<byte> _input;
    private Utf8JsonReader _reader;
    private string _prefix = "";

    public JsonFields(ReadOnlySpan<byte> utf8)
    {
        _input = utf8;
        _reader = new Utf8JsonReader(utf8);
        if (!Utf8.IsValid(utf8))
        {
            Fault = new InputFault(InputFaultCode.InvalidJson, "The input is not valid UTF-8.");
        }
    }

    public InputFault? Fault { get; private set; }

    /// <summary>Takes the opening brace of the whole input.</summary>
    public bool TryBegin()
    {
        if (!TryAdvance())
        {
            return false;
        }

        return _reader.TokenType == JsonTokenType.StartObject || Fail(InputFaultCode.InvalidType, "The input must be a JSON object.", null);
    }

    /// <summary>Takes the next field's name; false at the object's end.</summary>
    public bool TryNextName(out ReadOnlySpan<byte> name)
    {
        name = default;
        if (!TryAdvance() || _reader.TokenType == JsonTokenType.EndObject)
        {
            return false;
        }

        if (!_reader.ValueIsEscaped)
        {
            name = _reader.ValueSpan;
            return true;
        }

        if (!TryUnescape("", out string? unescaped))
        {
            return false;
        }

        name = Encoding.UTF8.GetBytes(unescaped);
        return true;
    }

    /// <summary>Takes the end of the input: nothing but white space may follow the object.</summary>
    public bool TryEnd()
    {
        if (Fault is not null)
        {
            return false;
        }

        try
        {
            return !_reader.Read() || Fail(InputFaultCode.InvalidJson, "Something follows the JSON object.", null);
        }
        catch (JsonException fault)
        {
            return FailNotJson(fault);
        }
    }

    /// <summary>Takes a nested object's opening brace; until <see cref="Leave"/>, faults name its fields as <c>field.inner</c>.</summary>
    public bool TryEnter(string field, out bool isNull)
    {
        isNull = false;
        if (!TryAdvance())
        {
            return false;
        }

        if (_reader.TokenType == JsonTokenType.Null)
        {
            isNull = true;
            return true;
        }

        if (_reader.TokenType != JsonTokenType.StartObject)
        {
            return Fail(InputFaultCode.InvalidType, $"{_prefix}{field} must be an object.", field);
        }

        _prefix = string.Concat(_prefix, field, ".");
        return true;
    }

    /// <summary>Ends what the last <see cref="TryEnter"/> began.</summary>
    public void Leave(string field) => _prefix = _prefix[..^(field.Length + 1)];

    /// <summary>Takes an array's opening bracket.</summary>
    public bool TryEnterArray(string field) => TryAdvance()
        && (_reader.TokenType == JsonTokenType.StartArray || Fail(InputFaultCode.InvalidType, $"{_prefix}{field} must be an array.", field));

    /// <summary>Takes the opening brace of an array's next element; false at the array's end.</summary>
    public bool TryNextElement(string field)
    {
        if (!TryAdvance() || _reader.TokenType == JsonTokenType.EndArray)
        {
            return false;
        }

        return _reader.TokenType == JsonTokenType.StartObject
            || Fail(InputFaultCode.InvalidType, $"{_prefix}{field} must be an array of objects.", field);
    }

    /// <summary>Takes an array's next element, which is a string; false at the array's end.</summary>
    public bool TryNextString(string field, [NotNullWhen(true)] out string? value)
    {
        value = null;
        if (!TryAdvance() || _reader.TokenType == JsonTokenType.EndArray)
        {
            return false;
        }

        return _reader.TokenType == JsonTokenType.String
            ? TryUnescape(field, out value)
            : Fail(InputFaultCode.InvalidType, $"{_prefix}{field} must be an array of strings.", field);
    }

    /// <summary>Takes an array's next element, which is an integer; false at the array's end.</summary>
    public bool TryNextUInt64(string field, out ulong value)
    {
        value = 0;
        if (!TryAdvance() || _reader.TokenType == JsonTokenType.EndArray)
        {
            return false;
        }

        return (_reader.TokenType == JsonTokenType.Number && IsInteger(_reader.ValueSpan) && _reader.TryGetUInt64(out value))
            || Fail(InputFaultCode.InvalidType, $"{_prefix}{field} must be an array of integers.", field);
    }

    public bool TryReadString(string field, out string value)
    {
        value = "";
        if (!TryReadOptionalString(field, out string? read))
        {
            return false;
        }

        value = read ?? "";
        return read is not null || Fail(InputFaultCode.InvalidType, $"{_prefix}{field} must be a string, not null.", field);
    }

    /// <summary>A string, or null for JSON's null.</summary>
    public bool TryReadOptionalString(string field, out string? value)
    {
        value = null;
        if (!TryAdvance())
        {
            return false;
        }

        return _reader.TokenType switch
        {
            JsonTokenType.Null => true,
            JsonTokenType.String => TryUnescape(field, out value),
            _ => Fail(InputFaultCode.InvalidType, $"{_prefix}{field} must be a string.", field),
        };
    }

    public bool TryReadUInt64(string field, out ulong value)
    {
        value = 0;
        if (!TryReadOptionalUInt64(field, out ulong? read))
        {
            return false;
        }

        value = read.GetValueOrDefault();
        return read is not null || Fail(InputFaultCode.InvalidType, $"{_prefix}{field} must be an integer, not null.", field);
    }

    /// <summary>As <see cref="TryReadUInt64"/>, for who tells by null that the field is not there.</summary>
    public bool TryReadRequiredUInt64(string field, out ulong? value)
    {
        bool read = TryReadUInt64(field, out ulong number);
        value = read ? number : null;
        return read;
    }

    /// <summary>An integer from 0 to 2^64 - 1, or null for JSON's null.</summary>
    public bool TryReadOptionalUInt64(string field, out ulong? value)
    {
        value = null;
        if (!TryAdvance())
        {
            return false;
        }

        if (_reader.TokenType == JsonTokenType.Null)
        {
            return true;
        }

        if (_reader.TokenType != JsonTokenType.Number || !IsInteger(_reader.ValueSpan))
        {
            return Fail(InputFaultCode.InvalidType, $"{_prefix}{field} must be an integer.", field);
        }

        if (!_reader.TryGetUInt64(out ulong number))
        {
            return Fail(InputFaultCode.InvalidValue, $"{_prefix}{field} is out of range.", field);
        }

        value = number;
        return true;
    }

    public bool TryReadBoolean(string field, out bool value)
    {
        value = false;
        if (!TryAdvance())
        {
            return false;
        }

        value = _reader.TokenType == JsonTokenType.True;
        return value
            || _reader.TokenType == JsonTokenType.False
            || Fail(InputFaultCode.InvalidType, $"{_prefix}{field} must be true or false.", field);
    }

    /// <summary>Unix seconds with exactly three decimals, as milliseconds.</summary>
    public bool TryReadUnixTime(string field, out long unixMilliseconds)
    {
        unixMilliseconds = 0;
        if (!TryAdvance())
        {
            return false;
        }

        return (_reader.TokenType == JsonTokenType.Number && UnixTime.TryParse(_reader.ValueSpan, out unixMilliseconds))
            || Fail(InputFaultCode.InvalidType, $"{_prefix}{field} must be Unix seconds with exactly three decimals.", field);
    }

    /// <summary>Steps over a value of any type.</summary>
    public bool TrySkip()
    {
        if (Fault is not null)
        {
            return false;
        }

        try
        {
            _reader.Skip();
            return true;
        }
        catch (JsonException fault)
        {
            return FailNotJson(fault);
        }
    }

    /// <summary>Takes a value of any type as the bytes that it is written in.</summary>
    public bool TryReadRaw(out ReadOnlySpan<byte> raw)
    {
        raw = default;
        if (!TryAdvance())
        {
            return false;
        }

        int start = (int)_reader.TokenStartIndex;
        if (!TrySkip())
        {
            return false;
        }

        raw = _input[start..(int)_reader.BytesConsumed];
        return true;
    }

    /// <summary>Records a fault that was found in the bytes of a field's value; always false.</summary>
    public bool FailInside(string field, InputFault fault) =>
        Fail(fault.Code, fault.Message, fault.Field is null ? field : $"{field}.{fault.Field}");

    /// <summary>Records the fault unless there is one; always false.</summary>
    public bool Fail(InputFaultCode code, string message, string? field)
    {
        Fault ??= new InputFault(code, message, field is null ? null : _prefix + field);
        return false;
    }

    public bool FailUnknown(ReadOnlySpan<byte> name)
    {
        string field = Quote(name);
        return Fail(InputFaultCode.UnknownField, $"There is no field {_prefix}{field} here.", field);
    }

    public bool FailDuplicate(ReadOnlySpan<byte> name)
    {
        string field = Quote(name);
        return Fail(InputFaultCode.DuplicateField, $"{_prefix}{field} is there twice.", field);
    }

    public bool FailMissing(string field) => Fail(InputFaultCode.MissingField, $"{_prefix}{field} is required.", field);

    private static string Quote(ReadOnlySpan<byte> name)
    {
        string text = Encoding.UTF8.GetString(name);
        return text.Length <= MaxQuotedNameLength ? text : string.Concat(text.AsSpan(0, MaxQuotedNameLength), "…");
    }

    private static bool IsInteger(ReadOnlySpan<byte> number) => number.IndexOfAny((byte)'.', (byte)'e', (byte)'E') < 0;

    private bool FailNotJson(JsonException fault)
    {
        Fault ??= InputFault.NotJson(fault);
        return false;
    }

    private bool TryAdvance()
    {
        if (Fault is not null)
        {
            return false;
        }

        try
        {
            return _reader.Read() || Fail(InputFaultCode.InvalidJson, "The input ends too early.", null);
        }
        catch (JsonException fault)
        {
            return FailNotJson(fault);
        }
    }

    private bool TryUnescape(string field, [NotNullWhen(true)] out string? value)
    {
        try
        {
            value = _reader.GetString()!;
            return true;
        }
        catch (InvalidOperationException)
        {
            // The only way to get here: the input is UTF-8, so an escape such as \ud800 stands alone.
            value = null;
            return Fail(InputFaultCode.InvalidValue, $"{_prefix}{field} contains half of a surrogate pair.", field);
        }
    }
}
