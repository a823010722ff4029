"""Apache httpd with mod_auth_gssapi: three ports of 127.0.0.1 that ask for a sign-in and pass on what is signed in."""
from __future__ import annotations

from pathlib import Path

from .host import Failure, Host, free_port

_MODULES = ["mpm_event", "authn_core", "authz_core", "authz_user", "auth_gssapi", "proxy", "proxy_http", "headers",
            "socache_shmcb", "ssl"]
# Where Debian has them, and where others have.
_FOLDERS = ["/usr/lib/apache2/modules", "/usr/lib64/httpd/modules"]


def modules() -> Path | None:
    """The folder of modules, if all that are needed are there."""
    for folder in map(Path, _FOLDERS):
        if all((folder / f"mod_{name}.so").is_file() for name in _MODULES):
            return folder
    return None


# mod_auth_gssapi 1.6.4 offers and takes NTLM under its own name whatever GssapiAllowedMech says.
_NO_BARE_NTLM = """RequestHeader edit Authorization "^(?i)NTLM\\b.*" "none" early
    Header always edit WWW-Authenticate "^NTLM$" "Negotiate\""""


def _site(port: int, upstream: str, mechanisms: list[str], more: str = "", bound: str = "On") -> str:
    allowed = "\n        ".join(f"GssapiAllowedMech {one}" for one in mechanisms)
    return f"""
Listen 127.0.0.1:{port}
<VirtualHost 127.0.0.1:{port}>
    ServerName localhost
    {more}
    <Location "/">
        AuthType GSSAPI
        AuthName "SMP"
        {allowed}
        # Once for a connection, as IIS does; NTLM knows no other way. Kerberos may be asked for with every request.
        GssapiConnectionBound {bound}
        Require valid-user
        # The server behind is told who it is, and sees nothing of the sign-in.
        RequestHeader unset Authorization
        RequestHeader set X-Remote-User "expr=%{{REMOTE_USER}}"
    </Location>
    ProxyPass "/" "{upstream}/"
    ProxyPassReverse "/" "{upstream}/"
</VirtualHost>
"""


class Httpd:
    """The server, before a server that knows no sign-in."""

    def __init__(self, host: Host, upstream: str, keytab: Path, accounts: Path, environment: dict[str, str]) -> None:
        folder = modules()
        if folder is None:
            raise Failure("Apache httpd or one of its modules is missing")
        self.kerberos, self.each, self.negotiate, self.tls = (free_port() for _ in range(4))
        run = host.make("httpd")
        self.ca = host.folder / "httpd.pem"
        key = host.folder / "httpd.key"
        host.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-sha256",
                  "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
                  "-addext", "basicConstraints=critical,CA:FALSE", "-keyout", str(key), "-out", str(self.ca)], environment)
        both = ["krb5", "ntlmssp"]
        tls = f"SSLEngine on\n    SSLCertificateFile {self.ca}\n    SSLCertificateKeyFile {key}"
        conf = host.write("httpd.conf", "\n".join([
            f"ServerRoot {run}",
            f"DefaultRuntimeDir {run}",
            f"PidFile {run}/pid",
            f"Mutex file:{run} default",
            f"ErrorLog {host.folder}/httpd.log",
            "LogLevel info",
            "ServerName localhost",
            *(f"LoadModule {name}_module {folder}/mod_{name}.so" for name in _MODULES),
            "StartServers 1",
            "KeepAlive On",
            "MaxKeepAliveRequests 0",
            "KeepAliveTimeout 60",
            f"SSLSessionCache shmcb:{run}/sessions(512000)",
            _site(self.kerberos, upstream, ["krb5"], _NO_BARE_NTLM),
            _site(self.each, upstream, ["krb5"], _NO_BARE_NTLM, bound="Off"),
            _site(self.negotiate, upstream, both),
            _site(self.tls, upstream, both, tls),
        ]))
        server = "apache2" if "apache2" in str(folder) else "httpd"
        # Not by GssapiCredStore: with a store, gss-ntlmssp takes itself for a client. It lets in whom this file names.
        environment = {**environment, "KRB5_KTNAME": f"FILE:{keytab}", "NTLM_USER_FILE": str(accounts)}
        host.start([server, "-f", str(conf), "-DFOREGROUND"], environment, self.tls)
