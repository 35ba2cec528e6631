using Converge.Core;
using Converge.Swarm.Http.Tests;

namespace Converge.Swarm.Cli.Tests;

/// <summary>A swarm of one with two facts about each of a few proposals, and a folder for files.</summary>
internal sealed class SmallSwarm : IAsyncDisposable
{
    private readonly TestSwarm _swarm;
    private readonly TemporaryFolder _folder = new();

    private SmallSwarm(TestSwarm swarm) => _swarm = swarm;

    public SingleNode Node => _swarm.Node;

    public string Url => _swarm.Url;

    public string Folder => _folder.Path;

    public static async Task<SmallSwarm> StartAsync(int proposals)
    {
        TestSwarm swarm = await TestSwarm.StartAsync();
        for (int i = 0; i < proposals; i++)
        {
            await swarm.Node.CommitAsync(new FactSubmission(new ProposalCreated($"p-{i}", "author://ann", "A title"), CommandId: new CommandId("first", (ulong)i + 1)));
            await swarm.Node.CommitAsync(new FactSubmission(new ValidationFailed($"p-{i}", "validator://é", "line\nline"), At: 1_700_000_000));
        }

        return new SmallSwarm(swarm);
    }

    public string File(string name) => _folder[name];

    public async ValueTask DisposeAsync()
    {
        await _swarm.DisposeAsync();
        _folder.Dispose();
    }
}
