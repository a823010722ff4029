#!/usr/bin/env bash
# Writes the JSON Schemas in schemas/ anew from the types, and docs/checks.md from the table of checks; or checks that
# they are fresh.
#
# usage: scripts/schemas.sh write|check
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
program=${SITEWRIGHT:-target/debug/sitewright}
schemas='manifest profile plan events report explanation serving verify baseline drift check state world'

case "${1:-}" in
  write)
    for schema in $schemas; do "$program" schema "$schema" > "schemas/$schema.json"; done
    "$program" validate --list --format markdown > docs/checks.md
    ;;
  check)
    stale=0
    for schema in $schemas; do
      "$program" schema "$schema" | diff -u "schemas/$schema.json" - >&2 ||
        { echo "schemas/$schema.json is not fresh: run \`make schemas\`" >&2; stale=1; }
    done
    "$program" validate --list --format markdown | diff -u docs/checks.md - >&2 ||
      { echo 'docs/checks.md is not fresh: run `make schemas`' >&2; stale=1; }
    for file in schemas/*.json; do
      case " $schemas " in
        *" $(basename "$file" .json) "*) ;;
        *) echo "$file: no type stands behind it" >&2; stale=1 ;;
      esac
    done
    exit "$stale"
    ;;
  *) echo 'usage: scripts/schemas.sh write|check' >&2; exit 64 ;;
esac
