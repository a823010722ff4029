#!/usr/bin/env bash
# Runs the demo and puts what it prints into README.md, between the two marks. Nobody types that part by hand.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
session=$(mktemp)
readme=$(mktemp)
trap 'rm -f "$session" "$readme"' EXIT

# Where the project lies on this machine is nobody's business.
COLUMNS=100 NO_COLOR=1 scripts/demo.sh 2>&1 | sed "s#$PWD/##g; s/ *\$//" | tee "$session"
awk -v session="$session" '
  /^<!-- demo:begin/ { print; print "```console"; while ((getline line < session) > 0) print line; print "```"; skip = 1 }
  /^<!-- demo:end/ { skip = 0 }
  !skip
' README.md > "$readme"
cat "$readme" > README.md
