"""Errors of this server: the documented exception types, and what the strictness log keeps about each.

Pure. A `Refusal` with a `violation` says that the request itself broke the documented wire; one without says that
the request was well formed and the server says no.
"""
from __future__ import annotations

import re

_GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


class Refusal(Exception):
    """An error to be answered as a SOAP fault or as a plain-text 500."""

    def __init__(self, kind: str, message: str, violation: str | None = None, client: bool = False) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.violation = violation
        self.client = client


def unknown_guid(what: str, guid: str) -> Refusal:
    """There is no such thing on this server."""
    return Refusal("ASDKDoesNotExistException", f"no {what} has the GUID '{guid}'", "unknown-guid")


def wrong_type(message: str) -> Refusal:
    """The thing exists, and is of another kind than the call needs."""
    return Refusal("ASDKInvalidTypeException", message, "wrong-type")


def bad_parameter(message: str, violation: str | None = "wrong-value") -> Refusal:
    """A value that the call cannot take."""
    return Refusal("ASDKInvalidParameterException", message, violation)


def parse_guid(text: str | None, parameter: str) -> str:
    """A GUID in any spelling that .NET reads, as lower case without braces."""
    plain = (text or "").strip()
    if plain.startswith("{") and plain.endswith("}"):
        plain = plain[1:-1]
    if not _GUID.fullmatch(plain):
        raise bad_parameter(f"parameter '{parameter}': expected a GUID, found '{text}'", "wrong-type")
    return plain.lower()
