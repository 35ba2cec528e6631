using System.Buffers;
using System.IO.Pipelines;
using Converge.Core;
using Converge.Swarm.Hosting;
using Converge.Swarm.Ledger;
using Converge.Swarm.Tests.Hosting;
using Converge.Swarm.Tests.Storage;
using Converge.Swarm.Transport;
using Converge.Swarm.Transport.Wire;
using Microsoft.Extensions.Logging.Abstractions;

namespace Converge.Swarm.Tests.Transport;

/// <summary>On which thread a client's answers are written.</summary>
public sealed class ClientSessionTests
{
    /// <summary>A thread that does its own work first may write what is ready; it may be the log's, and must not read the ledger for a client.</summary>
    [Theory]
    [InlineData("records", false)]
    [InlineData("proof", false)]
    [InlineData("unknown", true)]
    public async Task What_reads_the_ledger_is_written_by_no_thread_for_which_others_wait(string kind, bool inSection)
    {
        ClientRequest request = kind switch
        {
            "records" => new ClientRequest { Id = 1, Records = new RecordsRequest { From = 1, Limit = 10 } },
            "proof" => new ClientRequest { Id = 1, Proof = new ProofRequest { Kind = (uint)ProofKind.Consistency, Place = 0 } },
            _ => new ClientRequest { Id = 1 },
        };
        await using var swarm = new LocalSwarm(1);
        using GovernanceLedger ledger = GovernanceLedger.Open(
            new FaultyDisk(), "ledger", new GovernanceLedgerOptions { SegmentBytes = GovernanceLedgerOptions.MinSegmentBytes });
        using var metrics = new NodeMetrics(new NodeId(1));
        var service = new ClientService(swarm.Options(1), _ => false, ledger, new NodeNews(), metrics, new ClientLimits(), NullLogger.Instance);
        var requests = new Pipe();
        await using var answers = new AnswerStream();
        using var session = new ClientSession(service, answers, new FrameReader(requests.Reader));
        using var stop = new CancellationTokenSource();
        Task serving = session.RunAsync(stop.Token);

        requests.Writer.Write(Frame.ToBytes(FrameKind.ClientRequest, request));
        await requests.Writer.FlushAsync();

        (ClientAnswer answer, bool wasInSection) = await answers.First.WaitAsync(LocalSwarm.Patience);
        Assert.Equal(1UL, answer.Id);
        Assert.Equal(inSection, answer.Fault is not null);
        Assert.Equal(inSection, wasInSection);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => serving.WaitAsync(LocalSwarm.Patience));
    }

    /// <summary>Notes the first answer, and whether it was written in a section.</summary>
    private sealed class AnswerStream : Stream
    {
        private readonly TaskCompletionSource<(ClientAnswer Answer, bool InSection)> _first = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task<(ClientAnswer Answer, bool InSection)> First => _first.Task;

        public override bool CanRead => false;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            var bytes = new ReadOnlySequence<byte>(buffer.ToArray());
            Assert.True(Frame.TryRead(ref bytes, Frame.MaxBodyBytes, out Frame frame));
            _first.TrySetResult((ClientMessageCodec.ReadAnswer(frame), WorkHere.IsInSection));
            return ValueTask.CompletedTask;
        }

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Flush()
        {
        }
    }
}
