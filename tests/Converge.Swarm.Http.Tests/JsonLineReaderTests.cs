using System.IO.Pipelines;
using System.Text;
using Converge.Swarm.Http.Facts;
using FsCheck;
using FsCheck.Fluent;

namespace Converge.Swarm.Http.Tests;

public sealed class JsonLineReaderTests
{
    private const int MaxLine = 8;

    [Fact]
    public void However_the_bytes_arrive_the_lines_are_the_same()
    {
        Gen<string> text = Gen.ArrayOf(Gen.Elements('a', 'b', '\n', '\r')).Select(characters => new string(characters));
        Gen<(string, int, int, int)> cases = Gen.Zip(text, Gen.Choose(1, 7)).SelectMany(
            pair => Gen.Zip(Gen.Choose(1, 5), Gen.Choose(1, 20)), (pair, bounds) => (pair.Item1, pair.Item2, bounds.Item1, bounds.Item2));

        Check.One(
            Config.QuickThrowOnFailure.WithMaxTest(2_000),
            Prop.ForAll(cases.ToArbitrary(), sample =>
            {
                (string input, int packet, int maxLines, int maxBytes) = sample;
                Assert.Equal(Expected(input), ReadAsync(input, packet, maxLines, maxBytes).GetAwaiter().GetResult());
            }));
    }

    [Fact]
    public async Task A_line_of_the_greatest_length_is_whole_with_either_line_end()
    {
        string whole = new('x', MaxLine);

        Assert.Equal([whole, whole, "<too long>", whole], await ReadAsync($"{whole}\n{whole}\r\n{whole}y\n{whole}", 100, 10, 100));
    }

    private static string[] Expected(string input)
    {
        if (input.Length == 0)
        {
            return [];
        }

        string[] lines = input.Split('\n');
        return [.. (input.EndsWith('\n') ? lines[..^1] : lines).Select(line => line.EndsWith('\r') ? line[..^1] : line)
            .Select(line => line.Length > MaxLine ? "<too long>" : line)];
    }

    private static async Task<string[]> ReadAsync(string input, int packet, int maxLines, int maxBytes)
    {
        Pipe pipe = new();
        Task writing = WriteAsync(pipe.Writer, input, packet);
        JsonLineReader reader = new(pipe.Reader, MaxLine);
        List<string> lines = [];
        while (await reader.ReadChunkAsync(maxLines, maxBytes, CancellationToken.None) is { Count: > 0 } chunk)
        {
            Assert.InRange(chunk.Count, 1, maxLines);
            lines.AddRange(chunk.Select(line => line.TooLong ? "<too long>" : Encoding.UTF8.GetString(line.Bytes.Span)));
            Assert.Equal(lines.Count, chunk[^1].Number);
        }

        await writing;
        return [.. lines];
    }

    private static async Task WriteAsync(PipeWriter writer, string input, int packet)
    {
        foreach (byte[] part in Encoding.UTF8.GetBytes(input).Chunk(packet))
        {
            await writer.WriteAsync(part);
            await Task.Yield();
        }

        await writer.CompleteAsync();
    }
}
