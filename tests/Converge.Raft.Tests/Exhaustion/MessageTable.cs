using System.Runtime.InteropServices;
using Converge.Core;

namespace Converge.Raft.Tests.Exhaustion;

/// <summary>All messages that occur, numbered.</summary>
internal sealed class MessageTable(Relabellings relabellings)
{
    private readonly Dictionary<UInt128, int> _numbers = [];
    private readonly List<Message> _messages = [];
    private readonly List<ulong[]> _prints = [];
    private readonly List<(int Recipient, Term Term, MessageKind Kind)> _heads = [];

    public int Count => _messages.Count;

    public Message this[int number] => _messages[number];

    public int NumberOf(in Message message)
    {
        StateFingerprint print = default;
        print.Add(message);
        ref int number = ref CollectionsMarshal.GetValueRefOrAddDefault(_numbers, print.Value, out bool isKnown);
        if (!isKnown)
        {
            number = _messages.Count;
            _messages.Add(message);
            var prints = new ulong[relabellings.Count];
            for (int i = 0; i < prints.Length; i++)
            {
                var relabelled = StateFingerprint.Relabelled(relabellings[i]);
                relabelled.Add(message);
                prints[i] = (ulong)relabelled.Value;
            }

            _prints.Add(prints);
            _heads.Add(((int)message.To.Value - 1, message.Term, message.Kind));
        }

        return number;
    }

    /// <summary>To which node, counted from zero.</summary>
    public int RecipientOf(int number) => _heads[number].Recipient;

    public Term TermOf(int number) => _heads[number].Term;

    public MessageKind KindOf(int number) => _heads[number].Kind;

    /// <summary>The fingerprint of a message under each relabelling.</summary>
    public ulong[] PrintsOf(int number) => _prints[number];
}
