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

    private ulong _first;
    private ulong _second;

    /// <summary>What was added so far, in its order.</summary>
    public readonly UInt128 Value => new(_first, _second);

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
        Add(message.From.Value);
        Add(message.To.Value);
        Add(message.Term.Value);
        Add(message.LogTerm.Value);
        Add(message.Index.Value);
        Add(message.Commit.Value);
        Add(message.Vote.Value);
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
        foreach (NodeId node in nodes)
        {
            Add(node.Value);
        }
    }
}
