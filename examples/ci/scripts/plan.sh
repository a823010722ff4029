#!/usr/bin/env bash
# Makes the plan of the checked-out manifests, and the comment that shows it.
#
# usage: plan.sh PLATFORM
# writes plan.json, plan.html and comment.md here. Ends with 0 (no changes), 2 (changes), 3 (blocked: the comment says
# why) or 1 (an error: there is no comment).
set -euo pipefail
platform=$1
rm -f plan.json plan.html comment.md

code=0
sitewright plan --platform "$platform" --out plan.json --detailed-exitcode || code=$?
case $code in
  0 | 2 | 3) ;;
  *) exit "$code" ;;
esac
sitewright show plan.json --format html > plan.html
{
  # Bots find their comment by the first line, and the approved plan by the second.
  printf '<!-- sitewright-plan: %s -->\n' "$platform"
  printf '<!-- sitewright-digest: %s -->\n\n' "$(jq -er .digest plan.json)"
  sitewright show plan.json --format markdown
} > comment.md
exit "$code"
