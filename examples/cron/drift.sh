#!/bin/sh
# Says what the world changed since the last apply, for cron: nothing where there is no drift, so that no mail is sent.
#
# usage: drift.sh WORKSPACE [TEXTFILE]
#   WORKSPACE  the folder with sitewright.yaml and the manifests
#   TEXTFILE   where numbers are written for the textfile collector of Prometheus
#
# Drift is no failure of this job: it is mailed, and the exit code is 0. Errors have that of `sitewright drift`.
set -u

workspace=${1:?usage: drift.sh WORKSPACE [TEXTFILE]}
cd "$workspace" || exit 1
told=$(mktemp) || exit 1
trap 'rm -f "$told" "$told.log"' EXIT

if [ -n "${2:-}" ]; then
  sitewright drift --format markdown --textfile "$2" >"$told" 2>"$told.log"
else
  sitewright drift --format markdown >"$told" 2>"$told.log"
fi
code=$?

case $code in
  0) ;;
  2)
    echo "Drift on $(hostname), $workspace"
    echo
    cat "$told" "$told.log"
    code=0
    ;;
  *)
    echo "Drift cannot be told on $(hostname), $workspace"
    echo
    cat "$told.log" "$told"
    ;;
esac
exit "$code"
