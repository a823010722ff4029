"""`python3 -m realm up --upstream URL [--folder F]`, and `python3 -m realm check`. See README.md.

`up` prints one line of JSON with all that a client needs, and keeps everything running until its standard input ends, or
it is told to end. `check` names the Debian packages that are missing, and exits with 3 if there are any.
"""
from __future__ import annotations

import argparse
import json
import signal
import sys
from pathlib import Path

from . import Realm, missing
from .host import Failure


def _end(*_: object) -> None:
    raise SystemExit(0)


def main() -> int:
    """Runs one of the two."""
    parser = argparse.ArgumentParser(prog="realm", description="MIT's KDC, and Apache httpd that asks for a sign-in.")
    commands = parser.add_subparsers(dest="command", required=True)
    up = commands.add_parser("up", help="set it up, and keep it up until standard input ends")
    up.add_argument("--upstream", required=True, help="the server to pass on to, such as http://127.0.0.1:8089")
    up.add_argument("--folder", type=Path, help="an empty folder for everything; a fresh one without it")
    commands.add_parser("check", help="name the packages that are missing")
    arguments = parser.parse_args()

    lacking = missing()
    if lacking:
        print(f"missing: {' '.join(lacking)}", file=sys.stderr)
        return 3
    if arguments.command == "check":
        return 0
    signal.signal(signal.SIGTERM, _end)
    signal.signal(signal.SIGINT, _end)
    try:
        with Realm(arguments.upstream, arguments.folder) as realm:
            print(json.dumps(realm.describe()), flush=True)
            sys.stdin.read()
    except Failure as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
