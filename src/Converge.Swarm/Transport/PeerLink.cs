using System.Buffers;
using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;
using System.Threading.Channels;
using Converge.Core;
using Converge.Swarm.Actors;
using Converge.Swarm.Hosting;
using Converge.Swarm.Transport.Wire;
using Google.Protobuf;

namespace Converge.Swarm.Transport;

internal sealed partial class PeerTransport
{
    /// <summary>The way to one member: dials until it answers, sends what is queued, control before bulk.</summary>
    private sealed class PeerLink(PeerTransport owner, NodeId peer, IPEndPoint address)
    {
        /// <summary>Control messages are small; the protocol repeats what is dropped.</summary>
        private const int ControlCapacity = 4096;

        /// <summary>Appends are bounded in bytes by the protocol's own flow control, forwarded commands by the pending limit.</summary>
        private const int BulkCapacity = 1024;

        /// <summary>A buffer is handed to the socket when it has grown to this.</summary>
        private const int FlushBytes = 256 * 1024;

        private static readonly TimeSpan DialTimeout = TimeSpan.FromSeconds(2);
        private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(20);
        private static readonly TimeSpan LongestPause = TimeSpan.FromMilliseconds(500);

        private readonly Channel<PeerMessage> _control = NewQueue(ControlCapacity);
        private readonly Channel<PeerMessage> _bulk = NewQueue(BulkCapacity);
        private string _lastRefusal = "";
        private volatile Sender? _sender;
        private volatile bool _retired;

        /// <summary>
        /// How long what is sent may stay unacknowledged before another connection is tried: no shorter than the protocol waits for a member
        /// that says nothing, and long enough for a network that loses some of it.
        /// </summary>
        public static TimeSpan TimeoutOf(SwarmOptions options)
        {
            TimeSpan election = options.Tick * options.ElectionTicks;
            return election > DialTimeout ? election : DialTimeout;
        }

        public NodeId Peer => peer;

        public IPEndPoint Address => address;

        public bool Connected => _sender is not null;

        /// <summary>It is not dialled any more.</summary>
        public bool IsRetired => _retired;

        public void Send(PeerMessage message)
        {
            if (_sender is { } sender && (message.IsControl ? _control : _bulk).Writer.TryWrite(message))
            {
                sender.Wake();
            }
        }

        /// <summary>Nobody is there for this node any more: what is queued is sent, and then the way is closed.</summary>
        public void Retire()
        {
            _retired = true;
            _sender?.Wake();
        }

        public async Task RunAsync(CancellationToken stop)
        {
            TimeSpan pause = FirstPause;
            string lastReason = "";
            while (!stop.IsCancellationRequested && !_retired)
            {
                string reason;
                try
                {
                    using Socket socket = await DialAsync(stop);
                    pause = FirstPause;
                    lastReason = "";
                    reason = await SendAllAsync(socket, stop);
                }
                catch (OperationCanceledException) when (stop.IsCancellationRequested)
                {
                    return;
                }
                catch (Exception e) when (BrokenConnection.IsMeantBy(e) || e is FrameException)
                {
                    reason = ReasonOf(e);
                }
                finally
                {
                    if (_sender is not null)
                    {
                        _sender = null;
                        DropQueued();
                        owner._events.Lost(peer);
                    }
                }

                if (_retired)
                {
                    LogRetired(owner._logger, peer, address.ToString());
                    return;
                }

                if (!string.Equals(reason, lastReason, StringComparison.Ordinal))
                {
                    LogDisconnected(owner._logger, peer, address.ToString(), reason);
                    lastReason = reason;
                }

                try
                {
                    await Task.Delay(pause, stop);
                }
                catch (OperationCanceledException)
                {
                    return;
                }

                pause = TimeSpan.FromTicks(Math.Min(pause.Ticks * 2, LongestPause.Ticks));
            }
        }

        private static Channel<PeerMessage> NewQueue(int capacity) => Channel.CreateBounded<PeerMessage>(
            new BoundedChannelOptions(capacity) { SingleReader = true, FullMode = BoundedChannelFullMode.Wait });

        private async Task<Socket> DialAsync(CancellationToken stop)
        {
            using var timeout = CancellationTokenSource.CreateLinkedTokenSource(stop);
            timeout.CancelAfter(DialTimeout);
            var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            try
            {
                await socket.ConnectAsync(address, timeout.Token);
                UserTimeout.Set(socket, owner._linkTimeout);
                var hello = new Hello { Cluster = owner._cluster, From = owner._self.Value, To = peer.Value, Address = owner._listenOn.ToString() };
                await socket.SendAsync(Frame.ToBytes(FrameKind.Hello, hello), timeout.Token);

                var frames = new FrameReader(PipeReader.Create(new NetworkStream(socket, ownsSocket: false)));
                Frame frame = await frames.ReadAsync(Frame.MaxHelloBytes, timeout.Token) ?? throw new FrameException("it hung up without an answer.");
                HelloAnswer answer = ParseAnswer(frame);
                if (answer.Code.Length > 0)
                {
                    NoteRefusal(answer);
                    throw new FrameException($"it refused this node ({answer.Code}).");
                }

                return socket;
            }
            catch
            {
                socket.Dispose();
                throw;
            }
        }

        private void NoteRefusal(HelloAnswer answer)
        {
            // Said once, not with every attempt.
            if (!string.Equals(answer.Code, _lastRefusal, StringComparison.Ordinal))
            {
                _lastRefusal = answer.Code;
                LogRefusedByPeer(owner._logger, peer, address.ToString(), answer.Code, answer.Message);
            }

            if (string.Equals(answer.Code, RemovedCode, StringComparison.Ordinal))
            {
                // Knocking again would only disturb, unless it calls itself. What it means for this node its actor decides.
                _retired = true;
                owner._events.Arrived(peer, new RemovalNotice(new LogIndex(answer.RemovedAt), new Term(answer.RemovedTerm), OfSender: false));
            }
        }

        private static HelloAnswer ParseAnswer(Frame frame)
        {
            try
            {
                return frame.Kind == FrameKind.HelloAnswer
                    ? HelloAnswer.Parser.ParseFrom(frame.Body)
                    : throw new FrameException($"it answered with a {frame.Kind} frame.");
            }
            catch (InvalidProtocolBufferException e)
            {
                throw new FrameException($"its answer cannot be read: {e.Message}");
            }
        }

        /// <summary>Sends what is queued until the connection ends; says why it did.</summary>
        private async Task<string> SendAllAsync(Socket socket, CancellationToken stop)
        {
            var buffer = new ArrayBufferWriter<byte>(FlushBytes);
            using var ended = CancellationTokenSource.CreateLinkedTokenSource(stop);
            Sender? sender = null;
            sender = new Sender(async () =>
            {
                if (!await SendQueuedAsync(socket, buffer, ended.Token))
                {
                    sender!.Wake();
                }
                else if (_retired)
                {
                    sender!.Close();
                }
            });
            await using CancellationTokenRegistration registration = ended.Token.Register(sender.Close);
            _sender = sender;
            LogConnected(owner._logger, peer, address.ToString());

            // Whoever retired this link a moment ago found no sender to wake.
            sender.Wake();
            Task<string> watch = WatchForEndAsync(socket, ended);
            try
            {
                await sender.Ended;
                stop.ThrowIfCancellationRequested();
                return ended.IsCancellationRequested ? await watch : "it is no member any more.";
            }
            catch (OperationCanceledException) when (!stop.IsCancellationRequested)
            {
                return await watch;
            }
            finally
            {
                await ended.CancelAsync();
                await watch;
            }
        }

        /// <summary>Sends what is queued, but not more than about a buffer full.</summary>
        /// <returns>False when there may be more.</returns>
        private async ValueTask<bool> SendQueuedAsync(Socket socket, ArrayBufferWriter<byte> buffer, CancellationToken ended)
        {
            while (_control.Reader.TryRead(out PeerMessage? message) || _bulk.Reader.TryRead(out message))
            {
                PeerMessageCodec.WriteFrame(buffer, message);
                if (buffer.WrittenCount >= FlushBytes)
                {
                    await FlushAsync(socket, buffer, ended);
                    return false;
                }
            }

            await FlushAsync(socket, buffer, ended);
            return true;
        }

        /// <summary>Nothing is received on this connection: whatever comes, or its end, means that the other side hung up. Says how it ended.</summary>
        private async Task<string> WatchForEndAsync(Socket socket, CancellationTokenSource ended)
        {
            string reason = "it hung up.";
            try
            {
                await socket.ReceiveAsync(new byte[1], ended.Token);
            }
            catch (Exception e) when (e is SocketException or OperationCanceledException or ObjectDisposedException)
            {
                reason = e is SocketException ? ReasonOf(e) : reason;
            }

            await ended.CancelAsync();
            return reason;
        }

        private string ReasonOf(Exception e) => e switch
        {
            OperationCanceledException => "no answer.",
            SocketException { SocketErrorCode: SocketError.TimedOut } => $"nothing was acknowledged for {owner._linkTimeout.TotalSeconds} seconds.",
            _ => e.Message,
        };

        private static async Task FlushAsync(Socket socket, ArrayBufferWriter<byte> buffer, CancellationToken stop)
        {
            ReadOnlyMemory<byte> rest = buffer.WrittenMemory;
            while (rest.Length > 0)
            {
                rest = rest[await socket.SendAsync(rest, stop)..];
            }

            buffer.ResetWrittenCount();
        }

        private void DropQueued()
        {
            while (_control.Reader.TryRead(out _) || _bulk.Reader.TryRead(out _))
            {
            }
        }
    }
}
