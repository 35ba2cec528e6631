using System.Globalization;

namespace Converge.Swarm.Tests;

/// <summary>
/// Bytes that are nearly right. For some seconds from a fixed seed, so that every run begins with the same; with
/// <c>CONVERGE_FUZZ_SECONDS</c> for as long as that says, and with <c>CONVERGE_FUZZ_SEED</c> from another seed.
/// </summary>
internal sealed class Fuzz
{
    private const int DefaultSeconds = 2;
    private const int DefaultSeed = 20_260_801;
    private const int MaxChanges = 6;

    private static readonly byte[] Interesting = [0, 1, 0x7F, 0x80, 0xFF, (byte)'\r', (byte)'\n', (byte)' ', (byte)'%', (byte)'"', (byte)'{'];

    private readonly Random _random;

    private Fuzz(int seed) => _random = new Random(seed);

    private static int Seconds => Variable("CONVERGE_FUZZ_SECONDS", DefaultSeconds);

    private static int Seed => Variable("CONVERGE_FUZZ_SEED", DefaultSeed);

    /// <summary>Tries one thing after the other, in several lines at once, until time is up.</summary>
    /// <param name="lines">How many at once.</param>
    /// <param name="attempt">Tries one thing.</param>
    /// <returns>How many were tried.</returns>
    public static async Task<long> RunAsync(int lines, Func<Fuzz, Task> attempt)
    {
        using var over = new CancellationTokenSource(TimeSpan.FromSeconds(Seconds));
        long attempts = 0;
        await Task.WhenAll(Enumerable.Range(0, lines).Select(line => Task.Run(async () =>
        {
            var fuzz = new Fuzz(unchecked(Seed + line));
            while (!over.IsCancellationRequested)
            {
                await attempt(fuzz);
                Interlocked.Increment(ref attempts);
            }
        })));
        return attempts;
    }

    /// <summary>One of several.</summary>
    public T Pick<T>(IReadOnlyList<T> from) => from[_random.Next(from.Count)];

    /// <summary>A number from zero up to but without the bound.</summary>
    public int Number(int bound) => _random.Next(bound);

    /// <summary>The bytes with a few changes: flipped, replaced, taken out, repeated, cut off, mixed with others.</summary>
    public byte[] Mutate(byte[] bytes, IReadOnlyList<byte[]> others)
    {
        List<byte> mutated = [.. bytes];
        for (int left = _random.Next(1, MaxChanges + 1); left > 0; left--)
        {
            Change(mutated, others);
        }

        return [.. mutated];
    }

    private void Change(List<byte> bytes, IReadOnlyList<byte[]> others)
    {
        if (bytes.Count == 0)
        {
            bytes.AddRange(Pick(others));
            return;
        }

        int at = _random.Next(bytes.Count);
        int length = Math.Min(bytes.Count - at, 1 + _random.Next(16));
        switch (_random.Next(9))
        {
            case 0:
                bytes[at] ^= (byte)(1 << _random.Next(8));
                break;
            case 1:
                bytes[at] = Pick(Interesting);
                break;
            case 2:
                bytes[at] = (byte)_random.Next(256);
                break;
            case 3:
                bytes.RemoveRange(at, length);
                break;
            case 4:
                bytes.InsertRange(at, bytes.GetRange(at, length));
                break;
            case 5:
                bytes.InsertRange(at, Enumerable.Repeat(Pick(Interesting), 1 + _random.Next(64)));
                break;
            case 6:
                bytes.RemoveRange(at, bytes.Count - at);
                break;
            case 7:
                byte[] other = Pick(others);
                int from = _random.Next(other.Length);
                bytes.InsertRange(at, other.Skip(from).Take(1 + _random.Next(other.Length - from)));
                break;
            default:
                bytes[at] = unchecked((byte)(bytes[at] + _random.Next(-2, 3)));
                break;
        }
    }

    private static int Variable(string name, int otherwise) =>
        int.TryParse(Environment.GetEnvironmentVariable(name), NumberStyles.Integer, CultureInfo.InvariantCulture, out int value) ? value : otherwise;
}
