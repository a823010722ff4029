"""MIT's KDC: a realm with one user and one service, on a port of 127.0.0.1."""
from __future__ import annotations

from pathlib import Path

from .host import Host, free_port

REALM = "CORP.EXAMPLE"
_ENCRYPTION = "aes256-cts-hmac-sha1-96:normal aes128-cts-hmac-sha1-96:normal"


class Kdc:
    """The database, the keytabs, and the server that answers for them."""

    def __init__(self, host: Host, user: str, password: str, services: list[str]) -> None:
        self._host = host
        self.port = free_port(udp=True)
        folder = host.make("kdc")
        self.krb5_conf = host.write("krb5.conf", f"""\
[libdefaults]
    default_realm = {REALM}
    dns_lookup_realm = false
    dns_lookup_kdc = false
    dns_canonicalize_hostname = false
    rdns = false
    # TCP only: nothing is lost, and nothing waits for what is lost.
    udp_preference_limit = 1

[realms]
    {REALM} = {{
        kdc = 127.0.0.1:{self.port}
    }}

[domain_realm]
    localhost = {REALM}
    127.0.0.1 = {REALM}
""")
        profile = host.write("kdc.conf", f"""\
[kdcdefaults]
    kdc_listen = 127.0.0.1:{self.port}
    kdc_tcp_listen = 127.0.0.1:{self.port}

[realms]
    {REALM} = {{
        database_name = {folder}/principal
        key_stash_file = {folder}/stash
        acl_file = {folder}/acl
        supported_enctypes = {_ENCRYPTION}
        master_key_type = aes256-cts-hmac-sha1-96
        # As in Active Directory.
        default_principal_flags = +preauth
    }}

[logging]
    kdc = FILE:{host.folder}/kdc.log
    default = FILE:{host.folder}/krb5.log
""")
        self.environment = {"KRB5_CONFIG": str(self.krb5_conf), "KRB5_KDC_PROFILE": str(profile)}
        self.user_keytab = host.folder / "user.keytab"
        self.service_keytab = host.folder / "service.keytab"
        host.run(["kdb5_util", "create", "-r", REALM, "-s", "-P", "master of this test"], self.environment)
        # The password is put in by standard input: a command line is everybody's to read.
        self._kadmin([f"addprinc -pw {_quoted(password)} {user}", f"ktadd -norandkey -k {self.user_keytab} {user}",
                      *(line for one in services
                        for line in (f"addprinc -randkey {one}", f"ktadd -k {self.service_keytab} {one}"))])
        for keytab in (self.user_keytab, self.service_keytab):
            if not keytab.is_file():
                raise RuntimeError(f"kadmin.local has made no {keytab.name}")
        host.start(["krb5kdc", "-n", "-r", REALM], self.environment, self.port)

    def _kadmin(self, lines: list[str]) -> None:
        self._host.run(["kadmin.local", "-r", REALM, "-p", f"admin/admin@{REALM}"], self.environment, "\n".join(lines) + "\n")

    def ticket(self, user: str, cache: Path) -> None:
        """Gets a ticket for the user by the keytab, as `kinit` does."""
        self._host.run(["kinit", "-k", "-t", str(self.user_keytab), "-c", f"FILE:{cache}", f"{user}@{REALM}"],
                       self.environment)


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'
