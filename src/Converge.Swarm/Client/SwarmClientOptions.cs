using System.Net;
using Converge.Core;

namespace Converge.Swarm;

/// <summary>All settings of one <see cref="SwarmClient"/>.</summary>
public sealed record SwarmClientOptions
{
    /// <summary>The greatest length of <see cref="SessionName"/>, in characters.</summary>
    public const int MaxSessionNameLength = 64;

    private static readonly TimeSpan LongestTime = TimeSpan.FromHours(24);

    /// <summary>The swarm's name; a node of another one refuses the client.</summary>
    public required string Cluster { get; init; }

    /// <summary>Where to look for nodes: their peer addresses, at least one. The others are learned from the first that answers.</summary>
    public required IReadOnlyList<IPEndPoint> Endpoints { get; init; }

    /// <summary>
    /// How the sessions begin under which commands are numbered that come without a <see cref="CommandId"/>; people read it in the ledger.
    /// The rest of the name is drawn by chance for each client: no two ever number under the same name, whatever this is.
    /// </summary>
    public string SessionName { get; init; } = "client";

    /// <summary>
    /// How long a call goes on trying, through elections and from node to node, before it says what is known. A call with many facts goes
    /// in several parts, and each of them may take so long.
    /// </summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How long one node may take for its answer before another is asked, under the same command id. Doubled with each attempt.</summary>
    public TimeSpan AttemptTimeout { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>How long connecting to one node may take.</summary>
    public TimeSpan DialTimeout { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>The clock that all time-outs and pauses are measured with.</summary>
    internal TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Calls and subscriptions under way at the same time; beyond it callers get <c>busy</c> at once.</summary>
    public int MaxInflightRequests { get; init; } = 1024;

    /// <summary>Checks settings.</summary>
    /// <exception cref="ArgumentException">One of them cannot be; says which.</exception>
    internal static void Check(SwarmClientOptions options)
    {
        if (Faults(options).FirstOrDefault() is { } fault)
        {
            throw new ArgumentException(fault, nameof(options));
        }
    }

    private static IEnumerable<string> Faults(SwarmClientOptions options)
    {
        foreach (ConfigurationFault fault in SwarmOptionsRules.CheckCluster(options.Cluster))
        {
            yield return $"{nameof(Cluster)} {fault.Message}";
        }

        if (options.Endpoints.Count == 0)
        {
            yield return $"{nameof(Endpoints)} must name at least one node.";
        }

        if (options.SessionName.Length > MaxSessionNameLength || SubmissionRules.CheckCommandId(new CommandId(options.SessionName, 1)) is not null)
        {
            yield return $"{nameof(SessionName)} must have 1 to {MaxSessionNameLength} characters and no control characters.";
        }

        foreach ((string name, TimeSpan value) in
            new[] { (nameof(Timeout), options.Timeout), (nameof(AttemptTimeout), options.AttemptTimeout), (nameof(DialTimeout), options.DialTimeout) })
        {
            if (value <= TimeSpan.Zero || value > LongestTime)
            {
                yield return $"{name} must be positive and at most {LongestTime.TotalHours} hours.";
            }
        }

        if (options.MaxInflightRequests <= 0)
        {
            yield return $"{nameof(MaxInflightRequests)} must be positive.";
        }
    }
}
