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
        Frame frame;
        while (!TryRead(maxBodyBytes, out frame))
        {
            if (!await ReceiveAsync(cancellationToken))
            {
                return null;
            }
        }

        return frame;
    }

    /// <summary>The next frame, when all of it has been received. Its body is good until the next call of any method here.</summary>
    /// <exception cref="FrameException">What came can never become a frame.</exception>
    public bool TryRead(int maxBodyBytes, out Frame frame)
    {
        frame = default;
        return _holds && Frame.TryRead(ref _rest, maxBodyBytes, out frame);
    }

    /// <summary>Waits for more than <see cref="TryRead"/> found. False when the other side has ended.</summary>
    /// <exception cref="IOException">The connection broke.</exception>
    public async ValueTask<bool> ReceiveAsync(CancellationToken cancellationToken)
    {
        if (_holds)
        {
            reader.AdvanceTo(_rest.Start, _rest.End);
            _holds = false;
        }

        if (_ended)
        {
            return false;
        }

        ReadResult result = await reader.ReadAsync(cancellationToken);
        (_rest, _holds, _ended) = (result.Buffer, true, result.IsCompleted);
        return true;
    }
}
