using System.Buffers;
using System.IO.Pipelines;

namespace Converge.Swarm.Http.Facts;

/// <summary>Cuts a stream of bytes into lines, holding no more than one chunk of them at a time.</summary>
/// <param name="reader">Where the bytes come from.</param>
/// <param name="maxLineBytes">Longer lines are stepped over and marked.</param>
internal sealed class JsonLineReader(PipeReader reader, int maxLineBytes)
{
    private const byte LineEnd = (byte)'\n';
    private const byte CarriageReturn = (byte)'\r';

    private long _lines;
    private bool _stepping;
    private bool _ended;

    /// <summary>How many lines were handed out; one whose end has not come is not among them.</summary>
    public long Lines => _lines;

    /// <summary>
    /// Reads what has arrived: waits for one line, then takes every whole line that is there, up to the bounds.
    /// </summary>
    /// <returns>The lines in order; none at the end.</returns>
    public async ValueTask<IReadOnlyList<JsonLine>> ReadChunkAsync(int maxLines, int maxBytes, CancellationToken cancellationToken)
    {
        List<JsonLine> chunk = [];
        while (chunk.Count == 0 && !_ended)
        {
            ReadResult result = await reader.ReadAsync(cancellationToken);
            ReadOnlySequence<byte> rest = result.Buffer;
            int bytes = 0;
            while (chunk.Count < maxLines && bytes < maxBytes && TryCut(ref rest, out JsonLine line))
            {
                chunk.Add(line);
                bytes += line.Bytes.Length;
            }

            bool bounded = chunk.Count >= maxLines || bytes >= maxBytes;
            if (!bounded)
            {
                rest = KeepPart(rest, chunk, result.IsCompleted);
                _ended = result.IsCompleted;
            }

            // What is kept back because of the bounds is not examined: the next read must return it at once.
            reader.AdvanceTo(rest.Start, bounded ? rest.Start : rest.End);
        }

        return chunk;
    }

    private bool TryCut(ref ReadOnlySequence<byte> rest, out JsonLine line)
    {
        if (rest.PositionOf(LineEnd) is not { } end)
        {
            line = default;
            return false;
        }

        line = Next(rest.Slice(0, end));
        rest = rest.Slice(rest.GetPosition(1, end));
        return true;
    }

    /// <summary>Deals with a line whose end has not arrived.</summary>
    private ReadOnlySequence<byte> KeepPart(ReadOnlySequence<byte> rest, List<JsonLine> chunk, bool last)
    {
        if (last)
        {
            if (!rest.IsEmpty || _stepping)
            {
                chunk.Add(Next(rest));
            }

            return rest.Slice(rest.End);
        }

        // One byte more than allowed, for a carriage return that may be the line's last.
        if (_stepping || rest.Length > maxLineBytes + 1L)
        {
            _stepping = true;
            return rest.Slice(rest.End);
        }

        return rest;
    }

    private JsonLine Next(ReadOnlySequence<byte> bytes)
    {
        _lines++;
        bool stepped = _stepping;
        _stepping = false;
        if (stepped || bytes.Length > maxLineBytes + 1L)
        {
            return new JsonLine(_lines, default, TooLong: true);
        }

        byte[] line = bytes.ToArray();
        int length = line.Length > 0 && line[^1] == CarriageReturn ? line.Length - 1 : line.Length;
        return length > maxLineBytes
            ? new JsonLine(_lines, default, TooLong: true)
            : new JsonLine(_lines, line.AsMemory(0, length), TooLong: false);
    }
}
