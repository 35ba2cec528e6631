using System.IO.Compression;
using System.IO.Pipelines;
using System.Security.Cryptography;
using Converge.Core;
using Converge.Core.Json;
using Converge.Swarm.Http.Facts;

namespace Converge.Swarm.Cli.Import;

/// <summary>
/// A file of facts, JSON Lines, plain or gzipped; of a file of ledger records, those that are facts. Read twice: once for the hash of its
/// content, which names the import's session, and once for its lines. Equal content makes equal command ids, so that a second import of it
/// changes nothing.
/// </summary>
internal sealed class ImportSource : IDisposable
{
    private const int ChunkLines = 256;
    private const int ChunkBytes = 256 * 1024;

    private readonly FileStream _file;
    private readonly bool _compressed;

    private ImportSource(string name, FileStream file, bool compressed, string session, long lines)
    {
        Name = name;
        _file = file;
        _compressed = compressed;
        Session = session;
        Lines = lines;
    }

    /// <summary>What to call it.</summary>
    public string Name { get; }

    /// <summary>The session of lines that bring no command id of their own.</summary>
    public string Session { get; }

    /// <summary>How many lines there are, empty ones included.</summary>
    public long Lines { get; }

    /// <summary>Opens a file; <c>-</c> is the standard input, which is kept in a temporary file meanwhile.</summary>
    /// <exception cref="CommandFault">It cannot be read.</exception>
    public static async Task<ImportSource> OpenAsync(string path, CancellationToken cancellationToken)
    {
        FileStream? file = null;
        try
        {
            file = path is "-" ? await KeepInputAsync(cancellationToken) : new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read);
            bool compressed = IsCompressed(file);
            await using GZipStream? unzipped = Unzip(file, compressed);
            (string hash, long lines) = await SurveyAsync(unzipped ?? (Stream)file, cancellationToken);
            return new ImportSource(path, file, compressed, $"import-{hash}", lines);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException or InvalidDataException)
        {
            file?.Dispose();
            throw new CommandFault(ExitCode.Usage, $"{path} cannot be read: {fault.Message}");
        }
        catch
        {
            // A temporary file is gone only when it is closed.
            file?.Dispose();
            throw;
        }
    }

    /// <summary>Reads the facts in order; hands on what is none. Empty lines are stepped over.</summary>
    /// <exception cref="CommandFault">The file cannot be read to its end.</exception>
    public async Task ReadAsync(Func<ImportLine, ValueTask> fact, Action<ImportFailure> failure, CancellationToken cancellationToken)
    {
        await using GZipStream? unzipped = Unzip(_file, _compressed);
        PipeReader content = PipeReader.Create(unzipped ?? (Stream)_file, new StreamPipeReaderOptions(leaveOpen: true));
        JsonLineReader lines = new(content, FactLimits.MaxFactBytes);
        while (true)
        {
            IReadOnlyList<JsonLine> chunk;
            try
            {
                chunk = await lines.ReadChunkAsync(ChunkLines, ChunkBytes, cancellationToken);
            }
            catch (Exception fault) when (fault is IOException or InvalidDataException)
            {
                throw new CommandFault(ExitCode.Failed, $"{Name} cannot be read beyond line {lines.Lines}: {fault.Message}");
            }

            if (chunk.Count == 0)
            {
                return;
            }

            foreach (JsonLine line in chunk)
            {
                if (line.TooLong)
                {
                    failure(new ImportFailure(line.Number, InputFaultCode.TooLarge.Name(), $"A fact may have at most {FactLimits.MaxFactBytes} bytes."));
                }
                else if (line.Bytes.Span.ContainsAnyExcept(" \t\r"u8))
                {
                    await ReadLineAsync(line, fact, failure);
                }
            }
        }
    }

    public void Dispose() => _file.Dispose();

    private async ValueTask ReadLineAsync(JsonLine line, Func<ImportLine, ValueTask> fact, Action<ImportFailure> failure)
    {
        if (!FactJson.TryParse(line.Bytes.Span, out FactSubmission? submission, out InputFault? fault))
        {
            if (!LedgerRecordJson.TryParse(line.Bytes.Span, out LedgerRecord? record, out _))
            {
                failure(new ImportFailure(line.Number, fault.Code.Name(), fault.Message));
                return;
            }

            submission = record.Submission;
            if (submission is null)
            {
                // Whose term began elsewhere is no fact of this swarm.
                return;
            }
        }

        bool owns = submission.CommandId is null;
        await fact(new ImportLine(
            line.Number,
            owns ? submission with { CommandId = new CommandId(Session, (ulong)line.Number) } : submission,
            owns));
    }

    private static async Task<FileStream> KeepInputAsync(CancellationToken cancellationToken)
    {
        FileStream kept = new(
            Path.GetTempFileName(),
            new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.ReadWrite, Options = FileOptions.DeleteOnClose });
        try
        {
            // Nothing ends a read of the standard input but its sender.
            Stream input = Console.OpenStandardInput();
            await input.CopyToAsync(kept, cancellationToken).WaitAsync(cancellationToken);
            return kept;
        }
        catch
        {
            await kept.DisposeAsync();
            throw;
        }
    }

    private static bool IsCompressed(FileStream file)
    {
        Span<byte> start = stackalloc byte[2];
        file.Position = 0;
        return file.ReadAtLeast(start, start.Length, throwOnEndOfStream: false) == start.Length && start[0] == 0x1F && start[1] == 0x8B;
    }

    /// <summary>Goes back to the start of the file; unzips it if need be.</summary>
    private static GZipStream? Unzip(FileStream file, bool compressed)
    {
        file.Position = 0;
        return compressed ? new GZipStream(file, CompressionMode.Decompress, leaveOpen: true) : null;
    }

    private static async Task<(string Hash, long Lines)> SurveyAsync(Stream content, CancellationToken cancellationToken)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        byte[] buffer = new byte[ChunkBytes];
        long lines = 0;
        byte last = (byte)'\n';
        while (await content.ReadAsync(buffer, cancellationToken) is > 0 and int read)
        {
            hash.AppendData(buffer.AsSpan(0, read));
            lines += buffer.AsSpan(0, read).Count((byte)'\n');
            last = buffer[read - 1];
        }

        return (Convert.ToHexStringLower(hash.GetHashAndReset()), last == '\n' ? lines : lines + 1);
    }
}
