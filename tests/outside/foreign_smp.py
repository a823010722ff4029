#!/usr/bin/env python3
"""Runs the foreign SMP: `foreign_smp.py --listen 127.0.0.1:0`, or `--print-profile` for its server profile.

Prints `listening on http://HOST:PORT` once it answers. Python 3.11, standard library only. See README.md.
"""
from __future__ import annotations

import argparse
import time

from foreign import flat_lan, profile
from foreign.serving import ForeignServer


def _address(text: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if not colon or not port.isdigit():
        raise argparse.ArgumentTypeError(f"expected HOST:PORT, found '{text}'")
    return host, int(port)


def main() -> None:
    """Reads the arguments and serves until it is stopped."""
    parser = argparse.ArgumentParser(description="A foreign Symantec Management Platform for tests.")
    parser.add_argument("--listen", type=_address, default=("127.0.0.1", 0), metavar="HOST:PORT")
    parser.add_argument("--print-profile", action="store_true", help="print the server profile and stop")
    arguments = parser.parse_args()
    if arguments.print_profile:
        print(profile.text(), end="")
        return
    with ForeignServer(arguments.listen, flat_lan.build(time.monotonic)) as server:
        print(f"listening on {server.url}", flush=True)
        try:
            server.serve_forever(poll_interval=0.1)
        except KeyboardInterrupt:
            pass


if __name__ == "__main__":
    main()
