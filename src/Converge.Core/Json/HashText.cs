using System.Buffers;

namespace Converge.Core.Json;

/// <summary>SHA-256 as it stands in documents: 64 lower-case hexadecimal digits.</summary>
internal static class HashText
{
    private const int Length = 64;

    private static readonly SearchValues<char> Digits = SearchValues.Create("0123456789abcdef");

    public static bool IsHash(string text) => text.Length == Length && !text.AsSpan().ContainsAnyExcept(Digits);

    public static bool TryRead(ref JsonFields json, string field, out string? hash)
    {
        hash = null;
        if (!json.TryReadString(field, out string text))
        {
            return false;
        }

        if (!IsHash(text))
        {
            return json.Fail(InputFaultCode.InvalidValue, $"{field} must be 64 lower-case hexadecimal digits.", field);
        }

        hash = text;
        return true;
    }
}
