using Converge.Swarm.Cli;
using Converge.Swarm.Cli.Terminal;

using StopSignals signals = new();
return await ConvergeProgram.RunAsync(args, CommandTerminal.OfProcess(), signals.Stopping);
