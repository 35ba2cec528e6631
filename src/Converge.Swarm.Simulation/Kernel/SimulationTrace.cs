using System.Globalization;
using Converge.Raft;

namespace Converge.Swarm.Simulation;

/// <summary>
/// What happened, in order: always as a running hash, which two runs of the same seed have in common bit for bit; as text of one line an
/// event when somebody wants to read it.
/// </summary>
internal sealed class SimulationTrace(TextWriter? text)
{
    private StateFingerprint _hash;

    public UInt128 Hash => _hash.Value;

    /// <summary>True when lines are kept, so that nobody makes text in vain.</summary>
    public bool IsText => text is not null;

    public void Add(long time, EventKind kind, int node, ulong detail)
    {
        _hash.Add((ulong)time);
        _hash.Add(((ulong)kind << 32) | (uint)node);
        _hash.Add(detail);
    }

    public void Add(ulong detail) => _hash.Add(detail);

    public void Add(in Message message) => _hash.Add(message);

    /// <summary>Writes a line; for callers that saw <see cref="IsText"/>.</summary>
    public void Line(long time, string who, string what) =>
        text?.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{time / 1000,8}.{time % 1000:000} {who,-4} {what}"));
}
