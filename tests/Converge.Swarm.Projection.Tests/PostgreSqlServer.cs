using System.Diagnostics;

namespace Converge.Swarm.Projection.Tests;

/// <summary>A PostgreSQL of our own, in a folder of its own, on a Unix socket in it; gone afterwards.</summary>
public sealed class PostgreSqlServer : IAsyncLifetime
{
    private const string User = "converge";

    /// <summary>PostgreSQL refuses to run as root; Debian has made this user for it.</summary>
    private const string UnprivilegedUser = "postgres";

    private static readonly string? Binaries = FindBinaries();

    private readonly TemporaryFolder _folder = new();

    /// <summary>Why there is no server here; null when there is one.</summary>
    public static string? MissingReason { get; } =
        Binaries is null ? "PostgreSQL is not installed here: there is no initdb under /usr/lib/postgresql or on the PATH."
        : OperatingSystem.IsWindows() ? "The test server listens on a Unix socket."
        : IsRoot && !File.ReadLines("/etc/passwd").Any(line => line.StartsWith($"{UnprivilegedUser}:", StringComparison.Ordinal))
            ? $"PostgreSQL does not run as root, and there is no user '{UnprivilegedUser}' to run it as."
        : null;

    public string ConnectionString => $"Host={_folder.Path};Username={User};Database=postgres";

    private static bool IsRoot => string.Equals(Environment.UserName, "root", StringComparison.Ordinal);

    private string Data => _folder.Sub("data");

    public async Task InitializeAsync()
    {
        if (MissingReason is not null)
        {
            return;
        }

        if (IsRoot)
        {
            await RunAsync("chown", UnprivilegedUser, _folder.Path);
        }

        await RunServerToolAsync("initdb", "-D", Data, "-U", User, "--auth=trust", "-E", "UTF8", "--locale=C", "--no-sync");
        await StartAsync();
    }

    public Task StartAsync() => RunServerToolAsync(
        "pg_ctl", "start", "-w", "-D", Data, "-l", _folder.Sub("log"), "-o", $"-k {_folder.Path} -c listen_addresses= -c fsync=off");

    public Task StopAsync() => RunServerToolAsync("pg_ctl", "stop", "-w", "-D", Data, "-m", "immediate");

    public async Task DisposeAsync()
    {
        if (MissingReason is null)
        {
            await StopAsync();
        }

        _folder.Dispose();
    }

    private static Task RunServerToolAsync(string tool, params string[] arguments)
    {
        string path = Path.Combine(Binaries!, tool);
        return IsRoot ? RunAsync("runuser", ["-u", UnprivilegedUser, "--", path, .. arguments]) : RunAsync(path, arguments);
    }

    private static async Task RunAsync(string program, params string[] arguments)
    {
        ProcessStartInfo start = new(program, arguments) { WorkingDirectory = "/", UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true };
        using Process process = Process.Start(start)!;
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        Task<string> error = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, $"{program} {string.Join(' ', arguments)} ended with {process.ExitCode}: {await output} {await error}");
    }

    private static string? FindBinaries()
    {
        IEnumerable<string> debian = Directory.Exists("/usr/lib/postgresql")
            ? Directory.GetDirectories("/usr/lib/postgresql").OrderDescending(StringComparer.Ordinal).Select(version => Path.Combine(version, "bin"))
            : [];
        string[] path = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries);
        return debian.Concat(path).FirstOrDefault(folder => File.Exists(Path.Combine(folder, "initdb")) && File.Exists(Path.Combine(folder, "pg_ctl")));
    }
}

/// <summary>A test that needs PostgreSQL; skipped, with the reason, where there is none.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class PostgreSqlFactAttribute : FactAttribute
{
    public PostgreSqlFactAttribute() => Skip = PostgreSqlServer.MissingReason;
}
