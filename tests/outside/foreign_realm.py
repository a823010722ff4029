#!/usr/bin/env python3
"""A foreign realm: `foreign_realm.py UPSTREAM` puts Apache httpd, mod_auth_gssapi, gss-ntlmssp and MIT's KDC before a
server that knows no sign-in, and signs in there with curl, requests-ntlm and pyspnego.

Prints `N passed, N failed`, and exits with 1 if any check failed, each of which is told on standard error; with 3 where
Debian packages are missing, which it names. For use by hand, and by other tests, there is `python3 -m realm up`.
"""
from __future__ import annotations

import argparse
import sys

from clients.checks import Tally, expect, expect_equal
from clients.sign_in import (Server, gss_ntlmssp, kerberos, pyspnego, refuse_way, requests_ntlm, try_way)
from realm import Realm, missing
from realm.host import Failure


def tickets(tally: Tally, server: Server, said: dict[str, str]) -> None:
    """A ticket opens each of the doors, and no ticket none."""
    with tally.check(f"{server.url}: curl with a ticket signs in"):
        expect_equal(kerberos(server, said["krb5Conf"], said["ticket"]), [200, 200, 200], "statuses")
    with tally.check(f"{server.url}: curl without a ticket does not"):
        none = f"FILE:{said['folder']}/none"
        expect_equal(set(kerberos(server, said["krb5Conf"], none)), {401}, "statuses")


def keytabs(tally: Tally, realm: Realm) -> None:
    """The KDC gives tickets for the user's keytab only, and not for that of another."""
    with tally.check("kinit with the keytab of somebody else is refused"):
        try:
            realm.kdc.ticket("nobody", realm.host.folder / "other")
        except Failure as error:
            expect("nobody@" in str(error), f"it failed for another reason: {error}")
        else:
            raise AssertionError("there is a ticket")


def main() -> int:
    """Sets everything up, and tries it."""
    parser = argparse.ArgumentParser(description="Signs in at Apache httpd before a server that knows no sign-in.")
    parser.add_argument("upstream", help="the server, such as http://127.0.0.1:8089")
    parser.add_argument("--verbose", action="store_true", help="also tell the checks that passed")
    arguments = parser.parse_args()
    lacking = missing()
    if lacking:
        print(f"missing: {' '.join(lacking)}", file=sys.stderr)
        return 3
    tally = Tally(arguments.verbose)
    with Realm(arguments.upstream) as realm:
        said = realm.describe()

        def door(name: str, ca: str | None = None) -> Server:
            return Server(said[name], ca, said["user"], said["password"], exact_names=True)

        only, both, tls = door("kerberosUrl"), door("negotiateUrl"), door("tlsUrl", said["ca"])
        keytabs(tally, realm)
        for server in (only, both, tls):
            tickets(tally, server, said)
            ways = {
                "requests-ntlm": requests_ntlm(server),
                "pyspnego, ntlm as NTLM": pyspnego(server, "NTLM", "ntlm"),
                "pyspnego, ntlm as Negotiate": pyspnego(server, "Negotiate", "ntlm"),
                "pyspnego, negotiate as Negotiate": pyspnego(server, "Negotiate", "negotiate"),
                "curl --negotiate with gss-ntlmssp": gss_ntlmssp(server),
            }
            for name, way in ways.items():
                if server is only:
                    refuse_way(tally, f"{server.url}: {name} is refused where Kerberos is asked for", way, server)
                else:
                    try_way(tally, f"{server.url}: {name}", way, server)
        if tally.failed:
            print(realm.host.logs(), file=sys.stderr)
    print(f"{tally.passed} passed, {tally.failed} failed")
    return 1 if tally.failed else 0


if __name__ == "__main__":
    sys.exit(main())
