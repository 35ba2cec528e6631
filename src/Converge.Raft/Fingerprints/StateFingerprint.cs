using System.Collections.Immutable;
using System.Numerics;
using System.Runtime.InteropServices;
using Converge.Core;

namespace Converge.Raft;

/// <summary>
/// A fingerprint of 128 bits of a protocol state, to recognise states that were seen before in an exhaustive search. Not stable across
/// versions, and not cryptographic.
/// </summary>
[StructLayout(LayoutKind.Auto)]
public struct StateFingerprint : IEquatable<StateFingerprint>
{
    private const ulong FirstFactor = 0x9E3779B97F4A7C15;
    private const ulong SecondFactor = 0xC2B2AE3D27D4EB4F;

    private ImmutableArray<NodeId> _names;
    private ulong _first;
    private ulong _second;

    /// <summary>What was added so far, in its order.</summary>
    public readonly UInt128 Value => new(_first, _second);

    /// <summary>
    /// One that takes the nodes for others: what it makes of a state is what an ordinary one makes of the same state after the nodes have
    /// changed names. So states that differ in nothing but names can be told.
    /// </summary>
    /// <param name="names">The new name of each node, by its old one; the first stands for <see cref="NodeId.None"/>. Others keep theirs.</param>
    public static StateFingerprint Relabelled(ImmutableArray<NodeId> names) => new() { _names = names };

    /// <summary>Adds a node.</summary>
    public void Add(NodeId node) =>
        Add(!_names.IsDefault && node.Value < (ulong)_names.Length ? _names[(int)node.Value].Value : node.Value);

    /// <summary>An empty one that takes the nodes for the same others: for the parts of a set, whose <see cref="Value"/>s are summed up.</summary>
    public readonly StateFingerprint Part() => new() { _names = _names };

    /// <summary>Adds the sum of the parts of something that has no order, such as the members of a set that are kept in the order of their names.</summary>
    public void AddSum(UInt128 sum)
    {
        Add((ulong)sum);
        Add((ulong)(sum >> 64));
    }

    /// <summary>Adds a number.</summary>
    public void Add(ulong value)
    {
        _first = Mix((_first ^ value) * FirstFactor);
        _second = Mix(BitOperations.RotateLeft(_second, 23) + (value * SecondFactor) + FirstFactor);
    }

    /// <summary>Adds a number.</summary>
    public void Add(int value) => Add((ulong)value);

    /// <summary>Adds a truth.</summary>
    public void Add(bool value) => Add(value ? 1UL : 2UL);

    /// <summary>Adds bytes and their number.</summary>
    public void Add(ReadOnlySpan<byte> bytes)
    {
        Add(bytes.Length);
        ReadOnlySpan<ulong> words = MemoryMarshal.Cast<byte, ulong>(bytes);
        foreach (ulong word in words)
        {
            Add(word);
        }

        foreach (byte rest in bytes[(words.Length * sizeof(ulong))..])
        {
            Add((ulong)rest);
        }
    }

    /// <summary>Adds an entry.</summary>
    public void Add(in Entry entry)
    {
        Add(entry.Term.Value);
        Add(entry.Index.Value);
        Add((ulong)entry.Kind);
        Add(entry.Data.Span);
    }

    /// <summary>Adds a configuration.</summary>
    public void Add(ConfigurationState configuration)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        Add(configuration.Voters);
        Add(configuration.VotersOutgoing);
        Add(configuration.Learners);
        Add(configuration.LearnersNext);
        Add(configuration.AutoLeave);
    }

    /// <summary>Adds a message with all it carries.</summary>
    public void Add(in Message message)
    {
        Add((ulong)message.Kind);
        Add(message.From);
        Add(message.To);
        Add(message.Term.Value);
        Add(message.LogTerm.Value);
        Add(message.Index.Value);
        Add(message.Commit.Value);
        Add(message.Vote);
        Add(message.Reject);
        Add(message.RejectHint.Value);
        Add(message.Context);
        Add(message.Snapshot?.Index.Value ?? 0);
        Add(message.Snapshot?.Term.Value ?? 0);
        Add(message.Entries.Length);
        foreach (ref readonly Entry entry in message.Entries.Span)
        {
            Add(entry);
        }

        Add(message.Responses.Length);
        foreach (ref readonly Message response in message.Responses.Span)
        {
            Add(response);
        }
    }

    /// <inheritdoc/>
    public readonly bool Equals(StateFingerprint other) => Value == other.Value;

    /// <inheritdoc/>
    public override readonly bool Equals(object? obj) => obj is StateFingerprint other && Equals(other);

    /// <inheritdoc/>
    public override readonly int GetHashCode() => Value.GetHashCode();

    /// <summary>Same value.</summary>
    public static bool operator ==(StateFingerprint left, StateFingerprint right) => left.Equals(right);

    /// <summary>Another value.</summary>
    public static bool operator !=(StateFingerprint left, StateFingerprint right) => !left.Equals(right);

    /// <summary>The value as hexadecimal digits.</summary>
    public override readonly string ToString() => Value.ToString("x32", null);

    private static ulong Mix(ulong value)
    {
        value ^= value >> 32;
        value *= 0xD6E8FEB86659FD93;
        return value ^ (value >> 29);
    }

    private void Add(ImmutableArray<NodeId> nodes)
    {
        Add(nodes.Length);
        UInt128 sum = 0;
        foreach (NodeId node in nodes)
        {
            StateFingerprint part = Part();
            part.Add(node);
            sum += part.Value;
        }

        AddSum(sum);
    }
}
