#!/usr/bin/env bash
# Looks for drift, and tells of it.
#
# usage: drift.sh PLATFORM
# writes drift.md where there is any. Ends with 0 (none), 2 (drift) or 1 (an error: nothing is known).
set -euo pipefail
platform=$1
code=0
sitewright drift --platform "$platform" --format markdown > drift.md || code=$?
if [ "$code" = 0 ]; then
  rm -f drift.md
fi
exit "$code"
