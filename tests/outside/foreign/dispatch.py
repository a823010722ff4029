"""From a request to an answer, without HTTP: which operation is meant, what is wrong with the request, what comes back.

Holds the world's lock while an operation runs. Every answer is a `Reply` of status, content type and text.
"""
from __future__ import annotations

import re
import urllib.parse
from dataclasses import dataclass
from email.message import Message
from typing import Any

from .contract import SERVICES, Operation, Service
from .faults import Refusal
from .journal import Journal
from .models import HANDLERS  # those of asdk among them
from .world import World
from .xmlin import SOAP11, SOAP12, envelope_body, form_arguments, soap_arguments, split
from .xmlout import Manner, form_answer, soap_answer, soap_fault

_TYPES = {SOAP11: "text/xml; charset=utf-8", SOAP12: "application/soap+xml; charset=utf-8"}

Headers = Message


@dataclass(frozen=True)
class Reply:
    """What goes back."""

    status: int
    content_type: str
    text: str


def find_service(path: str) -> tuple[Service, str] | None:
    """The service of a path below /Altiris/, without regard to case, and what follows the .asmx."""
    lowered = path.lower()
    for service in SERVICES:
        stem = f"/altiris/{service.path.lower()}"
        if lowered == stem or lowered.startswith(stem + "/"):
            return service, path[len(stem) + 1:]
    return None


class Dispatcher:
    """Answers the requests of all services over one world."""

    def __init__(self, world: World, journal: Journal) -> None:
        self.world = world
        self.journal = journal

    def _invoke(self, service: Service, op: Operation, args: dict[str, Any]) -> Any:
        handler = HANDLERS.get((service.key, op.handler))
        if handler is None:
            raise Refusal("ASDKException", f"{op.name} is not offered by this server")
        with self.world.lock:
            self.world.settle()
            try:
                return handler(self.world, args)
            finally:
                self.world.settle()

    # ---- SOAP --------------------------------------------------------------------------------------------------

    def soap(self, service: Service, headers: Headers, raw: bytes) -> Reply:
        """Answers a SOAP request of either version."""
        manner = Manner.number(self.journal.next_number())
        content = headers.get("Content-Type", "")
        declared = SOAP12 if content.lower().startswith("application/soap+xml") else SOAP11
        protocol = "soap12" if declared == SOAP12 else "soap11"
        name = service.key

        def note(kind: str, detail: str) -> None:
            self.journal.violation(protocol, name, kind, detail)

        try:
            soap, element = envelope_body(raw)
            if soap != declared:
                raise Refusal("ASDKException", f"the envelope is of '{soap}', the content type '{content}'", "wrong-envelope", client=True)
            op = self._soap_operation(service, element.tag, _action(headers, soap), soap)
            name = f"{service.key}.{op.name}"
            self.journal.called(name)
            args = soap_arguments(element, op, service.namespace, note)
            value = self._invoke(service, op, args)
            return Reply(200, _TYPES[declared], soap_answer(service, op, value, declared, manner))
        except Refusal as refusal:
            if refusal.violation:
                note(refusal.violation, refusal.message)
            text = soap_fault(refusal.kind, refusal.message, declared, manner, refusal.client)
            return Reply(500, _TYPES[declared], text)

    @staticmethod
    def _soap_operation(service: Service, tag: str, action: str | None, soap: str) -> Operation:
        space, local = split(tag)
        if action is None and soap == SOAP11:
            raise Refusal("ASDKException", "a SOAP 1.1 request needs the header SOAPAction", "missing-action", client=True)
        if action is not None and action not in {service.action(n) for n in service.operations}:
            raise Refusal("ASDKException", f"Server did not recognize the value of HTTP Header SOAPAction: {action}.",
                          "wrong-action", client=True)
        if space != service.namespace:
            raise Refusal("ASDKException", f"the request element '{local}' stands in '{space}', expected '{service.namespace}'",
                          "wrong-namespace", client=True)
        if local not in service.operations:
            raise Refusal("ASDKException", f"no operation '{local}'", "unknown-operation", client=True)
        if action is not None and action != service.action(local):
            raise Refusal("ASDKException", f"SOAPAction '{action}' does not go with '{local}'", "wrong-action", client=True)
        return service.operations[local]

    # ---- forms -------------------------------------------------------------------------------------------------

    def form(self, service: Service, method: str, verb: str, headers: Headers, query: str, raw: bytes) -> Reply:
        """Answers a form POST or a GET of an operation."""
        manner = Manner.number(self.journal.next_number())
        protocol = "form" if verb == "POST" else "get"
        name = f"{service.key}.{method}"

        def note(kind: str, detail: str) -> None:
            self.journal.violation(protocol, name, kind, detail)

        try:
            op = self._form_operation(service, method, verb, headers)
            self.journal.called(name)
            fields = _fields(query if verb == "GET" else raw.decode("utf-8"))
            value = self._invoke(service, op, form_arguments(fields, op, note))
            return Reply(200, "text/xml; charset=utf-8", form_answer(service, op, value, manner))
        except UnicodeDecodeError as error:
            note("malformed", str(error))
            return _plain_error("System.ArgumentException", str(error))
        except Refusal as refusal:
            if refusal.violation:
                note(refusal.violation, refusal.message)
            if refusal.client:
                return _plain_error("System.InvalidOperationException", refusal.message)
            return _plain_error("System.Web.Services.Protocols.SoapException", f"{refusal.kind}: {refusal.message}")

    @staticmethod
    def _form_operation(service: Service, method: str, verb: str, headers: Headers) -> Operation:
        if not service.forms:
            raise Refusal("ASDKException", f"Request format is unrecognized for URL unexpectedly ending in '/{method}'.",
                          "unsupported-protocol", client=True)
        if method not in service.operations:
            raise Refusal("ASDKException", f"{method} Web Service method name is not valid.", "unknown-operation", client=True)
        kind = headers.get("Content-Type", "").split(";")[0].strip().lower()
        if verb == "POST" and kind != "application/x-www-form-urlencoded":
            raise Refusal("ASDKException", f"Request format is invalid: {kind}.", "wrong-content-type", client=True)
        return service.operations[method]


def _fields(text: str) -> dict[str, list[str]]:
    return urllib.parse.parse_qs(text, keep_blank_values=True, encoding="utf-8", errors="strict")


def _action(headers: Headers, soap: str) -> str | None:
    """The action, from the header of SOAP 1.1 or the content type of SOAP 1.2."""
    if soap == SOAP11:
        value = headers.get("SOAPAction")
        return value.strip().strip('"') if value is not None else None
    match = re.search(r'action="?([^";]*)"?', headers.get("Content-Type", ""))
    return match.group(1) if match else None


def _plain_error(kind: str, message: str) -> Reply:
    text = f"{kind}: {message}\r\n   at Altiris.ASDK.Server.Invoke()\r\n"
    return Reply(500, "text/plain; charset=utf-8", text)
