using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace Converge.Swarm.Ledger;

/// <summary>
/// SHA-256 of short inputs by the functions of OpenSSL's libcrypto that work in a block of the caller's memory. .NET calls the general ones,
/// which look up, allocate and clear what belongs to an algorithm: four fifths of the time of a hash of a hundred bytes, of which a fact
/// costs each node five.
/// </summary>
/// <remarks>
/// Where the library is not there or gives another value than it should, <see cref="IsAvailable"/> is false and .NET's own is used: the values
/// are the same. OpenSSL's providers, and so a certified module that is configured there, have no part in it.
/// </remarks>
internal static unsafe class OpenSslSha256
{
    /// <summary>A longer input keeps its thread too long from a garbage collection that waits for it, and gains nothing.</summary>
    public const int MaxInputBytes = 4096;

    // OpenSSL's SHA256_CTX has 112 bytes.
    private const int ContextBytes = 256;

    private const string Library = "libcrypto.so.3";

    private static readonly delegate* unmanaged[SuppressGCTransition]<byte*, int> _init;
    private static readonly delegate* unmanaged[SuppressGCTransition]<byte*, byte*, nuint, int> _update;
    private static readonly delegate* unmanaged[SuppressGCTransition]<byte*, byte*, int> _final;

    static OpenSslSha256()
    {
        if (OperatingSystem.IsLinux()
            && NativeLibrary.TryLoad(Library, out nint library)
            && NativeLibrary.TryGetExport(library, "SHA256_Init", out nint init)
            && NativeLibrary.TryGetExport(library, "SHA256_Update", out nint update)
            && NativeLibrary.TryGetExport(library, "SHA256_Final", out nint final))
        {
            _init = (delegate* unmanaged[SuppressGCTransition]<byte*, int>)init;
            _update = (delegate* unmanaged[SuppressGCTransition]<byte*, byte*, nuint, int>)update;
            _final = (delegate* unmanaged[SuppressGCTransition]<byte*, byte*, int>)final;
            IsAvailable = IsRight();
        }
    }

    /// <summary>Whether it can be used in this process.</summary>
    public static bool IsAvailable { get; }

    /// <summary>Computes the hash of at most <see cref="MaxInputBytes"/>. False when the library says that it failed.</summary>
    public static bool TryCompute(ReadOnlySpan<byte> bytes, Span<byte> hash)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(bytes.Length, MaxInputBytes, nameof(bytes));
        ArgumentOutOfRangeException.ThrowIfLessThan(hash.Length, Hash256.Size, nameof(hash));
        byte* context = stackalloc byte[ContextBytes];
        fixed (byte* input = bytes, output = hash)
        {
            return _init(context) == 1 && _update(context, input, (nuint)bytes.Length) == 1 && _final(output, context) == 1;
        }
    }

    /// <summary>Compares with .NET: nothing, less than a block, and several of them.</summary>
    private static bool IsRight()
    {
        Span<byte> bytes = stackalloc byte[300];
        Span<byte> hash = stackalloc byte[Hash256.Size];
        for (int i = 0; i < bytes.Length; i++)
        {
            bytes[i] = (byte)i;
        }

        bool right = true;
        foreach (int length in (ReadOnlySpan<int>)[0, 3, 64, 300])
        {
            right &= TryCompute(bytes[..length], hash) && hash.SequenceEqual(SHA256.HashData(bytes[..length]));
        }

        return right;
    }
}
