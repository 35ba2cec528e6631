using Converge.Core;
using Converge.Raft;
using Converge.Swarm.Governance;

namespace Converge.Swarm.Tests.Governance;

/// <summary>Looking ahead makes what follows quicker, and must make no other difference.</summary>
public sealed class KeysAheadTests
{
    [Fact]
    public void The_keys_of_entries_that_are_looked_at_are_those_of_their_proposals()
    {
        IReadOnlyList<Entry> entries = [.. Commands().Select((command, i) => EntryOf(i + 1, command))];
        var ahead = new KeysAhead();
        for (int first = 0; first < entries.Count; first += KeysAhead.Capacity)
        {
            ulong[] keys = ahead.Look(entries, first).ToArray();
            ReadOnlyMemory<byte>[] facts = [.. entries.Skip(first).Take(KeysAhead.Capacity).Select(entry => entry.Data).Where(data => CommandCodec.IsFact(data.Span))];
            Assert.Equal(facts.Select(KeyOf), keys);
            Assert.All(facts, data => Assert.Equal(KeyOf(data), ahead.KeyOf(data, CommandCodec.Read(data.Span).Fact.ProposalId)));
        }
    }

    [Fact]
    public void Entries_that_were_not_looked_at_or_come_in_another_order_have_their_own_keys()
    {
        byte[][] commands = [.. Commands()];
        Entry[] entries = [.. commands.Select((command, i) => EntryOf(i + 1, command))];
        var ahead = new KeysAhead();
        _ = ahead.Look(entries, 3);
        foreach (byte[] command in commands.Reverse().Where(command => CommandCodec.IsFact(command)))
        {
            Assert.Equal(KeyOf(command), ahead.KeyOf(command, CommandCodec.Read(command).Fact.ProposalId));
            Assert.Equal(KeyOf(command), ahead.KeyOf(command.ToArray(), CommandCodec.Read(command).Fact.ProposalId));
        }
    }

    [Fact]
    public void An_entry_that_is_cut_off_or_damaged_anywhere_is_looked_at_without_harm()
    {
        var random = new Random(5);
        foreach (byte[] command in Commands())
        {
            for (int length = 0; length < command.Length; length++)
            {
                _ = CommandCodec.PeekProposalId(command.AsSpan(0, length));
                byte[] damaged = [.. command];
                damaged[length] ^= (byte)random.Next(1, 256);
                _ = CommandCodec.PeekProposalId(damaged);
            }
        }
    }

    [Fact]
    public void A_state_that_looks_ahead_comes_to_the_same_as_one_that_does_not()
    {
        Entry[] entries = [.. Commands().Concat(Commands()).Select((command, i) => EntryOf(i + 1, Restamped(command, i)))];
        var looking = new GovernanceState();
        var plain = new GovernanceState();
        for (int i = 0; i < entries.Length; i++)
        {
            // Also too early and too late.
            if (i % 20 == 0)
            {
                looking.LookAhead(entries, Math.Max(0, i - 7));
            }

            if (i == entries.Length / 2)
            {
                looking.Freeze();
            }

            ApplyOutcome expected = plain.Apply(entries[i].Index, entries[i].Term, entries[i].Data);
            Assert.Equal(expected.Result, looking.Apply(entries[i].Index, entries[i].Term, entries[i].Data).Result);
        }

        Assert.Equal(plain.Digest, looking.Digest);
        Assert.Equal(plain.ProposalCount, looking.ProposalCount);
        Assert.True(plain.ProposalCount > 40);
    }

    private static ulong KeyOf(ReadOnlyMemory<byte> command) => ProposalKey.Of(CommandCodec.Read(command.Span).Fact.ProposalId);

    private static Entry EntryOf(int index, byte[] command) => new(new Term(1), new LogIndex((ulong)index), EntryKind.Normal, command);

    private static byte[] Restamped(byte[] command, int i)
    {
        byte[] stamped = new byte[command.Length];
        if (command.Length > 0)
        {
            CommandCodec.WriteWithStamp(command, StampOf(i), stamped);
        }

        return stamped;
    }

    private static IEnumerable<byte[]> Commands()
    {
        for (int i = 0; i < 50; i++)
        {
            string id = $"{i}-{new string('ä', i)}";
            CommandId? commandId = i % 3 == 0 ? null : new CommandId(new string('s', 1 + i), (ulong)(1 + i));
            yield return CommandCodec.EncodeFact(new FactSubmission(new ProposalCreated(id, "ann", "title"), CommandId: commandId), StampOf(2 * i));
            yield return (i % 7) switch
            {
                0 => [],
                1 => CommandCodec.EncodeAuthority(new NodeId(1), StampOf((2 * i) + 1)),
                _ => CommandCodec.EncodeFact(new FactSubmission(new ValidationPassed(id, "ci")), StampOf((2 * i) + 1)),
            };
        }
    }

    private static CommandStamp StampOf(int i) => new(1_700_000_000_000 + i, new LamportTimestamp((ulong)(1 + i), new NodeId(1)));
}
