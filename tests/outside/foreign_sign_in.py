#!/usr/bin/env python3
"""Foreign sign-in: `foreign_sign_in.py URL` tries the NTLM and Negotiate of a server with software that others wrote.

The server offers both schemes; what it demands beyond passwords is said by options. Prints `N passed, N failed` and exits
with 1 if any check failed, each of which is told on standard error. A client that this machine lacks is named there, too.
Needs requests-ntlm and pyspnego (requirements.txt), and curl. The password comes from the environment.
"""
from __future__ import annotations

import argparse
import os
import sys

from clients.checks import Tally
from clients.sign_in import (Server, curl, curl_can, gss_ntlmssp, has_gss_ntlmssp, pyspnego, refuse_way, requests_ntlm,
                             try_way)


def main() -> int:
    """Tries every way to sign in."""
    parser = argparse.ArgumentParser(description="Signs in by requests-ntlm, pyspnego and curl.")
    parser.add_argument("url", help="the server, such as http://127.0.0.1:8089")
    parser.add_argument("--user", default="CORP\\svc", help="an account that it knows")
    parser.add_argument("--ca", help="the CA of a server with TLS, in PEM")
    parser.add_argument("--channel-binding", choices=["accept", "required"], default="accept", help="what it demands")
    parser.add_argument("--mic", choices=["accept", "required"], default="required", help="what it demands")
    parser.add_argument("--verbose", action="store_true", help="also tell the checks that passed")
    arguments = parser.parse_args()
    server = Server(arguments.url.rstrip("/"), arguments.ca, arguments.user, os.environ["SIGN_IN_PASSWORD"])
    tally = Tally(arguments.verbose)
    requires_binding = arguments.channel_binding == "required"

    try_way(tally, "requests-ntlm", requests_ntlm(server), server)
    for scheme, protocol in (("NTLM", "ntlm"), ("Negotiate", "ntlm"), ("Negotiate", "negotiate")):
        name = f"pyspnego, {protocol} as {scheme}"
        try_way(tally, name, pyspnego(server, scheme, protocol), server)
        if arguments.ca:
            elsewhere = pyspnego(server, scheme, protocol, channel=bytes(32))
            refuse_way(tally, f"{name}: another channel is refused", elsewhere, server)
            unbound = pyspnego(server, scheme, protocol, bound=False)
            if requires_binding:
                refuse_way(tally, f"{name}: no channel is refused", unbound, server)
            else:
                try_way(tally, f"{name}, unbound", unbound, server)

    # curl's own NTLM makes no integrity code and binds to no channel.
    if not curl_can("NTLM"):
        print("not tried: this curl has no NTLM", file=sys.stderr)
    elif requires_binding or arguments.mic == "required":
        refuse_way(tally, "curl --ntlm is refused where more is demanded", curl(server, "--ntlm"), server)
    else:
        try_way(tally, "curl --ntlm", curl(server, "--ntlm"), server)
    if not has_gss_ntlmssp():
        print("not tried: curl --negotiate needs gss-ntlmssp", file=sys.stderr)
    elif not requires_binding:
        try_way(tally, "curl --negotiate with gss-ntlmssp", gss_ntlmssp(server), server)

    print(f"{tally.passed} passed, {tally.failed} failed")
    return 1 if tally.failed else 0


if __name__ == "__main__":
    sys.exit(main())
