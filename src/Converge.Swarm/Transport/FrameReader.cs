using System.Buffers;
using System.IO.Pipelines;

namespace Converge.Swarm.Transport;

/// <summary>Takes frames off a connection, one after the other, holding no more than one of them and what came along with it.</summary>
internal sealed class FrameReader(PipeReader reader)
{
    private ReadOnlySequence<byte> _rest;
    private bool _holds;
    private bool _ended;

    /// <summary>The next frame, or null when the other side has ended. Its body is good until the next call.</summary>
    /// <param name="maxBodyBytes">A greater body is refused before it is read.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="FrameException">What came can never become a frame.</exception>
    /// <exception cref="IOException">The connection broke.</exception>
    public async ValueTask<Frame?> ReadAsync(int maxBodyBytes, CancellationToken cancellationToken)
    {
        while (true)
        {
            if (_holds && Frame.TryRead(ref _rest, maxBodyBytes, out Frame frame))
            {
                return frame;
            }

            if (_holds)
            {
                reader.AdvanceTo(_rest.Start, _rest.End);
                _holds = false;
            }

            if (_ended)
            {
                return null;
            }

            ReadResult result = await reader.ReadAsync(cancellationToken);
            (_rest, _holds, _ended) = (result.Buffer, true, result.IsCompleted);
        }
    }
}
