"""The whole: a folder, a KDC, and Apache httpd before a server that knows no sign-in."""
from __future__ import annotations

import glob
from pathlib import Path
from types import TracebackType

from . import httpd
from .host import Host, program
from .httpd import Httpd
from .kdc import REALM, Kdc

USER, PASSWORD, DOMAIN = "svc-sitewright", "Correct horse, battery staple", "CORP"

# What must be there, and in which Debian package.
_PROGRAMS = {"apache2": "apache2-bin", "krb5kdc": "krb5-kdc", "kdb5_util": "krb5-kdc", "kadmin.local": "krb5-admin-server",
             "kinit": "krb5-user", "curl": "curl", "openssl": "openssl"}


def missing() -> list[str]:
    """The Debian packages that this machine lacks."""
    lacking = {package for name, package in _PROGRAMS.items() if program(name) is None}
    if "apache2-bin" in lacking and program("httpd"):
        lacking.remove("apache2-bin")
    if httpd.modules() is None:
        lacking.add("libapache2-mod-auth-gssapi")
    if not any("gssntlmssp" in Path(one).read_text(encoding="utf-8") for one in glob.glob("/etc/gss/mech.d/*.conf")):
        lacking.add("gss-ntlmssp")
    return sorted(lacking)


class Realm:
    """A context manager: everything runs within it, and nothing is left after it."""

    def __init__(self, upstream: str, folder: Path | None = None) -> None:
        self._upstream = upstream.rstrip("/")
        self._folder = folder

    def __enter__(self) -> Realm:
        self.host = Host(self._folder)
        try:
            services = ["HTTP/localhost", "HTTP/127.0.0.1"]
            self.kdc = Kdc(self.host, USER, PASSWORD, services)
            accounts = self.host.write("accounts", f"{DOMAIN}:{USER}:{PASSWORD}\n")
            self.httpd = Httpd(self.host, self._upstream, self.kdc.service_keytab, accounts, self.kdc.environment)
            self.cache = self.host.folder / "ticket"
            self.kdc.ticket(USER, self.cache)
        except BaseException:
            self.host.close()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.host.close()

    def describe(self) -> dict[str, str]:
        """All that a client needs."""
        return {
            "kerberosUrl": f"http://localhost:{self.httpd.kerberos}",
            "eachRequestUrl": f"http://localhost:{self.httpd.each}",
            "negotiateUrl": f"http://localhost:{self.httpd.negotiate}",
            "tlsUrl": f"https://localhost:{self.httpd.tls}",
            "ca": str(self.httpd.ca),
            "realm": REALM,
            "kdc": f"127.0.0.1:{self.kdc.port}",
            "service": f"HTTP/localhost@{REALM}",
            "principal": f"{USER}@{REALM}",
            "user": f"{DOMAIN}\\{USER}",
            "password": PASSWORD,
            "keytab": str(self.kdc.user_keytab),
            "ticket": f"FILE:{self.cache}",
            "krb5Conf": str(self.kdc.krb5_conf),
            "folder": str(self.host.folder),
        }
