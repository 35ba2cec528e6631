namespace Converge.Core.Json;

/// <summary>The fields of one kind of sealed document while it is read (<see cref="SealedJson"/>): those of its own, without version and digest.</summary>
internal interface ISealedFields<out TDocument>
{
    /// <summary>The first field that is lacking; null when the document is whole.</summary>
    string? Missing { get; }

    /// <summary>Reads the value of a field. A name that is unknown, or was there before, is a fault.</summary>
    bool TryRead(ref JsonFields json, ReadOnlySpan<byte> name);

    /// <summary>The document; only when nothing is lacking.</summary>
    TDocument ToDocument();
}
