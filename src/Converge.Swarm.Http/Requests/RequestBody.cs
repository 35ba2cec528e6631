using System.Buffers;
using System.IO.Pipelines;

namespace Converge.Swarm.Http.Requests;

/// <summary>A whole body, which the server bounds.</summary>
internal static class RequestBody
{
    /// <summary>Reads to the end.</summary>
    public static async Task<byte[]> ReadAsync(PipeReader body, CancellationToken cancellationToken)
    {
        while (true)
        {
            ReadResult read = await body.ReadAsync(cancellationToken);
            if (read.IsCompleted)
            {
                byte[] bytes = read.Buffer.ToArray();
                body.AdvanceTo(read.Buffer.End);
                return bytes;
            }

            body.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        }
    }
}
