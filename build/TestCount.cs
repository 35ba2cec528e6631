using System.Globalization;
using System.Xml.Linq;

namespace Converge.Build;

/// <summary>How many tests of one or more runs went which way.</summary>
internal readonly record struct TestCount(int Passed, int Failed, int Skipped)
{
    /// <summary>The sum of two.</summary>
    public static TestCount operator +(TestCount a, TestCount b) => new(a.Passed + b.Passed, a.Failed + b.Failed, a.Skipped + b.Skipped);

    /// <summary>Counts the results in a TRX file: whatever neither passed nor was skipped has failed.</summary>
    /// <exception cref="InvalidDataException">It is not such a file.</exception>
    public static TestCount FromTrx(Stream trx)
    {
        XDocument document = XDocument.Load(trx);
        XElement counters = document.Descendants().FirstOrDefault(element => element.Name.LocalName is "Counters")
            ?? throw new InvalidDataException("No counters in the test results.");
        int total = Number(counters, "total");
        int passed = Number(counters, "passed");
        int executed = Number(counters, "executed");
        return new TestCount(passed, executed - passed, total - executed);
    }

    /// <summary>The line a run ends with.</summary>
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"{Passed} passed, {Failed} failed{(Skipped > 0 ? string.Create(CultureInfo.InvariantCulture, $", {Skipped} skipped") : "")}");

    private static int Number(XElement counters, string name) =>
        int.TryParse(counters.Attribute(name)?.Value, NumberStyles.None, CultureInfo.InvariantCulture, out int number)
            ? number
            : throw new InvalidDataException($"No number '{name}' in the test results.");
}
