using System.Runtime.InteropServices;

namespace Converge.Swarm.Cli.Terminal;

/// <summary>
/// Ctrl-C and the termination signal as one cancellation. A second Ctrl-C ends the process at once, for those who will not wait.
/// </summary>
internal sealed class StopSignals : IDisposable
{
    private readonly CancellationTokenSource _stopping = new();
    private readonly PosixSignalRegistration[] _registrations;
    private int _interrupts;

    public StopSignals()
    {
        _registrations =
        [
            PosixSignalRegistration.Create(PosixSignal.SIGINT, OnInterrupt),
            PosixSignalRegistration.Create(PosixSignal.SIGTERM, OnTerminate),
            PosixSignalRegistration.Create(PosixSignal.SIGHUP, OnTerminate),
        ];
    }

    /// <summary>Cancelled by the first signal.</summary>
    public CancellationToken Stopping => _stopping.Token;

    public void Dispose()
    {
        foreach (PosixSignalRegistration registration in _registrations)
        {
            registration.Dispose();
        }

        _stopping.Dispose();
    }

    private void OnInterrupt(PosixSignalContext context)
    {
        if (Interlocked.Increment(ref _interrupts) > 1)
        {
            Environment.Exit(ExitCode.Interrupted);
        }

        OnTerminate(context);
    }

    private void OnTerminate(PosixSignalContext context)
    {
        context.Cancel = true;
        _stopping.Cancel();
    }
}
