"""The HTTP side: paths, keep-alive, chunked and gzip answers, the console and the looking glass.

All I/O of the server is here. One thread a connection; the answers themselves come from `dispatch`.
"""
from __future__ import annotations

import gzip
import itertools
import json
import sys
import traceback
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from . import console, profile, wsdl
from .dispatch import Dispatcher, Reply, find_service
from .faults import Refusal
from .journal import Journal
from .world import World

_JSON, _HTML = "application/json; charset=utf-8", "text/html; charset=utf-8"
_LIMIT = 32 * 1024 * 1024


class ForeignServer(ThreadingHTTPServer):
    """The listening server with its world and its log."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, address: tuple[str, int], world: World) -> None:
        super().__init__(address, _Handler)
        self.world = world
        self.journal = Journal()
        self.dispatcher = Dispatcher(world, self.journal)
        self.sent = itertools.count()

    @property
    def url(self) -> str:
        """Where the server can be reached."""
        host, port = self.server_address[:2]
        return f"http://{host if isinstance(host, str) else host.decode()}:{port}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is no news; anything else is."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "Microsoft-IIS/10.0"
    sys_version = ""
    disable_nagle_algorithm = True
    wbufsize = -1
    server: ForeignServer

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet: the journal says what matters."""

    def do_GET(self) -> None:
        """Every GET."""
        self._answer("GET")

    def do_HEAD(self) -> None:
        """Like GET, without the body."""
        self._answer("GET")

    def do_POST(self) -> None:
        """Every POST."""
        self._answer("POST")

    def _answer(self, verb: str) -> None:
        raw = self._body()
        if raw is None:
            self._send(Reply(413, "text/plain", "request too large"))
            return
        try:
            reply = self._route(verb, raw)
        except Exception:  # a fault of this server, which the test must see
            text = traceback.format_exc()
            self.server.journal.violation("server", self.path, "server-fault", text)
            reply = Reply(500, "text/plain; charset=utf-8", text)
        self._send(reply)

    def _body(self) -> bytes | None:
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            return self._chunks()
        length = int(self.headers.get("Content-Length") or 0)
        if length > _LIMIT:
            self.close_connection = True
            return None
        return self.rfile.read(length)

    def _chunks(self) -> bytes | None:
        parts: list[bytes] = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
            if sum(map(len, parts)) > _LIMIT:
                self.close_connection = True
                return None
        while self.rfile.readline().strip():
            pass
        return b"".join(parts)

    def _route(self, verb: str, raw: bytes) -> Reply:
        path, _, query = self.path.partition("?")
        path = urllib.parse.unquote(path)
        found = find_service(path)
        if found is None:
            return self._outside(verb, path, query)
        service, method = found
        dispatcher = self.server.dispatcher
        if method:
            return dispatcher.form(service, method, verb, self.headers, query, raw)
        if verb == "POST":
            return dispatcher.soap(service, self.headers, raw)
        if query.lower() == "wsdl":
            return Reply(200, "text/xml; charset=utf-8", wsdl.describe(service, self._base() + path))
        return Reply(200, _HTML, wsdl.page(service))

    def _base(self) -> str:
        return f"http://{self.headers.get('Host') or self.server.url.removeprefix('http://')}"

    def _outside(self, verb: str, path: str, query: str) -> Reply:
        """Everything that no SMP has: the console, and what tests look at."""
        world, journal = self.server.world, self.server.journal
        if verb == "POST" and path.startswith("/console/"):
            return self._console(path.removeprefix("/console/"), query)
        if verb == "POST" and path == "/violations/clear":
            journal.clear()
            return Reply(200, _JSON, "{}\n")
        if path == "/dump":
            with world.lock:
                world.settle()
                return _json(console.dump(world))
        if path == "/served":
            return self._served(query)
        if path == "/profile":
            return Reply(200, "application/yaml; charset=utf-8", profile.text())
        if path in ("/violations", "/calls"):
            return _json(journal.violations() if path == "/violations" else journal.calls())
        journal.violation(verb.lower(), path, "unknown-path", self.path)
        return Reply(404, _HTML, "<html><body><h1>404 - File or directory not found.</h1></body></html>")

    def _console(self, action: str, query: str) -> Reply:
        words = {k: v[0] for k, v in urllib.parse.parse_qs(query, keep_blank_values=True).items()}
        world = self.server.world
        try:
            with world.lock:
                console.perform(world, action, words)
                world.settle()
        except (console.ConsoleError, Refusal) as error:
            return Reply(400, "text/plain; charset=utf-8", f"{error}\n")
        return Reply(200, _JSON, "{}\n")

    def _served(self, query: str) -> Reply:
        words = {k: v[0] for k, v in urllib.parse.parse_qs(query, keep_blank_values=True).items()}
        world = self.server.world
        try:
            with world.lock:
                world.settle()
                return _json(console.served(world, words))
        except console.ConsoleError as error:
            return Reply(400, "text/plain; charset=utf-8", f"{error}\n")

    def _send(self, reply: Reply) -> None:
        number = next(self.server.sent)
        body = reply.text.encode("utf-8")
        self.send_response(reply.status)
        self.send_header("Content-Type", reply.content_type)
        self.send_header("X-Powered-By", "ASP.NET")
        self.send_header("Cache-Control", "private, max-age=0")
        if len(body) > 600 and number % 2 and "gzip" in self.headers.get("Accept-Encoding", "").lower():
            body = gzip.compress(body, 5)
            self.send_header("Content-Encoding", "gzip")
        chunked = bool(body) and number % 3 == 0 and self.request_version == "HTTP/1.1"
        self.send_header(*(("Transfer-Encoding", "chunked") if chunked else ("Content-Length", str(len(body)))))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(_chunked(body) if chunked else body)
        self.wfile.flush()


def _chunked(body: bytes, size: int = 700) -> bytes:
    parts = [body[i:i + size] for i in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(p), p) for p in parts) + b"0\r\n\r\n"


def _json(value: Any) -> Reply:
    return Reply(200, _JSON, json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False) + "\n")
