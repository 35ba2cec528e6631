using System.IO.Compression;
using System.Text;
using System.Text.Json;
using Converge.Core;
using Converge.Core.Json;

namespace Converge.Swarm.Tests.Governance;

public sealed class SampleTests
{
    private const string DataVariable = "CONVERGE_DATA";

    [Fact]
    public void The_sample_comes_out_as_it_says()
    {
        string folder = SamplesFolder();
        List<FactSubmission> submissions = Read(File.ReadLines(Path.Combine(folder, "governance-sample.jsonl"), Encoding.UTF8));
        using JsonDocument expected = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, "governance-sample.expected.json")));

        Dictionary<string, int> refused = Import(submissions, out int accepted);

        Assert.Equal(expected.RootElement.GetProperty("facts").GetInt32(), submissions.Count);
        Assert.Equal(expected.RootElement.GetProperty("accepted").GetInt32(), accepted);
        Assert.Equal(
            expected.RootElement.GetProperty("refused").EnumerateObject().ToDictionary(one => one.Name, one => one.Value.GetInt32(), StringComparer.Ordinal),
            refused);
        Assert.Equal(Enum.GetValues<RefusalCode>().Length, refused.Count);
        Assert.Equal(Enum.GetValues<FactKind>().Length, submissions.Select(submission => submission.Fact.Kind).Distinct().Count());
    }

    [Fact]
    public void The_sample_comes_out_the_same_however_proposals_interleave()
    {
        List<FactSubmission> submissions = Read(File.ReadLines(Path.Combine(SamplesFolder(), "governance-sample.jsonl"), Encoding.UTF8));
        Dictionary<string, int> inOrder = Import(submissions, out int accepted);
        List<FactSubmission> interleaved = [.. submissions
            .GroupBy(submission => submission.Fact.ProposalId, StringComparer.Ordinal)
            .SelectMany(group => group.Select((submission, place) => (submission, place)))
            .OrderBy(one => one.place)
            .Select(one => one.submission)];

        Assert.Equal(inOrder, Import(interleaved, out int acceptedInterleaved));
        Assert.Equal(accepted, acceptedInterleaved);
    }

    [Fact]
    public void Every_fact_of_a_real_history_is_accepted()
    {
        // The whole history does not belong into the repository; without it the sample stands for it.
        string? path = Environment.GetEnvironmentVariable(DataVariable);
        List<FactSubmission> submissions = path is null
            ? Read(File.ReadLines(Path.Combine(SamplesFolder(), "governance-sample.jsonl"), Encoding.UTF8).Take(1_400))
            : Read(LinesOf(path));

        Dictionary<string, int> refused = Import(submissions, out int accepted);
        Assert.Empty(refused);
        Assert.Equal(submissions.Count, accepted);
        Assert.Equal(path is null ? 1_400 : 37_291, accepted);
    }

    private static Dictionary<string, int> Import(List<FactSubmission> submissions, out int accepted)
    {
        var log = new AgreedLog();
        Dictionary<string, int> refused = new(StringComparer.Ordinal);
        accepted = 0;
        foreach (FactSubmission submission in submissions)
        {
            if (log.Commit(submission).ToAnswer() is FactRefused refusal)
            {
                refused[refusal.Code.Name()] = refused.GetValueOrDefault(refusal.Code.Name()) + 1;
            }
            else
            {
                accepted++;
            }
        }

        return refused;
    }

    private static List<FactSubmission> Read(IEnumerable<string> lines) => [.. lines.Select(line =>
        FactJson.TryParse(Encoding.UTF8.GetBytes(line), out FactSubmission? submission, out InputFault? fault)
            ? submission
            : throw new FormatException($"{fault.Code.Name()}: {fault.Message} {line}"))];

    private static List<string> LinesOf(string path)
    {
        using var reader = new StreamReader(new GZipStream(File.OpenRead(path), CompressionMode.Decompress), Encoding.UTF8);
        var lines = new List<string>();
        while (reader.ReadLine() is { } line)
        {
            lines.Add(line);
        }

        return lines;
    }

    private static string SamplesFolder()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            string samples = Path.Combine(folder.FullName, "samples");
            if (File.Exists(Path.Combine(samples, "governance-sample.jsonl")))
            {
                return samples;
            }
        }

        throw new DirectoryNotFoundException($"There is no folder with the samples above {AppContext.BaseDirectory}.");
    }
}
