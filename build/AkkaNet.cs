namespace Converge.Build;

/// <summary>Whether the solution has its Akka.NET part on this machine. The restore finds out; see <c>build/akka</c>.</summary>
internal static class AkkaNet
{
    private const string TestProjectSuffix = ".Akka.Tests.csproj";

    /// <summary>True when the last restore found no Akka.NET, and its projects are empty.</summary>
    public static bool LeftOut => File.Exists(Repository.AkkaAnswer) && File.ReadAllText(Repository.AkkaAnswer).StartsWith("absent", StringComparison.Ordinal);

    /// <summary>True for the specs of the Akka.NET host.</summary>
    public static bool IsTestProject(string project) => project.EndsWith(TestProjectSuffix, StringComparison.Ordinal);

    /// <summary>Says so where it is left out.</summary>
    public static void SayIfLeftOut()
    {
        if (LeftOut)
        {
            Console.WriteLine(
                $"Akka.NET is left out: NuGet does not have it here. (Delete {Path.GetRelativePath(Environment.CurrentDirectory, Path.GetDirectoryName(Repository.AkkaAnswer)!)} to look again.)");
        }
    }
}
