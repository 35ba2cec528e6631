using Converge.Swarm.Ledger;
using Converge.Swarm.Storage;

namespace Converge.Swarm.Projection.Tests;

/// <summary>A ledger on disk that a history goes into piece by piece.</summary>
internal sealed class TestLedger(string folder, History history) : IDisposable
{
    private int _appended;

    public GovernanceLedger Ledger { get; } = GovernanceLedger.Open(
        PhysicalDisk.Instance, folder, new GovernanceLedgerOptions { SegmentBytes = 1024 * 1024 });

    /// <summary>Adds further records, all that are left unless said otherwise.</summary>
    public void Append(int count = int.MaxValue)
    {
        for (; count > 0 && _appended < history.Encoded.Count; count--)
        {
            Ledger.Append(history.Encoded[_appended++]);
        }
    }

    public void Dispose() => Ledger.Dispose();
}
