#!/usr/bin/env bash
# Applies the approved plan, that file and no other.
#
# usage: apply.sh PLATFORM PLANFILE DIGEST
# DIGEST is the one that the reviewers were shown. Ends with 0 where all is done, also console steps that are left to a
# person: those are in runbook.md then. Ends with 1 where the plan is not the approved one, is of other manifests than
# those checked out, or the server has changed since; nothing is written in these cases.
set -euo pipefail
platform=$1 file=$2 approved=$3
rm -f runbook.md

# `sitewright` itself refuses a file that does not have the digest that it names.
found=$(jq -er .digest "$file")
if [ "$found" != "$approved" ]; then
  echo "the plan is not the approved one: expected $approved, found $found" >&2
  exit 1
fi
code=0
sitewright apply "$file" --platform "$platform" --if-current . --yes --lock-timeout 600 || code=$?
case $code in
  0) ;;
  4)
    sitewright runbook "$file" --format markdown --out runbook.md
    echo 'done, but for the console steps in runbook.md; run this job again once they are done' >&2
    ;;
  *) exit "$code" ;;
esac
