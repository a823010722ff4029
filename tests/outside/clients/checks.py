"""Counting checks, and the shapes that the wire reference §3 promises.

No network here. A check that fails says what was expected and found; the others go on.
"""
from __future__ import annotations

import re
import sys
import xml.etree.ElementTree as ET
from contextlib import contextmanager
from typing import Any, Iterator

EMPTY_GUID = "00000000-0000-0000-0000-000000000000"
MISSING_GUID = "dead0000-beef-4000-8000-00000000cafe"
COMPUTER_TYPE = "493435f7-3b17-4c4c-b07f-c23e7ab7781f"
ASDK_NS = "http://Altiris.ASDK.NS.com"
EXCEPTIONS = {
    "ASDKNoProductExistsException", "ASDKInvalidLicenseException", "ASDKInsufficientPermissionException",
    "ASDKDoesNotExistException", "ASDKInvalidTypeException", "ASDKInvalidParameterException", "ASDKInternalException",
    "ASDKException",
}
_GUID = re.compile(r"\{?([0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})\}?")
_XS = "http://www.w3.org/2001/XMLSchema"


class Mismatch(Exception):
    """Something was not as the wire reference says."""


def expect(condition: object, message: str) -> None:
    """Fails the current check unless the condition holds."""
    if not condition:
        raise Mismatch(message)


def expect_equal(found: object, expected: object, what: str) -> None:
    """Fails the current check unless both are equal."""
    expect(found == expected, f"{what}: expected {expected!r}, found {found!r}")


class Tally:
    """How many checks passed and failed."""

    def __init__(self, verbose: bool) -> None:
        self.passed = 0
        self.failed = 0
        self._verbose = verbose

    @contextmanager
    def check(self, name: str) -> Iterator[None]:
        """One check: whatever is raised in it is its failure."""
        try:
            yield
        except Exception as error:  # noqa: BLE001 - a client library may raise anything
            self.failed += 1
            kind = "" if isinstance(error, Mismatch) else f"{type(error).__name__}: "
            print(f"FAILED {name}\n       {kind}{str(error)[:1500]}", file=sys.stderr)
        else:
            self.passed += 1
            if self._verbose:
                print(f"ok     {name}")


def plain_guid(value: Any) -> str | None:
    """A GUID in lower case without braces, or None for anything else."""
    match = _GUID.fullmatch(str(value).strip()) if value is not None else None
    return match.group(1).lower() if match else None


def local(tag: Any) -> str:
    """The local name of an element's tag."""
    return str(tag).rpartition("}")[2]


def space(tag: Any) -> str:
    """The namespace of an element's tag."""
    text = str(tag)
    return text[1:].partition("}")[0] if text.startswith("{") else ""


def decode_name(name: str) -> str:
    """A column name out of its XML spelling."""
    return re.sub(r"_x([0-9A-Fa-f]{4})_", lambda m: chr(int(m.group(1), 16)), name)


def read_table(root: Any) -> tuple[list[str], list[dict[str, str]]]:
    """Columns and rows of a table below `root`, its shape checked: schema first, then Table or Table1."""
    sets = [e for e in root.iter() if local(e.tag) == "NewDataSet"]
    expect(len(sets) == 1, f"expected one NewDataSet, found {len(sets)}")
    children = list(sets[0])
    expect(children and children[0].tag == f"{{{_XS}}}schema", "the first element of NewDataSet is not the schema")
    columns = _columns(children[0])
    rows = []
    for child in children[1:]:
        expect(local(child.tag) in ("Table", "Table1"), f"a row is called '{local(child.tag)}', expected Table or Table1")
        row = {decode_name(local(c.tag)): c.text or "" for c in child}
        expect(set(row) <= set(columns), f"a row has columns {sorted(set(row) - set(columns))} that the schema lacks")
        rows.append(row)
    return columns, rows


def _columns(schema: Any) -> list[str]:
    spelt = [e.get("name") for e in schema.iter(f"{{{_XS}}}element")]
    return [decode_name(n) for n in spelt if n and n not in ("NewDataSet", "Table", "Table1")]


def is_hollow(element: ET.Element) -> bool:
    """Whether a structure says nothing: no text but zeros, false and empty GUIDs."""
    words = {(e.text or "").strip() for e in element.iter()}
    return words <= {"", "0", "false", EMPTY_GUID, "{" + EMPTY_GUID + "}"}
