"""curl against the form POST and GET side of the ASDK services, and the HTTP manners of all.

Each answer is checked for its status, content type, root element and namespace, as the wire reference §3 has them.
"""
from __future__ import annotations

import re
import subprocess
import tempfile
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path

from .checks import (ASDK_NS, COMPUTER_TYPE, EMPTY_GUID, MISSING_GUID, Tally, expect, expect_equal, is_hollow, local, plain_guid,
                     space)
from .soap import CONTEXT, SERVICES, Found

_ITEMS, _RESOURCES, _REPORTS = "ItemManagement", "ResourceManagement", "ReportManagement"


@dataclass
class Answer:
    """What curl got."""

    status: int
    content_type: str
    body: bytes

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode("utf-8", "replace")

    def root(self, name: str, namespace: str) -> ET.Element:
        """The root element, its status, type, name and namespace checked."""
        expect_equal(self.status, 200, f"status of an answer that begins '{self.text[:200]}'")
        expect("xml" in self.content_type, f"content type '{self.content_type}'")
        root = ET.fromstring(self.body)
        expect_equal((space(root.tag), local(root.tag)), (namespace, name), "root element")
        return root


def curl(*arguments: str) -> Answer:
    """Runs curl and reads what came."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "body")
        done = subprocess.run(["curl", "--silent", "--show-error", "--compressed", "--noproxy", "*", "--max-time", "100",
                               "--output", str(out), "--write-out", "%{http_code}\n%{content_type}", *arguments],
                              capture_output=True, text=True, check=False)
        expect_equal(done.returncode, 0, f"curl {' '.join(arguments)}: {done.stderr.strip()}; exit code")
        status, _, content_type = done.stdout.partition("\n")
        return Answer(int(status), content_type, out.read_bytes() if out.exists() else b"")


class FormChecks:
    """All form checks over one server."""

    def __init__(self, tally: Tally, base: str, found: Found, namespaces: dict[str, str], item: str) -> None:
        self.tally, self.base, self.found, self.namespaces, self.item = tally, base, found, namespaces, item

    def _url(self, service: str, method: str = "") -> str:
        return f"{self.base}/Altiris/{SERVICES[service]}" + (f"/{method}" if method else "")

    def _ask(self, verb: str, service: str, method: str, **fields: str) -> Answer:
        pairs = [w for k, v in fields.items() for w in ("--data-urlencode", f"{k}={v}")] or ["--data", ""]
        return curl(*(["--get"] if verb == "GET" else []), *pairs, self._url(service, method))

    def run(self) -> None:
        """All checks."""
        for verb in ("POST", "GET"):
            self._items(verb)
            self._resources(verb)
            self._packages(verb)
            self._errors(verb)
        self._void()
        self._http()

    def _items(self, verb: str) -> None:
        for guid, expected in ((MISSING_GUID, "false"), (self.found.item, "true")):
            with self.tally.check(f"curl {verb} ItemExists({guid}) is {expected}"):
                root = self._ask(verb, _ITEMS, "ItemExists", itemGuid=guid).root("boolean", ASDK_NS)
                expect_equal(root.text, expected, "text")
        with self.tally.check(f"curl {verb} GetItemsByName"):
            root = self._ask(verb, _ITEMS, "GetItemsByName", itemName=self.item).root("ArrayOfItemDetails", ASDK_NS)
            expect_equal([local(c.tag) for c in root], ["ItemDetails"], "children")
            fields = {local(c.tag): c.text for c in root[0]}
            expect_equal(fields.get("Name"), self.item, "Name")
            expect_equal(plain_guid(fields.get("Guid")), self.found.item, "Guid")
        with self.tally.check(f"curl {verb} GetItemsByName of no item is an empty array"):
            root = self._ask(verb, _ITEMS, "GetItemsByName", itemName="no such item").root("ArrayOfItemDetails", ASDK_NS)
            expect_equal(len(root), 0, "children")
        with self.tally.check(f"curl {verb} GetItemByGuid has ItemDetails as root"):
            self._ask(verb, _ITEMS, "GetItemByGuid", itemGuid=self.found.item).root("ItemDetails", ASDK_NS)
        with self.tally.check(f"curl {verb} ExportItemXmlString is XML inside <string>"):
            root = self._ask(verb, _ITEMS, "ExportItemXmlString", itemGuid=self.found.item).root("string", ASDK_NS)
            expect(len(root) == 0 and "<" in (root.text or ""), "the XML is not escaped text")

    def _resources(self, verb: str) -> None:
        with self.tally.check(f"curl {verb} GetResourceByName of no resource is the empty <guid>"):
            answer = self._ask(verb, _RESOURCES, "GetResourceByName", name="no such computer", resourceType=COMPUTER_TYPE)
            expect_equal(plain_guid(answer.root("guid", ASDK_NS).text), EMPTY_GUID, "GUID")
        with self.tally.check(f"curl {verb} GetResourceByContext is <ArrayOfGuid> of <guid>"):
            root = self._ask(verb, _RESOURCES, "GetResourceByContext", parameters=CONTEXT).root("ArrayOfGuid", ASDK_NS)
            expect_equal({local(c.tag) for c in root}, {"guid"}, "children")
            expect_equal({plain_guid(c.text) for c in root}, set(self.found.subnets), "subnets")

    def _packages(self, verb: str) -> None:
        own = self.namespaces.get("SoftwarePackageManagement", "")
        with self.tally.check(f"curl {verb} GetPackage of an unknown package is an empty structure"):
            answer = self._ask(verb, "SoftwarePackageManagement", "GetPackage", packageGuid=MISSING_GUID)
            root = answer.root("SoftwarePackageDetails", own)
            expect(is_hollow(root), f"found {answer.text}")
        with self.tally.check(f"curl {verb} GetPackage of a package has SoftwarePackageDetails as root"):
            answer = self._ask(verb, "SoftwarePackageManagement", "GetPackage", packageGuid=self.found.package)
            fields = {local(c.tag): c.text for c in answer.root("SoftwarePackageDetails", own)}
            expect_equal(plain_guid(fields.get("Guid")), self.found.package, "Guid")
            expect("PackageServerAssigments" in fields, f"found {sorted(fields)}")

    def _errors(self, verb: str) -> None:
        with self.tally.check(f"curl {verb} RunReport of a missing GUID is 500 with plain text"):
            _plain_500(self._ask(verb, _REPORTS, "RunReport", reportItemGuid=MISSING_GUID))
        with self.tally.check(f"curl {verb} with a missing parameter is 500"):
            _plain_500(self._ask(verb, _ITEMS, "GetItemsByNameAndType", name="x"))
        with self.tally.check(f"curl {verb} of something that is no GUID is 500"):
            _plain_500(self._ask(verb, _ITEMS, "GetItemByGuid", itemGuid="not a guid"))
        with self.tally.check(f"curl {verb} of an unknown operation is no 200"):
            expect(self._ask(verb, _ITEMS, "NoSuchOperation", a="b").status >= 400, "status 200")
        with self.tally.check(f"curl {verb} of ResourceModel, which is SOAP only, is no 200"):
            answer = self._ask(verb, "ResourceModel", "GetResourceStructure", resourceTypeGUID=COMPUTER_TYPE)
            expect(answer.status >= 400, f"status {answer.status}: {answer.text[:200]}")

    def _void(self) -> None:
        with self.tally.check("curl POST UpdateDistributionPoints is 200 and empty"):
            answer = self._ask("POST", "SoftwarePackageManagement", "UpdateDistributionPoints", PackageGuid=self.found.package)
            expect_equal((answer.status, answer.body), (200, b""), "status and body")

    def _http(self) -> None:
        with self.tally.check("paths are taken without regard to case"):
            answer = curl(f"{self.base}/ALTIRIS/{SERVICES[_ITEMS].upper()}?wsdl")
            expect_equal((answer.status, local(ET.fromstring(answer.body).tag)), (200, "definitions"), "status and root")
        with self.tally.check("a plain GET of a service shows its page"):
            answer = curl(self._url(_ITEMS))
            expect(answer.status == 200 and "html" in answer.content_type, f"{answer.status} {answer.content_type}")
        with self.tally.check("a wrong SOAPAction is a fault"):
            answer = self._soap('"http://example.invalid/Wrong"', f'<ItemExists xmlns="{ASDK_NS}"><itemGuid/></ItemExists>')
            expect(answer.status == 500 and "Fault" in answer.text, f"{answer.status} {answer.text[:200]}")
        with self.tally.check("a SOAP request that is no XML is an error"):
            answer = self._soap(f'"{ASDK_NS}/ItemExists"', "<ItemExists")
            expect(answer.status >= 400, f"status {answer.status}")
        with self.tally.check("a SOAP request without its parameter is a fault"):
            answer = self._soap(f'"{ASDK_NS}/ItemExists"', f'<ItemExists xmlns="{ASDK_NS}"/>')
            expect(answer.status == 500 and "Fault" in answer.text, f"{answer.status} {answer.text[:200]}")

    def _soap(self, action: str, inner: str) -> Answer:
        body = ('<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>' + inner + "</s:Body></s:Envelope>")
        return curl("--header", "Content-Type: text/xml; charset=utf-8", "--header", f"SOAPAction: {action}",
                    "--data-binary", body, self._url(_ITEMS))


def _plain_500(answer: Answer) -> None:
    expect_equal(answer.status, 500, "status")
    expect("html" not in answer.content_type, f"content type '{answer.content_type}', expected plain text")
    expect(re.match(r"System\.\S+ ?: \S", answer.text), f"expected 'System.…: message', found '{answer.text[:200]}'")
