#!/usr/bin/env bash
# The build driver. What the words mean is written in build/ (C#); this script only finds the SDK.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"

if ! command -v dotnet >/dev/null || ! (dotnet --list-sdks 2>/dev/null | grep -q '^10\.'); then
  echo "Converge Swarm is built with the .NET 10 SDK, which is not here." >&2
  echo "Get it from https://dotnet.microsoft.com/download/dotnet/10.0, then run this again." >&2
  exit 2
fi

export DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1
exec dotnet run --project "$here/build" -- "$@"
