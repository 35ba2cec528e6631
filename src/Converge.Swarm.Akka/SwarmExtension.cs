using Akka;
using Akka.Actor;
using Akka.Configuration;
using Converge.Swarm.Actors;
using Converge.Swarm.Akka.Journal;
using Converge.Swarm.Akka.Node;
using Converge.Swarm.Akka.Remoting;
using Converge.Swarm.Governance;
using Converge.Swarm.Hosting;
using Converge.Swarm.Ledger;
using Converge.Swarm.Storage;
using Microsoft.Data.Sqlite;

namespace Converge.Swarm.Akka;

/// <summary>A swarm's node in this ActorSystem.</summary>
/// <remarks>
/// What happens is published as <see cref="Actors.SwarmEvent"/> and <see cref="SwarmFailed"/> on the system's event stream. The node stops with
/// the system: <see cref="CoordinatedShutdown"/> has it take nothing new and hand leadership over
/// (<see cref="CoordinatedShutdown.PhaseServiceRequestsDone"/>), then close (<see cref="CoordinatedShutdown.PhaseServiceStop"/>).
/// </remarks>
public sealed class SwarmExtension : IExtension
{
    internal const string GuardianName = "swarm";
    internal const string NodeName = "node";
    internal const string ClientName = "client";

    private readonly IActorRef _guardian;

    private SwarmExtension(SwarmSettings settings, IActorRef guardian, ISwarmClient client, Task completion)
    {
        Settings = settings;
        _guardian = guardian;
        Client = client;
        Completion = completion;
    }

    /// <summary>The settings it runs with.</summary>
    public SwarmSettings Settings { get; }

    /// <summary>
    /// The way to the swarm through this node, the same as in every host. Requests that come while no leader is known wait for one, up to
    /// <see cref="SwarmSettings.MaxBufferedRequests"/> and <see cref="SwarmSettings.RequestTimeout"/>.
    /// </summary>
    public ISwarmClient Client { get; }

    /// <summary>
    /// Completes when the node has stopped because it was told to, and faults when it had to stop by itself: a lost or damaged journal, a
    /// failed ledger, a state that differs from the leader's. After a fault the process should end.
    /// </summary>
    public Task Completion { get; }

    /// <summary>Takes nothing new, hands leadership over, makes everything durable and stops the node; the ActorSystem goes on.</summary>
    public async Task StopAsync()
    {
        if (!Completion.IsCompleted)
        {
            await Task.WhenAny(Completion, _guardian.Ask<SwarmGuardian.Stopped>(SwarmGuardian.Stop.Instance));
        }
    }

    internal static SwarmExtension Start(ExtendedActorSystem system)
    {
        SwarmSettings settings = SwarmSettings.Create(system.Settings.Config.GetConfig(SwarmSettings.Section));
        if (RemotingRequirements.Check(system, settings) is { Count: > 0 } faults)
        {
            throw new SwarmSettingsException(faults);
        }

        PhysicalDisk disk = PhysicalDisk.Instance;
        disk.CreateFolder(settings.DataFolder);
        FolderLock folderLock = FolderLock.Acquire(settings.DataFolder);
        GovernanceLedger? ledger = null;
        StateSnapshotFile? snapshot = null;
        try
        {
            bool isKnown = NodeIdentityFile.Check(disk, settings.DataFolder, new NodeIdentity(settings.Cluster, settings.Node));
            PrepareJournal(system, settings);
            var files = new SnapshotFiles(disk, settings.DataFolder, pace => new PacedDisk(disk, pace));
            snapshot = files.OpenNewest();
            ledger = GovernanceLedger.Open(
                disk,
                Path.Combine(settings.DataFolder, GovernanceLedger.Purpose),
                new GovernanceLedgerOptions { SegmentBytes = settings.LedgerSegmentBytes, MustExist = isKnown },
                snapshot?.ReadLedgerCheckpoint());
            if (!isKnown && ledger.LastSequence > 0)
            {
                throw new WrongFolderException(settings.DataFolder, $"it holds a ledger and no {NodeIdentityFile.FileName} that says whose");
            }

            var completion = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            var clients = new Gate(settings.MaxPendingCommands);
            var news = new NodeNews();
            IActorRef guardian = system.ActorOf(SwarmGuardian.Props(settings, folderLock, ledger, isKnown, new SnapshotsFound(files, snapshot), clients, news, completion), GuardianName);
            var extension = new SwarmExtension(
                settings,
                guardian,
                new LocalSwarmClient(
                    request =>
                    {
                        bool entered = clients.TryEnter();
                        if (entered)
                        {
                            guardian.Tell(request);
                            if (clients.IsClosed)
                            {
                                // It may have come too late to be answered by anybody.
                                Unanswered.Abandon(request);
                            }
                        }

                        return entered;
                    },
                    ledger,
                    news),
                completion.Task);
            extension.StopWith(system);
            return extension;
        }
        catch
        {
            var ending = new Ending();
            ending.Do(() => snapshot?.Dispose());
            ending.Do(() => ledger?.Dispose());
            ending.Do(folderLock.Dispose);
            throw;
        }
    }

    private static void PrepareJournal(ExtendedActorSystem system, SwarmSettings settings)
    {
        if (!string.Equals(settings.Log.JournalPluginId, SwarmSettings.LogSettings.OwnJournal, StringComparison.Ordinal))
        {
            return;
        }

        if (system.Settings.Config.GetString($"{SwarmSettings.LogSettings.OwnJournal}.connection-string").Length == 0)
        {
            string file = Path.Combine(Path.GetFullPath(settings.DataFolder), "raft.db");
            string text = new SqliteConnectionStringBuilder { DataSource = file }.ConnectionString
                .Replace("\\", "\\\\", StringComparison.Ordinal)
                .Replace("\"", "\\\"", StringComparison.Ordinal);
            system.Settings.InjectTopLevelFallback(ConfigurationFactory.ParseString($"{SwarmSettings.LogSettings.OwnJournal}.connection-string = \"{text}\""));
        }

        JournalDurability.Require(system.Settings.Config.GetConfig(SwarmSettings.LogSettings.OwnJournal));
    }

    private void StopWith(ExtendedActorSystem system)
    {
        var shutdown = CoordinatedShutdown.Get(system);
        shutdown.AddTask(CoordinatedShutdown.PhaseServiceRequestsDone, "swarm-drain", async () =>
        {
            if (!Completion.IsCompleted)
            {
                await Task.WhenAny(Completion, _guardian.Ask<SwarmGuardian.Drained>(SwarmGuardian.Drain.Instance));
            }

            return Done.Instance;
        });
        shutdown.AddTask(CoordinatedShutdown.PhaseServiceStop, "swarm-stop", async () =>
        {
            await StopAsync();
            return Done.Instance;
        });
    }
}

/// <summary>The node of this ActorSystem cannot go on and has stopped; on the event stream.</summary>
/// <param name="Reason">Why.</param>
public sealed record SwarmFailed(Exception Reason);
