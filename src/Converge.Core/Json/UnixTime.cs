using System.Buffers;
using System.Buffers.Text;
using System.Globalization;

namespace Converge.Core.Json;

/// <summary>Unix milliseconds in the form that JSON documents carry them: seconds with exactly three decimals.</summary>
internal static class UnixTime
{
    public const int MaxLength = 24;

    public static int Format(long unixMilliseconds, Span<byte> destination)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(unixMilliseconds);
        (long seconds, long milliseconds) = Math.DivRem(unixMilliseconds, 1000);
        Utf8Formatter.TryFormat(seconds, destination, out int length);
        destination[length++] = (byte)'.';
        Utf8Formatter.TryFormat(milliseconds, destination[length..], out int decimals, new StandardFormat('D', 3));
        return length + decimals;
    }

    public static bool TryParse(ReadOnlySpan<byte> text, out long unixMilliseconds)
    {
        unixMilliseconds = 0;
        int point = text.IndexOf((byte)'.');
        if (point <= 0 || text.Length - point != 4)
        {
            return false;
        }

        if (!long.TryParse(text[..point], NumberStyles.None, CultureInfo.InvariantCulture, out long seconds)
            || !long.TryParse(text[(point + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out long milliseconds)
            || seconds > (long.MaxValue - milliseconds) / 1000)
        {
            return false;
        }

        unixMilliseconds = (seconds * 1000) + milliseconds;
        return true;
    }
}
