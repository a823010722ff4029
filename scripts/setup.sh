#!/usr/bin/env bash
# Installs what `make test` and `make check` need and what is missing. Runs again in no time when all is there.
#
# usage: scripts/setup.sh test|deny
#   test  cargo-nextest, an S3 server, a Python environment in .tools/venv, curl, nft, git, jq, xmllint,
#         systemd-analyze, Graphviz, Chromium, libfaketime, PostgreSQL, and what signing in is tried against: Apache
#         httpd, mod_auth_gssapi, gss-ntlmssp, MIT Kerberos. None of it is started
#   deny  cargo-deny
#
# Cargo's tools and the Python environment go into .tools. Only Debian packages leave the folder, and only
# where this runs as root; otherwise the command is said.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export PATH="$PWD/.tools/bin:$PATH:$HOME/.cargo/bin"

nextest_version=0.9.143
deny_version=0.20.2
s3_version=0.14.1

say() { printf 'setup: %s\n' "$*" >&2; }

# cargo_tool COMMAND CRATE VERSION
cargo_tool() {
  if ! "$1" --version >/dev/null 2>&1; then
    say "installing $2 $3 into .tools (a few minutes, once)"
    cargo install --quiet --locked --root .tools "$2" --version "$3"
  fi
}

# The S3 server that the tests keep state on: it checks conditions of writes and outlives being killed. Newer versions need
# a newer Rust. Built without optimising, in a minute or two.
s3_server() {
  if ! [ -x .tools/bin/s3s-fs ]; then
    say "installing s3s-fs $s3_version into .tools (a few minutes, once)"
    cargo install --quiet --locked --debug --root .tools s3s-fs --version "$s3_version" --features binary
  fi
}

# debian_package NAME REASON
debian_package() {
  if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
    say "installing $1: $2"
    export DEBIAN_FRONTEND=noninteractive
    apt-get install -qq -y --no-install-recommends "$1" >&2 ||
      { apt-get update -qq >&2 && apt-get install -qq -y --no-install-recommends "$1" >&2; }
  else
    say "$1 is missing: $2. Install it, on Debian by: sudo apt-get install $1"
    exit 1
  fi
}

# The browser that the pages of plans are opened in.
browser() {
  local name
  for name in chromium chromium-browser google-chrome; do
    ! command -v "$name" >/dev/null || return 0
  done
  debian_package chromium 'the tests open the page of a plan in it'
}

python_environment() {
  local venv=.tools/venv wanted
  wanted=$(cat tests/requirements.txt tests/outside/requirements.txt)
  if [ -x "$venv/bin/python" ] && [ "$(cat "$venv/requirements.done" 2>/dev/null)" = "$wanted" ]; then
    return
  fi
  command -v python3 >/dev/null || debian_package python3 'the foreign SMP of the tests is written in it'
  python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
    { say "Python 3.11 or later is needed, found $(python3 --version)"; exit 1; }
  python3 -c 'import venv, ensurepip' 2>/dev/null ||
    debian_package python3-venv 'the tests keep their Python packages apart'
  say 'making the Python environment .tools/venv'
  rm -rf "$venv"
  python3 -m venv "$venv"
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --requirement tests/requirements.txt
  printf '%s\n' "$wanted" > "$venv/requirements.done"
}

# without_services REASON PACKAGE…
# Installs packages without starting their servers, now or when the machine boots: the tests start their own.
without_services() {
  local policy=/usr/sbin/policy-rc.d reason=$1 unit name code=0
  shift
  local units='krb5-kdc krb5-admin-server'
  [ "$*" != postgresql ] || units=postgresql
  for unit in $units; do
    if [ -d /etc/systemd/system ] && ! [ -e "/lib/systemd/system/$unit.service" ] &&
      ! [ -L "/etc/systemd/system/$unit.service" ]; then
      ln -s /dev/null "/etc/systemd/system/$unit.service"
      say "the service $unit is masked; undo it by: systemctl unmask $unit"
    fi
  done
  if ! [ -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' > "$policy"
    chmod 755 "$policy"
    trap 'rm -f /usr/sbin/policy-rc.d' EXIT
  fi
  for name in "$@"; do
    debian_package "$name" "$reason" || code=1
  done
  return "$code"
}

# What `tests/outside/realm` needs. Elsewhere its tests are skipped, but not where CI judges.
realm_packages() {
  local missing
  missing=$(cd tests/outside && python3 -B -m realm check 2>&1) && return
  missing=${missing#missing: }
  # shellcheck disable=SC2086 # they are several
  if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ] &&
    without_services 'the tests sign in at Apache httpd by Kerberos and NTLM' $missing; then
    return
  fi
  say "the tests of Kerberos and of NTLM at Apache httpd lack: $missing. On Debian: sudo apt-get install $missing"
  [ "${CI:-}" != true ]
}

# A clock that jumps. Elsewhere its test is skipped, but not where CI judges.
faketime() {
  local library
  for library in /usr/lib/*/faketime/libfaketimeMT.so.1 /usr/lib64/faketime/libfaketimeMT.so.1; do
    ! [ -e "$library" ] || return 0
  done
  if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
    debian_package faketime 'a test turns the clock of the program back'
    return
  fi
  say 'the test of a clock that jumps back lacks libfaketime. On Debian: sudo apt-get install faketime'
}

# The server that state is kept in. Elsewhere its tests are skipped, but not where CI judges.
database_package() {
  local program
  for program in /usr/lib/postgresql/*/bin/initdb "$(command -v initdb || true)"; do
    [ -x "$program" ] && return
  done
  if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ] &&
    without_services 'the tests keep state in it' postgresql; then
    return
  fi
  say 'the tests of state in a database lack PostgreSQL. On Debian: sudo apt-get install postgresql'
  [ "${CI:-}" != true ]
}

case "${1:-}" in
  test)
    cargo_tool cargo-nextest cargo-nextest "$nextest_version"
    command -v curl >/dev/null || debian_package curl 'the foreign clients call the simulator with it'
    PATH="$PATH:/usr/sbin:/sbin" command -v nft >/dev/null ||
      debian_package nftables 'the tests load the allow-lists of `sitewright firewall` with nft'
    command -v git >/dev/null || debian_package git 'the test of a pipeline keeps its manifests in it'
    command -v jq >/dev/null || debian_package jq 'the scripts of examples/ci read plans with it'
    command -v xmllint >/dev/null || debian_package libxml2-utils 'the tests read the task of Windows with it'
    ! [ "$(uname)" = Linux ] || command -v systemd-analyze >/dev/null ||
      debian_package systemd 'the tests read the units of examples/ci with its systemd-analyze'
    command -v dot >/dev/null || debian_package graphviz 'a test draws what `sitewright graph` writes'
    s3_server
    python_environment
    realm_packages
    faketime
    database_package
    browser
    ;;
  deny) cargo_tool cargo-deny cargo-deny "$deny_version" ;;
  *) echo 'usage: scripts/setup.sh test|deny' >&2; exit 64 ;;
esac
