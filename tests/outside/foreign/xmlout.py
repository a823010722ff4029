"""Writing answers: SOAP envelopes, form answers, tables, faults, each in a manner that changes from answer to answer.

Pure: the manner follows from the number of the answer. Prefixes, order of elements, CDATA, spelling of GUIDs and
blanks change; what the documents fix (local names, namespaces, encoding of column names) does not.
"""
from __future__ import annotations

import random
import re
from dataclasses import dataclass, field
from typing import Any
from xml.sax.saxutils import escape

from .contract import STRUCTURES, Kind, Operation, Service
from .xmlin import SOAP12, XSI

_HEAD = '<?xml version="1.0" encoding="utf-8"?>'
_XSD = "http://www.w3.org/2001/XMLSchema"
_GUID_TEXT = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass
class Table:
    """A report's answer: columns with their schema types, rows with None for NULL."""

    columns: list[tuple[str, str]]
    rows: list[list[Any]] = field(default_factory=list)
    row_name: str = "Table1"


@dataclass
class Manner:
    """How one answer is spelt."""

    prefix: str
    envelope: str
    nil: str
    pretty: bool
    dice: random.Random

    @classmethod
    def number(cls, n: int) -> "Manner":
        """The manner of the n-th answer."""
        dice = random.Random(n)
        prefix = ("", "rep", "ns1", "a-b.c", "_x")[n % 5]
        return cls(prefix, ("soap", "Env", "SOAP-ENV", "s")[n % 4], ("xsi", "i", "d3p1")[n % 3], n % 3 == 1, dice)

    def tag(self, local: str) -> str:
        """A name in the service's namespace."""
        return f"{self.prefix}:{local}" if self.prefix else local

    def declare(self, space: str) -> str:
        """The declarations that the root of the answer needs."""
        own = f"xmlns:{self.prefix}" if self.prefix else "xmlns"
        return f' {own}="{space}" xmlns:{self.nil}="{XSI}"'

    def gap(self) -> str:
        """A blank between elements, where this answer has them."""
        return "\n  " if self.pretty else ""

    def text(self, value: str) -> str:
        """Character data, as CDATA now and then."""
        if _GUID_TEXT.fullmatch(value):
            return self._guid(value)
        if value and "]]>" not in value and "\r" not in value and self.dice.random() < 0.3:
            return f"<![CDATA[{value}]]>"
        return escape(value, {"\r": "&#xD;"})

    def _guid(self, value: str) -> str:
        spelling = self.dice.randrange(3)
        return (value, "{" + value.upper() + "}", value.upper())[spelling]


def encode_name(name: str) -> str:
    """A column name as .NET's XmlConvert.EncodeLocalName spells it."""
    def one(i: int, c: str) -> str:
        good = c.isalpha() or c == "_" or (i > 0 and (c.isdigit() or c in "-."))
        if c == "_" and re.match(r"_x[0-9A-Fa-f]{4}_", name[i:]):
            good = False
        return c if good else f"_x{ord(c):04X}_"

    return "".join(one(i, c) for i, c in enumerate(name))


def table_xml(table: Table) -> str:
    """`NewDataSet` with its schema first and one element a row."""
    columns = "".join(f'<xs:element name="{encode_name(n)}" type="{t}" minOccurs="0"/>' for n, t in table.columns)
    schema = (f'<xs:schema id="NewDataSet" xmlns="" xmlns:xs="{_XSD}" xmlns:msdata="urn:schemas-microsoft-com:xml-msdata">'
              '<xs:element name="NewDataSet" msdata:IsDataSet="true" msdata:UseCurrentLocale="true"><xs:complexType>'
              f'<xs:choice minOccurs="0" maxOccurs="unbounded"><xs:element name="{table.row_name}"><xs:complexType><xs:sequence>'
              f'{columns}</xs:sequence></xs:complexType></xs:element></xs:choice></xs:complexType></xs:element></xs:schema>')
    rows = []
    for row in table.rows:
        cells = "".join(f"<{encode_name(n)}>{escape(_plain(v))}</{encode_name(n)}>"
                        for (n, _), v in zip(table.columns, row) if v is not None)
        rows.append(f"<{table.row_name}>{cells}</{table.row_name}>")
    return f'<NewDataSet xmlns="">{schema}{"".join(rows)}</NewDataSet>'


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def element(name: str, value: Any, kind: Kind, manner: Manner, attributes: str = "") -> str:
    """One value as an element in the service's namespace."""
    tag = manner.tag(name)
    if value is None:
        return f'<{tag}{attributes} {manner.nil}:nil="true"/>'
    if kind.base == "table":
        return f"<{tag}{attributes}>{table_xml(value)}</{tag}>"
    return f"<{tag}{attributes}>{_content(value, kind, manner)}</{tag}>"


def _content(value: Any, kind: Kind, manner: Manner) -> str:
    if kind.many:
        return "".join(manner.gap() + element(kind.item.xml_name, v, kind.item, manner) for v in value)
    if kind.base in STRUCTURES:
        return _structure(value, kind.base, manner)
    if kind.base in ("guid", "g"):
        return value.upper() if manner.dice.random() < 0.5 else value
    text: str = _plain(value)
    return manner.text(text) if kind.base == "string" else text


def _structure(value: dict[str, Any], base: str, manner: Manner) -> str:
    fields = [f for f in STRUCTURES[base] if f[0] in value]
    manner.dice.shuffle(fields)
    inner = "".join(manner.gap() + element(n, value[n], k, manner) for n, k, _ in fields)
    return inner + ("<!-- fin -->" if manner.pretty else "")


def soap_answer(service: Service, op: Operation, value: Any, soap: str, manner: Manner) -> str:
    """A whole envelope."""
    result = element(f"{op.name}Result", value, op.returns, manner) if op.returns else ""
    response = manner.tag(f"{op.name}Response")
    return _envelope(soap, manner, f"<{response}{manner.declare(service.namespace)}>{manner.gap()}{result}</{response}>")


def _envelope(soap: str, manner: Manner, inner: str) -> str:
    e = manner.envelope
    header = f'<{e}:Header><t:Trace xmlns:t="urn:exemple:trace">{manner.dice.randrange(10**6)}</t:Trace></{e}:Header>' \
        if manner.pretty else ""
    return f'{_HEAD}<{e}:Envelope xmlns:{e}="{soap}">{header}<{e}:Body>{inner}</{e}:Body></{e}:Envelope>'


def soap_fault(kind: str, message: str, soap: str, manner: Manner, client: bool) -> str:
    """A fault whose detail holds the documented three elements, the type in its qualified spelling."""
    e = manner.envelope
    detail = (f"<innerException/><stackTrace>   at Altiris.ASDK.Server.Invoke()\n   at {escape(kind)}</stackTrace>"
              f"<exceptionType>Altiris.ASDK.NS.{escape(kind)}</exceptionType>")
    text = escape(f"Server was unable to process request. ---> {message}")
    if soap == SOAP12:
        code = f"{e}:{'Sender' if client else 'Receiver'}"
        inner = (f'<{e}:Fault><{e}:Code><{e}:Value>{code}</{e}:Value></{e}:Code><{e}:Reason><{e}:Text xml:lang="fr">{text}'
                 f"</{e}:Text></{e}:Reason><{e}:Detail>{detail}</{e}:Detail></{e}:Fault>")
    else:
        code = f"{e}:{'Client' if client else 'Server'}"
        inner = (f"<{e}:Fault><faultcode>{code}</faultcode><faultstring>{text}</faultstring>"
                 f"<detail>{detail}</detail></{e}:Fault>")
    return _envelope(soap, manner, inner)


def form_answer(service: Service, op: Operation, value: Any, manner: Manner) -> str:
    """The serialised return type as root; nothing at all for a void operation."""
    if op.returns is None:
        return ""
    if op.returns.base == "table":
        return _HEAD + table_xml(value)
    return f"{_HEAD}\r\n" + element(op.returns.xml_name, value, op.returns, manner, manner.declare(service.namespace))


