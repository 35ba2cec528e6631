using Akka.Actor;
using Akka.Configuration;
using Converge.Swarm.Akka.Journal;
using Converge.Swarm.Storage;
using Converge.Swarm.Tests.Storage;
using Microsoft.Data.Sqlite;

namespace Converge.Swarm.Akka.Tests.Journal;

/// <summary>The log as a persistent actor's events keeps the contract of every durable Raft log.</summary>
public sealed class RaftJournalTests : RaftLogContract
{
    protected override IRaftLogUnderTest NewLog() => new JournalUnderTest();

    /// <summary>An ActorSystem with a journal on disk; the log's actor comes and goes.</summary>
    private sealed class JournalUnderTest : IRaftLogUnderTest
    {
        private static readonly TimeSpan Patience = TimeSpan.FromSeconds(120);

        private readonly JournalFolder _folder = new();
        private readonly ActorSystem _system;
        private IActorRef _log = ActorRefs.Nobody;
        private int _life;

        public JournalUnderTest()
        {
            _system = ActorSystem.Create("journal", _folder.Configuration);
        }

        public async ValueTask<LogModel> OpenAsync()
        {
            var opened = new TaskCompletionSource<LogModel>();
            _log = _system.ActorOf(Props.Create(() => new JournalActor(opened)), $"log-{++_life}");
            return await opened.Task.WaitAsync(Patience);
        }

        public async ValueTask StoreAsync(params LogBatch[] batches)
        {
            if (await _log.Ask<Exception>(new JournalActor.StoreBatches(batches), Patience) is LogOrderException refusal)
            {
                throw refusal;
            }
        }

        public ValueTask BeginStoringAsync(params LogBatch[] batches)
        {
            _log.Tell(new JournalActor.StoreBatches(batches), ActorRefs.NoSender);
            return ValueTask.CompletedTask;
        }

        public async ValueTask RemoveObsoleteAsync() => await _log.Ask<Exception>(JournalActor.Remove.Instance, Patience);

        public async ValueTask CloseAsync() => await _log.GracefulStop(Patience);

        public async ValueTask CrashAsync(int seed)
        {
            // Some of what is under way reaches the journal and some does not: that is the mailbox's and the thread pool's affair.
            if (seed % 2 == 0)
            {
                _system.Stop(_log);
            }
            else
            {
                _log.Tell(Kill.Instance);
            }

            await _log.WatchAsync().WaitAsync(Patience);
        }

        public async ValueTask DisposeAsync()
        {
            await _system.Terminate();
            _folder.Dispose();
        }
    }

    private sealed class JournalActor : RaftJournal
    {
        private readonly TaskCompletionSource<LogModel> _opened;
        private IActorRef _remover = ActorRefs.Nobody;

        public JournalActor(TaskCompletionSource<LogModel> opened)
            : base("test-log", JournalFolder.PluginId, deletionSlice: 3)
        {
            _opened = opened;
            Command<StoreBatches>(store =>
            {
                IActorRef sender = Sender;
                try
                {
                    Store(store.Batches, () => sender.Tell(Done.Instance));
                }
                catch (LogOrderException refusal)
                {
                    sender.Tell(refusal);
                }
            });
            Command<Remove>(_ =>
            {
                _remover = Sender;
                RemoveObsolete();
            });
        }

        protected override bool MustExist => false;

        protected override void OnOpened(LogModel recovered) => _opened.SetResult(recovered);

        protected override void OnDamaged(JournalDamagedException damage) => _opened.SetException(damage);

        protected override void OnObsoleteRemoved() => _remover.Tell(Done.Instance);

        public sealed record StoreBatches(LogBatch[] Batches);

        public sealed record Remove
        {
            public static readonly Remove Instance = new();
        }

        private sealed class Done : Exception
        {
            public static readonly Done Instance = new();
        }
    }
}

/// <summary>A folder with a SQLite journal in it, and the configuration that names it.</summary>
internal sealed class JournalFolder : IDisposable
{
    public const string PluginId = "converge.swarm.log.journal";

    private readonly TemporaryFolder _folder = new();

    public string ConnectionString => $"Data Source={Path.Combine(_folder.Path, "raft.db")}";

    public string Folder => _folder.Path;

    public Config Configuration => ConfigurationFactory
        .ParseString($"akka.loglevel = OFF, akka.stdout-loglevel = OFF, {PluginId}.connection-string = \"{ConnectionString}\"")
        .WithFallback(Swarm.DefaultConfig())
        .WithFallback(ConfigurationFactory.FromResource("Converge.Swarm.Akka.serialization.conf", typeof(Swarm).Assembly));

    public void Dispose()
    {
        SqliteConnection.ClearAllPools();
        _folder.Dispose();
    }
}
