#!/usr/bin/env bash
# The main job, start to end, on the built-in simulator: the flat LAN of article 431459 gets its Deployment Site.
#
# Works in a copy of examples/deployment-site in target/demo, on a new world each time. Every command is shown as one
# would type it there. Any exit code but the expected one ends the demo, and so does a client on the wrong server.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
program=$(realpath "${SITEWRIGHT:-target/debug/sitewright}")
PATH="$(dirname "$program"):$PATH"

rm -rf target/demo
mkdir -p target
cp -r examples/deployment-site target/demo
rm -rf target/demo/state
cd target/demo

say() { printf '\n# %s\n' "$@"; }

# run EXPECTED-EXIT-CODE COMMAND…
run() {
  local expected=$1 code=0
  shift
  printf '$ %s\n' "$*"
  "$@" || code=$?
  if [ "$code" != "$expected" ]; then
    printf 'demo: exit code %s, expected %s\n' "$code" "$expected" >&2
    exit 1
  fi
}

# Counts the agents that are no site servers by network, task server and where they would fetch the image.
talk() {
  printf '$ sitewright sim clients --platform sim:flat-lan    # counted\n'
  sitewright sim clients --platform sim:flat-lan |
    awk 'NR > 1 && $1 !~ /^(SMP01|SITE01|DEPLOY01)\./ {
      network = $2; sub(/\.[0-9]+$/, ".0/24", network)
      from = $4; for (i = 5; i <= NF; i++) from = from " " $i
      gsub(/\.corp\.example/, "", from); sub(/\..*/, "", $3)
      count[sprintf("%-15s tasks from %-9s the image from %s", network, $3, from == "-" ? "nowhere" : from)]++
    }
    END { for (line in count) printf "%3d clients of %s\n", count[line], line }' |
    sort -k 4,4 -k 1,1nr | tee clients.txt
}

say 'An office LAN with two site servers beside the SMP, and no sites: clients roam.'
talk

say 'What the administrator declares. The platform is the simulator; a real one is a URL.'
run 0 sed '/^#/d' sites.yaml
run 0 sitewright validate

say 'Once for each server: read-only reports, which make a refresh a constant number of requests (their SQL is cut here).'
run 0 sitewright profile install-reports --yes | cut -c -100

say 'One client of the imaging network, as things stand.'
run 0 sitewright explain IMAGE-001

say 'The plan: what is wrong today, what would change, and in which order.'
run 0 sitewright plan

say 'Apply it. Two settings have no public interface and are left as console steps: exit code 4.'
run 4 sitewright apply --yes

say 'An administrator does them, here in the simulated console.'
run 0 sitewright sim console capture-target DEPLOY01.corp.example --platform sim:flat-lan
run 0 sitewright sim console constrain Deployment_Site on --platform sim:flat-lan

say 'Apply again: they are seen, and nothing is left.'
run 0 sitewright apply --yes
run 0 sitewright plan --detailed-exitcode

say 'Two hours later: who talks to whom?'
run 0 sitewright sim tick 2h --platform sim:flat-lan
talk

if grep -F ' 192.168.10.' clients.txt | grep -qE 'SMP01|SITE01|nowhere| - ' || grep -F ' 192.168.0.' clients.txt | grep -qF DEPLOY01 ||
  ! grep -qE '^ 20 clients of 192\.168\.10\.' clients.txt; then
  echo 'demo: a client talks to the wrong server' >&2
  exit 1
fi
say 'The same client, and then the verification of article 431459, around a deployment and a capture.'
run 0 sitewright explain IMAGE-001
run 0 sitewright verify --take-baseline before.json
run 0 sitewright sim console run-task 'Deploy Win11' IMAGE-001 IMAGE-002 --platform sim:flat-lan
run 0 sitewright sim console run-task 'Capture Win11' IMAGE-003 --platform sim:flat-lan
run 0 sitewright sim tick 10m --platform sim:flat-lan
run 0 sitewright verify --baseline before.json

say 'All 20 deployment clients use DEPLOY01, none of the 40 office clients does.'
