"""A server that does nothing but let people in: NTLM and SPNEGO, verified by pyspnego.

It shares nothing with this project, so that client and simulator cannot agree on a mistake. Whoever is in is told who he
is, and by how many messages this connection has signed in.

usage: spnego_server.py --scheme NTLM|Negotiate --user DOMAIN\\user --password PASSWORD [--cert FILE --key FILE]
With a certificate it listens with TLS, and wants sign-ins bound to it.
"""

import argparse
import base64
import hashlib
import http.server
import json
import os
import ssl
import sys
import tempfile

import spnego
from spnego.channel_bindings import GssChannelBindings


class Handler(http.server.BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    context = None
    user = None
    messages = 0

    def log_message(self, *_):
        """Says nothing: the answers tell."""

    def do_GET(self):
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        said = self.headers.get("Authorization")
        if said is None:
            if self.user is None:
                self.refuse()
            else:
                self.admit(None)
            return
        scheme, _, token = said.partition(" ")
        if scheme != self.server.scheme:
            self.refuse()
            return
        self.messages += 1
        if self.context is None:
            self.context = spnego.server(
                protocol="ntlm" if scheme == "NTLM" else "negotiate",
                options=spnego.NegotiateOptions.use_negotiate if scheme == "Negotiate"
                else spnego.NegotiateOptions.use_ntlm,
                channel_bindings=self.server.bindings,
            )
        try:
            answer = self.context.step(base64.b64decode(token))
        except spnego.exceptions.SpnegoError as error:
            print(type(error).__name__, error, file=sys.stderr, flush=True)
            self.context = None
            self.refuse()
            return
        if self.context.complete:
            self.user = self.context.client_principal
            self.context = None
            self.admit(answer)
        else:
            self.refuse(answer)

    do_POST = do_GET

    def refuse(self, token=None):
        self.answer(401, b"no", token)

    def admit(self, token):
        told = {"user": self.user, "messages": self.messages}
        self.answer(200, json.dumps(told).encode(), token)

    def answer(self, status, body, token):
        self.send_response(status)
        scheme = self.server.scheme
        if token:
            self.send_header("WWW-Authenticate", f"{scheme} {base64.b64encode(token).decode()}")
        elif status == 401:
            self.send_header("WWW-Authenticate", scheme)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--scheme", required=True)
    parser.add_argument("--user", required=True)
    parser.add_argument("--password", required=True)
    parser.add_argument("--cert")
    parser.add_argument("--key")
    arguments = parser.parse_args()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.scheme = arguments.scheme
    server.bindings = None
    kind = "http"
    if arguments.cert:
        kind = "https"
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(arguments.cert, arguments.key)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        with open(arguments.cert, encoding="ascii") as file:
            der = ssl.PEM_cert_to_DER_cert(file.read())
        data = b"tls-server-end-point:" + hashlib.sha256(der).digest()
        server.bindings = GssChannelBindings(application_data=data)
    with tempfile.TemporaryDirectory() as folder:
        accounts = os.path.join(folder, "accounts")
        domain, _, user = arguments.user.partition("\\")
        with open(accounts, "w", encoding="utf-8") as file:
            file.write(f"{domain}:{user}:{arguments.password}\n")
        os.environ["NTLM_USER_FILE"] = accounts
        print(f"listening on {kind}://127.0.0.1:{server.server_address[1]}", flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main()
