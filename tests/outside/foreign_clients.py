#!/usr/bin/env python3
"""Foreign clients: `foreign_clients.py URL` tries a server that speaks the documented wire, with zeep and with curl.

Prints `N passed, N failed` and exits with 1 if any check failed, each of which is told on standard error.
Needs zeep (requirements.txt) and curl. Reads only, unless `--write` is given. See README.md.
"""
from __future__ import annotations

import argparse
import logging
import sys

from clients.checks import Tally
from clients.forms import FormChecks
from clients.soap import SoapChecks


def main() -> int:
    """Runs all checks against one server."""
    parser = argparse.ArgumentParser(description="Tries an SMP with zeep and curl.")
    parser.add_argument("url", help="the server, such as http://127.0.0.1:8089")
    parser.add_argument("--item", default="Deploy Win11", help="the name of an item that is there once")
    parser.add_argument("--package", default="Win11-24H2 golden", help="the name of a package that is there")
    parser.add_argument("--write", action="store_true", help="also create, run and delete a report")
    parser.add_argument("--verbose", action="store_true", help="also tell the checks that passed")
    arguments = parser.parse_args()
    logging.getLogger("zeep").setLevel(logging.ERROR)
    tally = Tally(arguments.verbose)
    base = arguments.url.rstrip("/")
    base = base[: -len("/Altiris")] if base.lower().endswith("/altiris") else base
    soap = SoapChecks(tally, base, arguments.item, arguments.package)
    soap.run(arguments.write)
    FormChecks(tally, base, soap.found, soap.namespaces, arguments.item).run()
    print(f"{tally.passed} passed, {tally.failed} failed")
    return 1 if tally.failed else 0


if __name__ == "__main__":
    sys.exit(main())
