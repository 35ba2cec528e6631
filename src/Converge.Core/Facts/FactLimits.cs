namespace Converge.Core;

/// <summary>How long things may be. Lengths are in UTF-16 characters, as .NET and JavaScript count them, unless said.</summary>
public static class FactLimits
{
    /// <summary>A proposal's id: 1 to 256 characters.</summary>
    public const int MaxProposalIdLength = 256;

    /// <summary>An author, validator, approver, issuer or grantor: 1 to 256 characters.</summary>
    public const int MaxActorLength = 256;

    /// <summary>A title: up to 1,024 characters.</summary>
    public const int MaxTitleLength = 1_024;

    /// <summary>A content hash: up to 256 characters.</summary>
    public const int MaxContentHashLength = 256;

    /// <summary>A reason (1 to 4,096 characters) or a detail (up to 4,096).</summary>
    public const int MaxTextLength = 4_096;

    /// <summary>A session's name: 1 to 128 characters.</summary>
    public const int MaxSessionLength = 128;

    /// <summary>One fact as JSON: 64 KiB.</summary>
    public const int MaxFactBytes = 64 * 1024;

    /// <summary>The claim <c>at</c>: Unix seconds from 0 to the end of the year 9999.</summary>
    public const long MaxAtUnixSeconds = 253_402_300_799;

    /// <summary>Numbers that a client chooses (command numbers, revisions, Lamport counters): up to 2^53 - 1, which every JSON reader keeps exact.</summary>
    public const ulong MaxNumber = LamportClock.MaxCounter;
}
