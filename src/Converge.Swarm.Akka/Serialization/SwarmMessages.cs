using Converge.Core;
using Converge.Swarm.Actors;
using Converge.Swarm.Storage;

namespace Converge.Swarm.Akka.Serialization;

/// <summary>What <see cref="SwarmSerializer"/> serialises, and nothing else.</summary>
internal interface ISwarmMessage;

/// <summary>A message on its way from one node to another.</summary>
/// <param name="Cluster">The sender's swarm.</param>
/// <param name="From">The sender.</param>
/// <param name="To">The node it is for.</param>
/// <param name="Message">What it says.</param>
internal sealed record PeerEnvelope(string Cluster, NodeId From, NodeId To, PeerMessage Message) : ISwarmMessage;

/// <summary>One event of the log: a batch that became durable as a whole.</summary>
internal sealed record LogBatchStored(LogBatch Batch) : ISwarmMessage;
