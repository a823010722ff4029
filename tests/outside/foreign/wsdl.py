"""The service description (`?WSDL`) and the service page of each service, from the tables in `contract`.

Pure. Document/literal wrapped, with SOAP 1.1 and 1.2 ports, and HTTP GET and POST ports for the ASDK services.
Structures are `xs:all`: the reference promises no order, and this server shuffles it.
"""
from __future__ import annotations

from xml.sax.saxutils import quoteattr

from .contract import STRUCTURES, Kind, Operation, Service, arrays_of, structures_of

WSDL_NS = "http://schemas.xmlsoap.org/wsdl/"
GUID_NS = "http://microsoft.com/wsdl/types/"
_PATTERN = "[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"


def _xsd(kind: Kind) -> str:
    if kind.many or kind.base in STRUCTURES:
        return f"moi:{kind.xml_name}"
    if kind.base == "guid":
        return "ms:guid"
    return "xs:" + {"g": "string"}.get(kind.base, kind.base)


def _element(name: str, kind: Kind, nillable: bool = False) -> str:
    if kind.base == "table":
        return (f'<xs:element name="{name}" minOccurs="0"><xs:complexType mixed="true"><xs:sequence>'
                '<xs:any processContents="skip" minOccurs="0"/></xs:sequence></xs:complexType></xs:element>')
    loose = nillable or kind.many or kind.base in STRUCTURES or kind.base in ("string", "g")
    return (f'<xs:element name="{name}" type="{_xsd(kind)}" minOccurs="{0 if loose else 1}"'
            f'{" nillable=" + quoteattr("true") if nillable else ""}/>')


def _wrapper(op: Operation) -> str:
    asks = "".join(_element(n, k) for n, k in op.params)
    answers = _element(f"{op.name}Result", op.returns) if op.returns else ""
    return (f'<xs:element name="{op.name}Response"><xs:complexType><xs:sequence>{answers}</xs:sequence></xs:complexType></xs:element>'
            f'<xs:element name="{op.name}"><xs:complexType><xs:sequence>{asks}</xs:sequence></xs:complexType></xs:element>')


def _schema(service: Service) -> str:
    parts = [f'<xs:schema elementFormDefault="qualified" targetNamespace="{service.namespace}">'
             f'<xs:import namespace="{GUID_NS}"/>']
    parts += [_wrapper(op) for op in service.operations.values()]
    for name in structures_of(service):
        fields = "".join(_element(n, k, nil) for n, k, nil in STRUCTURES[name])
        parts.append(f'<xs:complexType name="{name}"><xs:all>{fields}</xs:all></xs:complexType>')
    for kind in arrays_of(service):
        item = kind.item
        parts.append(f'<xs:complexType name="{kind.xml_name}"><xs:sequence><xs:element name="{item.xml_name}" type="{_xsd(item)}"'
                     ' minOccurs="0" maxOccurs="unbounded"/></xs:sequence></xs:complexType>')
    if service.forms:
        roots = {op.returns.xml_name: op.returns for op in service.operations.values() if op.returns}
        parts += [f'<xs:element name="{n}" type="{_xsd(k)}" nillable="true"/>' for n, k in roots.items() if k.base != "table"]
    parts.append("</xs:schema>")
    parts.append(f'<xs:schema elementFormDefault="qualified" targetNamespace="{GUID_NS}"><xs:simpleType name="guid">'
                 f'<xs:restriction base="xs:string"><xs:pattern value="{_PATTERN}"/></xs:restriction></xs:simpleType></xs:schema>')
    return "".join(parts)


def _messages(service: Service) -> str:
    out = []
    for op in service.operations.values():
        out.append(f'<message name="{op.name}SoapIn"><part name="parameters" element="moi:{op.name}"/></message>'
                   f'<message name="{op.name}SoapOut"><part name="parameters" element="moi:{op.name}Response"/></message>')
        if not service.forms:
            continue
        parts = "".join(f'<part name="{n}" type="xs:string"/>' for n, _ in op.params)
        body = ""
        if op.returns:
            root = f'element="moi:{op.returns.xml_name}"' if op.returns.base != "table" else 'type="xs:anyType"'
            body = f'<part name="Body" {root}/>'
        for verb in ("HttpGet", "HttpPost"):
            out.append(f'<message name="{op.name}{verb}In">{parts}</message><message name="{op.name}{verb}Out">{body}</message>')
    return "".join(out)


def _port_types(service: Service) -> str:
    out = []
    for flavour in ("Soap", *(("HttpGet", "HttpPost") if service.forms else ())):
        ops = "".join(f'<operation name="{n}"><input message="moi:{n}{flavour}In"/><output message="moi:{n}{flavour}Out"/></operation>'
                      for n in service.operations)
        out.append(f'<portType name="{service.key}{flavour}">{ops}</portType>')
    return "".join(out)


def _soap_binding(service: Service, prefix: str, suffix: str) -> str:
    ops = "".join(
        f'<operation name="{n}"><{prefix}:operation soapAction={quoteattr(service.action(n))} style="document"/>'
        f'<input><{prefix}:body use="literal"/></input><output><{prefix}:body use="literal"/></output></operation>'
        for n in service.operations)
    return (f'<binding name="{service.key}{suffix}" type="moi:{service.key}Soap">'
            f'<{prefix}:binding transport="http://schemas.xmlsoap.org/soap/http"/>{ops}</binding>')


def _http_binding(service: Service, verb: str) -> str:
    sent = '<mime:content type="application/x-www-form-urlencoded"/>' if verb == "POST" else "<http:urlEncoded/>"
    flavour = f"Http{verb.title()}"
    ops = "".join(
        f'<operation name="{n}"><http:operation location="/{n}"/><input>{sent}</input><output>'
        f'{"<mime:mimeXml part=" + quoteattr("Body") + "/>" if op.returns else ""}</output></operation>'
        for n, op in service.operations.items())
    return (f'<binding name="{service.key}{flavour}" type="moi:{service.key}{flavour}"><http:binding verb="{verb}"/>'
            f'{ops}</binding>')


def _ports(service: Service, url: str) -> str:
    ports = [(f"{service.key}Soap12", "s12:address"), (f"{service.key}Soap", "s11:address")]
    if service.forms:
        ports += [(f"{service.key}HttpPost", "http:address"), (f"{service.key}HttpGet", "http:address")]
    return "".join(f'<port name="{n}" binding="moi:{n}"><{tag} location={quoteattr(url)}/></port>' for n, tag in ports)


def describe(service: Service, url: str) -> str:
    """The whole WSDL of a service that stands at `url`."""
    bindings = _soap_binding(service, "s12", "Soap12") + _soap_binding(service, "s11", "Soap")
    if service.forms:
        bindings += _http_binding(service, "POST") + _http_binding(service, "GET")
    return (f'<?xml version="1.0" encoding="utf-8"?>\n<definitions name="{service.key}" targetNamespace="{service.namespace}"'
            f' xmlns="{WSDL_NS}" xmlns:moi="{service.namespace}" xmlns:ms="{GUID_NS}"'
            ' xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:s11="http://schemas.xmlsoap.org/wsdl/soap/"'
            ' xmlns:s12="http://schemas.xmlsoap.org/wsdl/soap12/" xmlns:http="http://schemas.xmlsoap.org/wsdl/http/"'
            ' xmlns:mime="http://schemas.xmlsoap.org/wsdl/mime/">'
            f'<types>{_schema(service)}</types>{_messages(service)}{_port_types(service)}{bindings}'
            f'<service name="{service.key}Service">{_ports(service, url)}</service></definitions>')


def page(service: Service) -> str:
    """What a plain GET of the .asmx shows to people."""
    rows = "".join(f"<li>{n}</li>" for n in service.operations)
    return f"<html><head><title>{service.key} Web Service</title></head><body><h1>{service.key}</h1><ul>{rows}</ul></body></html>"
