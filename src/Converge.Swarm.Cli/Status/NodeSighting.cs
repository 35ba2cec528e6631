using Converge.Core;
using Converge.Swarm.Cli.Connection;
using Converge.Swarm.Http;

namespace Converge.Swarm.Cli.Status;

/// <summary>What one node said when it was asked, or why it said nothing.</summary>
/// <param name="Url">Where it was asked.</param>
/// <param name="Status">Its answer, if it gave one.</param>
/// <param name="Fault">Why it gave none.</param>
internal sealed record NodeSighting(Uri Url, SwarmStatus? Status, string? Fault)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    /// <summary>Asks the nodes given and every member they know of.</summary>
    /// <param name="urls">Where to begin.</param>
    /// <param name="named">True when a person named them: then one that does not answer is part of the result, whoever it is.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public static async Task<IReadOnlyList<NodeSighting>> AllAsync(IReadOnlyList<Uri> urls, bool named, CancellationToken cancellationToken)
    {
        NodeSighting[] first = await Task.WhenAll(urls.Select(url => AskAsync(url, cancellationToken)));
        Uri[] known = [.. urls.Select(Normal)];
        Uri[] members = [.. first.SelectMany(sighting => sighting.Status?.Members ?? [])
            .Select(member => member.HttpUrl is null ? null : SwarmUrls.TryParse(member.HttpUrl)).OfType<Uri>().Select(Normal).Distinct()];
        NodeSighting[] more = await Task.WhenAll(members.Except(known).Select(url => AskAsync(url, cancellationToken)));

        // An address that was only guessed and belongs to no member is nobody's failure, unless nobody answered at all.
        bool someAnswered = first.Any(sighting => sighting.Status is not null);
        return
        [
            .. first.Concat(more)
                .Where(sighting => sighting.Status is not null || named || !someAnswered || members.Contains(Normal(sighting.Url)))
                .OrderBy(sighting => sighting.Status?.Node.Value ?? ulong.MaxValue),
        ];
    }

    /// <summary>Asks one node.</summary>
    public static async Task<NodeSighting> AskAsync(Uri url, CancellationToken cancellationToken)
    {
        using HttpSwarmClient client = new(url, Patience);
        try
        {
            return new NodeSighting(url, await client.GetStatusAsync(cancellationToken), null);
        }
        catch (Exception fault) when (fault is SwarmUnavailableException or SwarmProtocolException)
        {
            return new NodeSighting(url, null, fault.Message);
        }
    }

    /// <summary>Who takes part, as the leader tells it, or else another node that answered; null when none of them tells.</summary>
    public static async Task<SwarmMembers?> MembersAsync(IReadOnlyList<NodeSighting> sightings, CancellationToken cancellationToken)
    {
        foreach (NodeSighting sighting in sightings.Where(sighting => sighting.Status is not null).OrderByDescending(sighting => sighting.Status!.Role == NodeRole.Leader))
        {
            using HttpSwarmClient client = new(sighting.Url, Patience);
            try
            {
                return await client.GetMembersAsync(cancellationToken);
            }
            catch (Exception fault) when (fault is SwarmUnavailableException or SwarmProtocolException)
            {
                // The next one may tell.
            }
        }

        return null;
    }

    private static Uri Normal(Uri url) => new(url.GetLeftPart(UriPartial.Authority));
}
