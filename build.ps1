# The build driver. What the words mean is written in build/ (C#); this script only finds the SDK.
$ErrorActionPreference = 'Stop'

if (-not (Get-Command dotnet -ErrorAction SilentlyContinue) -or -not ((dotnet --list-sdks) -match '^10\.')) {
    Write-Host 'Converge Swarm is built with the .NET 10 SDK, which is not here.'
    Write-Host 'Get it from https://dotnet.microsoft.com/download/dotnet/10.0, then run this again.'
    exit 2
}

$env:DOTNET_NOLOGO = '1'
$env:DOTNET_CLI_TELEMETRY_OPTOUT = '1'
dotnet run --project "$PSScriptRoot/build" -- @args
exit $LASTEXITCODE
