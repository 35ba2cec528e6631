using Converge.Core;

namespace Converge.Swarm.Storage;

/// <summary>Which records of the Raft log still matter: those with the last mark or with an entry behind it.</summary>
internal sealed class LiveRecords
{
    private readonly List<Stretch> _stretches = [];
    private ulong _lastMark;

    /// <summary>The first one that matters. All do until a snapshot is marked: only with a mark is the state restated.</summary>
    public ulong First => _lastMark == 0 ? 1 : Math.Min(_lastMark, _stretches.Count == 0 ? _lastMark : _stretches[0].Number);

    public void Note(ulong number, LogBatch batch)
    {
        if (batch.TruncateFrom is { } from)
        {
            Truncate(from);
        }

        if (batch.Mark is { } mark)
        {
            _lastMark = number;
            var behind = _stretches.FindIndex(stretch => stretch.Last > mark.Index);
            _stretches.RemoveRange(0, behind < 0 ? _stretches.Count : behind);
        }

        if (batch.Entries.Count > 0)
        {
            _stretches.Add(new Stretch(batch.Entries[0].Index, batch.Entries[^1].Index, number));
        }
    }

    private void Truncate(LogIndex from)
    {
        while (_stretches.Count > 0 && _stretches[^1].First >= from)
        {
            _stretches.RemoveAt(_stretches.Count - 1);
        }

        if (_stretches.Count > 0 && _stretches[^1].Last >= from)
        {
            _stretches[^1] = _stretches[^1] with { Last = from.Previous };
        }
    }

    /// <summary>The entries of one record that are still in the log.</summary>
    private readonly record struct Stretch(LogIndex First, LogIndex Last, ulong Number);
}
