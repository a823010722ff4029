"""Foreign software that signs in: requests-ntlm, pyspnego and curl, each on a connection of its own.

Every way takes a user and a password and gives the statuses of three requests: the one that signs in, and two more on
what is the same connection where the client can hold one. pyspnego's messages go through `http.client`, which does
nothing by itself, so what is sent and when is seen here.
"""
from __future__ import annotations

import base64
import hashlib
import http.client
import os
import ssl
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Callable
from urllib.parse import urlsplit

import requests
import spnego
from requests_ntlm import HttpNtlmAuth
from spnego.channel_bindings import GssChannelBindings
from spnego.exceptions import SpnegoError

from .checks import MISSING_GUID, Tally, expect, expect_equal

PATH = f"/Altiris/ASDK.NS/ItemManagementService.asmx/ItemExists?itemGuid={MISSING_GUID}"
Way = Callable[[str, str], list[int]]


@dataclass
class Server:
    """Where the server is, whom to trust, and the account that it knows."""

    url: str
    ca: str | None
    user: str
    password: str
    # gss-ntlmssp compares names exactly, as Windows does not.
    exact_names: bool = False

    def connection(self) -> http.client.HTTPConnection:
        """A connection that nobody else uses."""
        parts = urlsplit(self.url)
        if parts.scheme == "https":
            context = ssl.create_default_context(cafile=self.ca)
            return http.client.HTTPSConnection(parts.hostname or "", parts.port, context=context, timeout=60)
        return http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=60)


def certificate_hash(connection: http.client.HTTPConnection) -> bytes | None:
    """What `tls-server-end-point` holds: the hash of the certificate, which is signed with SHA-256 here."""
    connection.connect()
    if not isinstance(connection.sock, ssl.SSLSocket):
        return None
    return hashlib.sha256(connection.sock.getpeercert(True) or b"").digest()


def requests_ntlm(server: Server) -> Way:
    """requests-ntlm, which binds to the channel by itself."""
    def way(user: str, password: str) -> list[int]:
        with requests.Session() as session:
            session.trust_env = False
            session.verify = server.ca or True
            session.auth = HttpNtlmAuth(user, password)
            try:
                return [session.get(server.url + PATH, timeout=60).status_code for _ in range(3)]
            except PermissionError:
                # So it says that a 401 held no challenge.
                return [401]
    return way


def pyspnego(server: Server, scheme: str, protocol: str, bound: bool = True, channel: bytes | None = None) -> Way:
    """pyspnego, bare (`ntlm`) or in SPNEGO (`negotiate`), under the name of a scheme of HTTP."""
    def way(user: str, password: str) -> list[int]:
        connection = server.connection()
        seen = channel or certificate_hash(connection)
        bindings = None
        if seen and bound:
            bindings = GssChannelBindings(application_data=b"tls-server-end-point:" + seen)
        client = spnego.client(user, password, hostname="127.0.0.1", service="http", protocol=protocol,
                               channel_bindings=bindings)
        statuses = []
        message = client.step()
        while message:
            status, challenge = get(connection, f"{scheme} {base64.b64encode(message).decode()}")
            statuses = [status]
            name, _, token = challenge.partition(" ")
            # The last token, too, is the client's to judge: it may carry the server's signature.
            try:
                message = client.step(base64.b64decode(token)) if name == scheme and token else None
            except SpnegoError:
                expect_equal(status, 401, "pyspnego ends it, but the status")
                message = None
        if statuses == [200]:
            expect(client.complete, "pyspnego waits for something more")
        statuses += [get(connection)[0] for _ in range(2)]
        connection.close()
        return statuses
    return way


def get(connection: http.client.HTTPConnection, authorization: str | None = None) -> tuple[int, str]:
    """One request: the status, and the first challenge of the answer."""
    connection.request("GET", PATH, headers={"Authorization": authorization} if authorization else {})
    answer = connection.getresponse()
    body = answer.read()
    if answer.status == 200:
        expect(b"<boolean" in body, f"found {body[:200]!r}")
    return answer.status, answer.getheader("WWW-Authenticate") or ""


def curl(server: Server, *options: str) -> Way:
    """curl with an option that signs in, such as `--ntlm`; one run, so one connection."""
    def way(user: str, password: str) -> list[int]:
        return _curl(server, [*options, "--user", f"{user}:{password}"], {})
    return way


def kerberos(server: Server, krb5_conf: str, ticket: str) -> list[int]:
    """curl with MIT's GSSAPI and a ticket, or a cache that holds none."""
    return _curl(server, ["--negotiate", "--user", ":"], {"KRB5_CONFIG": krb5_conf, "KRB5CCNAME": ticket})


def gss_ntlmssp(server: Server) -> Way:
    """curl with MIT's GSSAPI and gss-ntlmssp: another NTLM, another SPNEGO. It takes the password from a file."""
    def way(user: str, password: str) -> list[int]:
        domain, _, name = user.rpartition("\\")
        with tempfile.TemporaryDirectory() as folder:
            account = Path(folder, "account")
            account.write_text(f"{domain}:{name}:{password}\n", encoding="utf-8")
            # No ticket is looked for: Kerberos is not what is tried here.
            environment = {"NTLM_USER_FILE": str(account), "KRB5_CONFIG": os.devnull, "KRB5CCNAME": f"FILE:{folder}/none"}
            return _curl(server, ["--negotiate", "--user", ":"], environment)
    return way


def _curl(server: Server, options: list[str], environment: dict[str, str]) -> list[int]:
    trust = ["--cacert", server.ca] if server.ca else []
    urls = [part for _ in range(3) for part in ("--output", os.devnull, server.url + PATH)]
    done = subprocess.run(["curl", "--silent", "--show-error", "--noproxy", "*", "--max-time", "60", *trust, *options,
                           "--write-out", "%{http_code}\n", *urls],
                          capture_output=True, text=True, check=False, env={**os.environ, **environment})
    expect_equal(done.returncode, 0, f"curl {options[0]}: {done.stderr.strip()}; exit code")
    return [int(line) for line in done.stdout.split()]


def curl_can(feature: str) -> bool:
    """Whether curl was built with it, such as `NTLM`."""
    done = subprocess.run(["curl", "--version"], capture_output=True, text=True, check=True)
    features = [line for line in done.stdout.splitlines() if line.startswith("Features:")]
    return any(feature in line.split() for line in features)


def has_gss_ntlmssp() -> bool:
    """Whether MIT's GSSAPI finds gss-ntlmssp, and curl was built with that GSSAPI."""
    listed = [path.read_text(encoding="utf-8") for path in Path("/etc/gss/mech.d").glob("*.conf")]
    return curl_can("GSS-API") and any("gssntlmssp" in text for text in listed)


def try_way(tally: Tally, name: str, way: Way, server: Server) -> None:
    """The right account passes and stays signed in, in any case of its names; anybody else does not pass."""
    domain, _, user = server.user.rpartition("\\")
    with tally.check(f"{name}: signs in, once for the connection"):
        expect_equal(way(server.user, server.password), [200, 200, 200], "statuses")
    if not server.exact_names:
        with tally.check(f"{name}: names are compared without regard to case"):
            expect_equal(way(f"{domain.lower()}\\{user.upper()}", server.password), [200, 200, 200], "statuses")
    for what, account, password in (
        ("a wrong password", server.user, server.password + "x"),
        ("a password in another case", server.user, server.password.swapcase()),
        ("a user that does not exist", f"{domain}\\x{user}", server.password),
        ("another domain", f"ELSEWHERE\\{user}", server.password),
    ):
        with tally.check(f"{name}: {what} is refused"):
            expect_equal(set(way(account, password)), {401}, "statuses")


def refuse_way(tally: Tally, name: str, way: Way, server: Server) -> None:
    """Even the right account does not pass."""
    with tally.check(name):
        expect_equal(set(way(server.user, server.password)), {401}, "statuses")
