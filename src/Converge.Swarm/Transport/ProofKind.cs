namespace Converge.Swarm.Transport;

/// <summary>What a client wants proven. The values are on the wire and never change.</summary>
internal enum ProofKind
{
    Receipt = 1,
    Inclusion = 2,
    Consistency = 3,
}
