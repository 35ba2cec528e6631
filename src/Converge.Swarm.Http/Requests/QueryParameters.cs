using System.Globalization;
using Converge.Core;
using Converge.Swarm.Http.Problems;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace Converge.Swarm.Http.Requests;

/// <summary>The parameters behind the question mark, read as strictly as the fields of a body.</summary>
internal sealed class QueryParameters
{
    private readonly IQueryCollection _query;

    /// <summary>Takes the parameters of a request.</summary>
    /// <exception cref="ProblemException">There is one that is not known here, or one twice.</exception>
    public QueryParameters(HttpRequest request, params ReadOnlySpan<string> known)
    {
        _query = request.Query;
        foreach ((string name, StringValues values) in _query)
        {
            if (!known.Contains(name))
            {
                string all = known.Length == 0 ? "none" : string.Join(", ", known!);
                throw Fault(InputFaultCode.UnknownField, name, $"There is no such parameter here; known: {all}.");
            }

            if (values.Count != 1)
            {
                throw Fault(InputFaultCode.DuplicateField, name, $"{name} is given {values.Count} times.");
            }
        }
    }

    /// <summary>The text given, or null.</summary>
    public string? Text(string name) => _query.TryGetValue(name, out StringValues values) ? values.ToString() : null;

    /// <summary>The whole number given, or the default.</summary>
    /// <exception cref="ProblemException">It is not a number within the bounds.</exception>
    public ulong Number(string name, ulong least, ulong greatest, ulong otherwise) => OptionalNumber(name, least, greatest) ?? otherwise;

    /// <summary>The whole number given, or null.</summary>
    /// <exception cref="ProblemException">It is not a number within the bounds.</exception>
    public ulong? OptionalNumber(string name, ulong least, ulong greatest) => Text(name) is { } text ? Parse(name, text, least, greatest) : null;

    /// <summary>True when the parameter is given as <c>true</c>, false when it is not given or <c>false</c>.</summary>
    /// <exception cref="ProblemException">It is neither of the two.</exception>
    public bool Flag(string name) => Text(name) switch
    {
        null or "false" => false,
        "true" => true,
        _ => throw Fault(InputFaultCode.InvalidValue, name, $"{name} must be true or false."),
    };

    /// <summary>Reads a whole number, wherever in the request it stands.</summary>
    /// <exception cref="ProblemException">It is not a number within the bounds.</exception>
    public static ulong Parse(string name, string text, ulong least, ulong greatest) =>
        ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out ulong number) && number >= least && number <= greatest
            ? number
            : throw Fault(InputFaultCode.InvalidValue, name, $"{name} must be a whole number from {least} to {greatest}.");

    /// <summary>How current the answer must be: <c>linearizable</c> unless said otherwise.</summary>
    /// <exception cref="ProblemException">It is none of the three.</exception>
    public ReadConsistency Consistency() => Text("consistency") switch
    {
        null or "linearizable" => ReadConsistency.Linearizable,
        "leased" => ReadConsistency.Leased,
        "stale" => ReadConsistency.Stale,
        _ => throw Fault(InputFaultCode.InvalidValue, "consistency", "consistency must be linearizable, leased or stale."),
    };

    private static ProblemException Fault(InputFaultCode code, string field, string message) =>
        new(Problem.Of(new InputFault(code, message, field)));
}
