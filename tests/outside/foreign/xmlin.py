"""Reading requests: SOAP envelopes and form fields, turned into arguments, with every deviation noted.

Pure. What ASP.NET would silently ignore (an element in a wrong namespace, an unknown parameter) is noted for the
strictness log and then treated as ASP.NET treats it: as not sent.
"""
from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from typing import Any, Callable

from .contract import STRUCTURES, Kind, Operation
from .faults import Refusal, bad_parameter

SOAP11 = "http://schemas.xmlsoap.org/soap/envelope/"
SOAP12 = "http://www.w3.org/2003/05/soap-envelope"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
_TYPED_GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")

Note = Callable[[str, str], None]


def split(tag: str) -> tuple[str, str]:
    """Namespace and local name of an ElementTree tag."""
    if tag.startswith("{"):
        space, _, local = tag[1:].partition("}")
        return space, local
    return "", tag


def envelope_body(raw: bytes) -> tuple[str, ET.Element]:
    """The SOAP version's namespace and the request element of an envelope."""
    if b"<!DOCTYPE" in raw:
        raise Refusal("ASDKException", "a DTD is not allowed", "malformed", client=True)
    try:
        root = ET.fromstring(raw)
    except (ET.ParseError, ValueError) as error:
        raise Refusal("ASDKException", f"request is not well-formed XML: {error}", "malformed", client=True) from error
    space, local = split(root.tag)
    if local != "Envelope" or space not in (SOAP11, SOAP12):
        raise Refusal("ASDKException", f"expected a SOAP envelope, found '{root.tag}'", "malformed", client=True)
    body = root.find(f"{{{space}}}Body")
    if body is None or len(body) != 1:
        raise Refusal("ASDKException", "expected one element in the SOAP body", "malformed", client=True)
    return space, body[0]


def _primitive(text: str, base: str, where: str) -> Any:
    if base == "string" or base == "g":
        return text
    plain = text.strip()
    if base == "boolean":
        if plain not in ("true", "false", "1", "0"):
            raise bad_parameter(f"'{where}': expected a boolean, found '{text}'", "wrong-type")
        return plain in ("true", "1")
    if base == "int":
        if not re.fullmatch(r"[+-]?\d{1,9}", plain):
            raise bad_parameter(f"'{where}': expected an int, found '{text}'", "wrong-type")
        return int(plain)
    if base == "guid":
        if not _TYPED_GUID.fullmatch(plain):
            raise bad_parameter(f"'{where}': expected a GUID without braces, found '{text}'", "wrong-type")
        return plain.lower()
    if base == "dateTime":
        if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?", plain):
            raise bad_parameter(f"'{where}': expected a dateTime, found '{text}'", "wrong-type")
        return plain
    raise AssertionError(base)


def decode(element: ET.Element, kind: Kind, space: str, note: Note) -> Any:
    """The value of an element; unknown or misplaced children are noted and skipped."""
    local = split(element.tag)[1]
    if element.get(f"{{{XSI}}}nil") in ("true", "1"):
        return None
    if kind.many:
        return [decode(c, kind.item, space, note) for c in _known(element, {kind.item.xml_name}, space, note)]
    if kind.base in STRUCTURES:
        fields = {n: k for n, k, _ in STRUCTURES[kind.base]}
        return {split(c.tag)[1]: decode(c, fields[split(c.tag)[1]], space, note) for c in _known(element, set(fields), space, note)}
    if len(element):
        note("wrong-type", f"'{local}' holds elements where text is expected")
    return _primitive(element.text or "", kind.base, local)


def _known(element: ET.Element, expected: set[str], space: str, note: Note) -> list[ET.Element]:
    """The children that stand in the right namespace and have an expected name."""
    out = []
    parent = split(element.tag)[1]
    for child in element:
        child_space, local = split(child.tag)
        if local not in expected:
            note("unknown-element", f"'{local}' in '{parent}'")
        elif child_space != space:
            note("wrong-namespace", f"'{local}' in '{parent}' stands in '{child_space}', expected '{space}'")
        else:
            out.append(child)
    return out


def soap_arguments(element: ET.Element, op: Operation, space: str, note: Note) -> dict[str, Any]:
    """The arguments of a SOAP request; every parameter must be there."""
    kinds = dict(op.params)
    args: dict[str, Any] = {}
    for child in _known(element, set(kinds), space, note):
        local = split(child.tag)[1]
        if local in args:
            note("duplicate-parameter", local)
        args[local] = _lenient(child, kinds[local], space, note)
    _require(args, op)
    return args


def _lenient(child: ET.Element, kind: Kind, space: str, note: Note) -> Any:
    """An empty string stands for 'does not apply', also where a bool or number is meant."""
    if kind.base in ("boolean", "int") and not kind.many and not len(child) and not (child.text or "").strip():
        return None
    return decode(child, kind, space, note)


def _require(args: dict[str, Any], op: Operation) -> None:
    for name, _ in op.params:
        if name not in args:
            raise Refusal("ASDKInvalidParameterException", f"Missing parameter: {name}.", "missing-parameter", client=True)


def form_arguments(fields: dict[str, list[str]], op: Operation, note: Note) -> dict[str, Any]:
    """The arguments of a form POST or GET."""
    kinds = dict(op.params)
    args: dict[str, Any] = {}
    for name, values in fields.items():
        if name not in kinds:
            note("unknown-parameter", name)
            continue
        if len(values) > 1:
            note("duplicate-parameter", name)
        kind = kinds[name]
        empty = kind.base in ("boolean", "int") and not values[0].strip()
        args[name] = None if empty else _primitive(values[0], kind.base, name)
    _require(args, op)
    return args


