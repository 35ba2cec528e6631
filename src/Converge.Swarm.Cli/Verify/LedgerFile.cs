using System.Globalization;
using System.IO.Pipelines;
using Converge.Core;
using Converge.Core.Json;
using Converge.Swarm.Http.Facts;
using Converge.Swarm.Ledger;

namespace Converge.Swarm.Cli.Verify;

/// <summary>A ledger as a file of JSON Lines, as <c>converge export</c> writes it.</summary>
internal static class LedgerFile
{
    private const int ChunkLines = 256;
    private const int ChunkBytes = 256 * 1024;

    /// <summary>Verifies it. A line that is no record ends the verification: what follows cannot be told from it.</summary>
    /// <exception cref="CommandFault">It cannot be read.</exception>
    public static async Task<LedgerVerification> VerifyAsync(FileInfo file, LedgerHead? saved, CancellationToken cancellationToken)
    {
        try
        {
            await using FileStream content = new(file.FullName, FileMode.Open, FileAccess.Read, FileShare.Read);
            return await VerifyAsync(content, saved, cancellationToken);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw new CommandFault(ExitCode.Usage, $"{file} cannot be read: {fault.Message}");
        }
    }

    private static async Task<LedgerVerification> VerifyAsync(FileStream content, LedgerHead? saved, CancellationToken cancellationToken)
    {
        JsonLineReader lines = new(PipeReader.Create(content), FactLimits.MaxFactBytes);
        LedgerVerifier? verifier = null;
        while (await lines.ReadChunkAsync(ChunkLines, ChunkBytes, cancellationToken) is { Count: > 0 } chunk)
        {
            foreach (JsonLine line in chunk)
            {
                if (Parse(line, out LedgerRecord? record) is { } problem)
                {
                    LedgerVerification soFar = (verifier ?? new LedgerVerifier(saved)).Finish();
                    return soFar with { Problems = [.. soFar.Problems, problem] };
                }

                verifier ??= LedgerVerifier.From(record!.Sequence, saved);
                verifier.Add(record!);
            }
        }

        return (verifier ?? new LedgerVerifier(saved)).Finish();
    }

    private static string? Parse(JsonLine line, out LedgerRecord? record)
    {
        record = null;
        if (line.TooLong)
        {
            return string.Create(CultureInfo.InvariantCulture, $"Line {line.Number} is longer than any record.");
        }

        return LedgerRecordJson.TryParse(line.Bytes.Span, out record, out InputFault? fault)
            ? null
            : string.Create(CultureInfo.InvariantCulture, $"Line {line.Number} is not a record: {fault.Message}");
    }
}
