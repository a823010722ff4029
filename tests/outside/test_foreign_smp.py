"""Self-check of the foreign SMP and of the foreign clients: `python -m unittest -v` in this folder.

The server runs as its own process and is driven with urllib, http.client and, where it is installed, zeep. A client
that is too lenient would be worthless, so some tests break the server on purpose and want to see the clients complain.
"""
from __future__ import annotations

import gzip
import http.client
import importlib.util
import json
import subprocess
import sys
import threading
import time
import unittest
import urllib.error
import urllib.parse
import urllib.request
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any, Callable
from unittest import mock

from foreign import dispatch, flat_lan, names, profile, xmlout
from foreign.contract import SERVICES
from foreign.serving import ForeignServer

HERE = Path(__file__).parent
HAS_ZEEP = importlib.util.find_spec("zeep") is not None
SMP, SITE, DEPLOY = (flat_lan.server_guid(h) for h in ("SMP01", "SITE01", "DEPLOY01"))
IMAGE = flat_lan.package_guid(flat_lan.IMAGE)
MISSING = "dead0000-beef-4000-8000-00000000cafe"
PATHS = {s.key: s for s in SERVICES}


def ask(url: str, data: bytes | None = None, headers: dict[str, str] | None = None) -> tuple[int, str, bytes]:
    """Status, content type and body of one request."""
    request = urllib.request.Request(url, data, headers or {})
    try:
        with urllib.request.urlopen(request, timeout=20) as reply:
            return reply.status, reply.headers["Content-Type"], reply.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers["Content-Type"], error.read()


class Running(unittest.TestCase):
    """A server of its own for each test."""

    def setUp(self) -> None:
        self.process = subprocess.Popen([sys.executable, str(HERE / "foreign_smp.py"), "--listen", "127.0.0.1:0"],
                                        stdout=subprocess.PIPE, text=True)
        self.addCleanup(self._stop)
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        self.assertRegex(line, r"^listening on http://127\.0\.0\.1:\d+\n$")
        self.url = line.split()[-1]

    def _stop(self) -> None:
        self.process.terminate()
        self.process.wait(10)
        assert self.process.stdout is not None
        self.process.stdout.close()

    def form(self, service: str, method: str, **fields: str) -> tuple[int, str, bytes]:
        """A form POST."""
        data = urllib.parse.urlencode(fields).encode()
        return ask(f"{self.url}/Altiris/{PATHS[service].path}/{method}", data,
                   {"Content-Type": "application/x-www-form-urlencoded"})

    def soap(self, service: str, inner: str, action: str | None, path: str | None = None) -> tuple[int, str, bytes]:
        """A SOAP 1.1 request by hand."""
        body = f'<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body>{inner}</e:Body></e:Envelope>'
        headers = {"Content-Type": "text/xml; charset=utf-8"} | ({"SOAPAction": f'"{action}"'} if action is not None else {})
        return ask(f"{self.url}/Altiris/{path or PATHS[service].path}", body.encode(), headers)

    def look(self, what: str) -> Any:
        """One of the looking glasses."""
        return json.loads(ask(f"{self.url}/{what}")[2])

    def console(self, action: str, **query: str) -> None:
        """An administrator's action."""
        status, _, body = ask(f"{self.url}/console/{action}?{urllib.parse.urlencode(query)}", b"")
        self.assertEqual(status, 200, body)

    def kinds(self) -> list[str]:
        """The kinds of the violations so far, which are then forgotten."""
        found = [v["kind"] for v in self.look("violations")]
        ask(f"{self.url}/violations/clear", b"")
        return found


class Forms(Running):
    """Form POST and GET, by urllib."""

    def test_answers_have_the_documented_roots(self) -> None:
        for service, method, root, fields in (
            ("ItemManagement", "ItemExists", "boolean", {"itemGuid": "{" + SMP.upper() + "}"}),
            ("ItemManagement", "GetItemsByName", "ArrayOfItemDetails", {"itemName": "deploy win11"}),
            ("ItemManagement", "GetItemsByNameAndType", "ArrayOfGuid", {"name": "Deploy%", "type": "%"}),
            ("ItemManagement", "ExportItemXmlString", "string", {"itemGuid": names.ITEM_DS_SETTINGS}),
            ("ResourceManagement", "GetResourceByName", "guid", {"name": "192.168.0.0/24", "resourceType": "Subnet"}),
            ("HierarchyManagement", "IsHierarchyMember", "boolean", {}),
            ("SoftwarePackageManagement", "GetPackage", "SoftwarePackageDetails", {"packageGuid": IMAGE}),
            ("SWDSolnPackageManagement", "GetPackageExByGuid", "PackageExDetails", {"sPackageGuid": IMAGE}),
            ("TaskManagement", "GetTaskStatus", "string", {"taskGuid": names.ITEM_DEPLOY_TASK}),
        ):
            with self.subTest(method):
                status, kind, body = self.form(service, method, **fields)
                self.assertEqual((status, kind), (200, "text/xml; charset=utf-8"), body)
                self.assertEqual(ET.fromstring(body).tag, f"{{{PATHS[service].namespace}}}{root}")
        self.assertEqual(self.kinds(), [])

    def test_errors_are_plain_text_and_are_logged(self) -> None:
        for method, fields, kind in (
            ("GetItemByGuid", {"itemGuid": MISSING}, "unknown-guid"),
            ("GetItemByGuid", {"itemGuid": "x"}, "wrong-type"),
            ("GetItemByGuid", {}, "missing-parameter"),
            ("getitembyguid", {"itemGuid": SMP}, "unknown-operation"),
        ):
            with self.subTest(method + kind):
                status, content_type, body = self.form("ItemManagement", method, **fields)
                self.assertEqual((status, content_type), (500, "text/plain; charset=utf-8"))
                self.assertRegex(body.decode(), r"^System\.\S+: ")
                self.assertEqual(self.kinds(), [kind])
        self.assertEqual(self.form("ResourceModel", "GetResourceStructureList")[0], 500)
        self.assertEqual(self.kinds(), ["unsupported-protocol"])
        self.form("ItemManagement", "ItemExists", itemGuid=SMP, extra="1")
        self.assertEqual(self.kinds(), ["unknown-parameter"])

    def test_reports_run_sql_and_only_read(self) -> None:
        def create(sql: str) -> str:
            _, _, body = self.form("ReportManagement", "CreateReportUsingRawSqlQuery", reportName="R", reportDescription="",
                                   dataSourceName="", folderGuid=names.ITEM_REPORTS, sqlQuery=sql)
            return next(e.text or "" for e in ET.fromstring(body) if e.tag.endswith("}Guid"))

        report = create("SELECT ChildResourceGuid AS [Le Service], NULL AS Rien FROM dbo.ResourceAssociation "
                        "WHERE ResourceAssociationTypeGuid = '%a%'")
        status, _, body = self.form("ReportManagement", "RunReportWithParameters", reportItemGuid=report,
                                    parameters="a={" + names.ASSOC_SERVICE.upper() + "}")
        root = ET.fromstring(body)
        self.assertEqual((status, root.tag, len(root)), (200, "NewDataSet", 7), body)
        self.assertEqual([c.tag for c in root[1]], ["Le_x0020_Service"])
        for table in ("ResourceTypeHierarchy", "vSiteServices", "[Inv_AeX_AC_TCPIP]", "vComputer", "SWDPackageServer",
                      "[Inv_Client_Task_Resources]", "SWDPackage", "SWDPackageCodebase"):
            with self.subTest(table):
                _, _, body = self.form("ReportManagement", "RunReport", reportItemGuid=create(f"SELECT * FROM {table}"))
                self.assertGreater(len(ET.fromstring(body)), 1, body)
        self.assertEqual(self.kinds(), [])
        for sql in ("DELETE FROM vComputer", "ATTACH 'x.db' AS y", "SELECT * FROM nowhere", "SELECT 1; SELECT 2"):
            with self.subTest(sql):
                self.assertEqual(self.form("ReportManagement", "RunReport", reportItemGuid=create(sql))[0], 500)
                self.assertEqual(self.kinds(), ["bad-sql"])

    def test_a_new_holder_has_the_package_after_a_while(self) -> None:
        def set_to(servers: list[str]) -> None:
            status, _, body = self.form("SoftwarePackageManagement", "SetPackageServerSettings", PackageGuid=IMAGE,
                                        AssignmentType="1" if servers else "0", AutomaticSiteAssignment="false",
                                        PackageServers=",".join(servers), PackageServerLocation="")
            self.assertEqual(status, 200, body)
            status, _, body = self.form("SoftwarePackageManagement", "UpdateDistributionPoints", PackageGuid=IMAGE)
            self.assertEqual((status, body), (200, b""))

        def holders() -> list[str]:
            found: list[str] = self.look("dump")["packages"][flat_lan.IMAGE]["holders"]
            return [h.split(".")[0] for h in found]

        set_to([SMP])
        self.assertEqual(holders(), ["SMP01"])
        set_to([SMP, DEPLOY])
        self.assertEqual(holders(), ["SMP01"])
        end = time.monotonic() + 10
        while holders() != ["DEPLOY01", "SMP01"] and time.monotonic() < end:
            time.sleep(0.05)
        self.assertEqual(holders(), ["DEPLOY01", "SMP01"])
        self.assertEqual(self.kinds(), [])
        self.form("SoftwarePackageManagement", "SetPackageServerSettings", PackageGuid=IMAGE, AssignmentType="1",
                  AutomaticSiteAssignment="true", PackageServers=SMP, PackageServerLocation="")
        self.assertEqual(self.kinds(), ["wrong-value"])


class SoapByHand(Running):
    """SOAP 1.1 by hand: what a sloppy client would send."""

    def test_violations_are_faults_and_are_logged(self) -> None:
        space = names.NS_MODEL
        good = f'<GetResourcesOfType xmlns="{space}"><resourceTypeGUID>{names.TYPE_SUBNET}</resourceTypeGUID></GetResourcesOfType>'
        action = space + "GetResourcesOfType"
        self.assertEqual(self.soap("ResourceModel", good, action)[0], 200)
        self.assertEqual(self.soap("ResourceModel", good, action, PATHS["ResourceModel"].path.upper())[0], 200)
        self.assertEqual(self.kinds(), [])
        for what, inner, sent, kind in (
            ("second slash", good, space + "/GetResourcesOfType", "wrong-action"),
            ("no action", good, None, "missing-action"),
            ("other action", good, space + "GetResource", "wrong-action"),
            ("request in a wrong namespace", good.replace(space, "http://a.invalid/"), action, "wrong-namespace"),
            ("unknown type", good.replace(names.TYPE_SUBNET, MISSING), action, "unknown-guid"),
            ("braces in a typed GUID", good.replace(names.TYPE_SUBNET, "{" + names.TYPE_SUBNET + "}"), action, "wrong-type"),
            ("not XML", "<a", action, "malformed"),
        ):
            with self.subTest(what):
                status, _, body = self.soap("ResourceModel", inner, sent)
                self.assertEqual(status, 500)
                detail = {e.tag.rpartition("}")[2] for e in ET.fromstring(body).iter()}
                self.assertLessEqual({"Fault", "exceptionType", "stackTrace", "innerException"}, detail)
                self.assertEqual(self.kinds(), [kind])
        lost = good.replace("<resourceTypeGUID>", '<resourceTypeGUID xmlns="http://a.invalid/">')
        self.soap("ResourceModel", lost, action)
        self.assertEqual(self.kinds(), ["wrong-namespace", "missing-parameter"])

    def test_one_connection_serves_many_requests(self) -> None:
        host = self.url.removeprefix("http://")
        connection = http.client.HTTPConnection(host, timeout=20)
        self.addCleanup(connection.close)
        encodings = set()
        for _ in range(24):
            path = f"/altiris/{PATHS['ItemManagement'].path}/GetItemsByNameAndType?name=%25&type=%25"
            connection.request("GET", path, headers={"Accept-Encoding": "gzip"})
            reply = connection.getresponse()
            body = reply.read()
            encodings.add((reply.headers.get("Content-Encoding"), reply.headers.get("Transfer-Encoding")))
            text = gzip.decompress(body) if reply.headers.get("Content-Encoding") == "gzip" else body
            self.assertEqual(ET.fromstring(text).tag, f"{{{names.NS_ASDK}}}ArrayOfGuid")
        self.assertEqual({e for e, _ in encodings}, {None, "gzip"})
        self.assertEqual({t for _, t in encodings}, {None, "chunked"})

    def test_many_clients_at_once(self) -> None:
        failures: list[object] = []

        def work() -> None:
            for _ in range(20):
                status, _, body = self.form("ItemManagement", "GetItemsByName", itemName=flat_lan.TASK)
                if status != 200:
                    failures.append(body)

        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual((failures, self.kinds()), ([], []))


@unittest.skipUnless(HAS_ZEEP, "zeep is not installed (requirements.txt)")
class ByZeep(Running):
    """The world converges when zeep does what the client would do."""

    def setUp(self) -> None:
        super().setUp()
        from clients.checks import Tally
        from clients.soap import SoapChecks

        checks = SoapChecks(Tally(False), self.url, flat_lan.TASK, flat_lan.IMAGE)
        checks.load()
        self.assertEqual(checks.tally.failed, 0)
        self.model = {v: checks.ports["ResourceModel", v] for v in ("1.1", "1.2")}
        self.items = checks.ports["ItemManagement", "1.2"]

    def _create(self, version: str, type_guid: str, name: str) -> str:
        model = self.model[version]
        supplied = {"IdRessource": MISSING, "Libelle": name, "Genre": type_guid, "Commentaire": "note",
                    "ModifieLe": "2025-01-01T00:00:00"}
        made = model.call("CreateNewResource", type_guid, supplied)
        guid: str = made["Ident"].strip("{}").lower()
        self.assertNotEqual(guid, MISSING)
        return guid

    def test_a_site_is_made_and_taken_down(self) -> None:
        from zeep.exceptions import Fault

        for version, model in self.model.items():
            with self.subTest(version):
                site = self._create(version, names.TYPE_SITE, "Deployment_Site")
                subnet = names.own_guid("sous-reseau:192.168.10.0/24")
                model.call("FormAssociation", names.ASSOC_SITE_SERVER, site, [DEPLOY])
                model.call("FormAssociation", names.ASSOC_SUBNET_SITE, subnet, [site])
                carved = self._create(version, names.TYPE_SUBNET, "192.168.0.12/32")
                model.call("FormAssociation", names.ASSOC_SUBNET_SITE, carved, [site])
                dump = self.look("dump")
                self.assertEqual(dump["sites"]["Deployment_Site"], {
                    "description": "note", "subnets": ["192.168.0.12/32", "192.168.10.0/24"],
                    "servers": ["DEPLOY01.corp.example"], "constrained": False})
                self.assertEqual({v for k, v in dump["taskServers"].items() if k.startswith("POSE")}, {"DEPLOY01.corp.example"})
                found = model.call("GetAssociatedChildResources", names.TYPE_SUBNET, subnet, names.ASSOC_SUBNET_SITE)
                self.assertIn("Deployment_Site", str(found))
                read = model.call("GetResource", site, [])
                read["Note"] = "changed"
                model.call("SaveResource", read)
                self.assertEqual(self.look("dump")["sites"]["Deployment_Site"]["description"], "changed")
                self.assertEqual(self.kinds(), [])
                with self.assertRaises(Fault):
                    model.call("SaveResource", read)
                with self.assertRaises(Fault):
                    model.call("FormAssociation", names.ASSOC_SUBNET_SITE, site, [subnet])
                with self.assertRaises(Fault):
                    model.call("SaveResource", {"Ident": site, "Appellation": "x", "GenreId": names.TYPE_SITE, "VersionInterne": 2})
                self.assertEqual(self.kinds(), ["stale-write", "wrong-type", "lost-element"])
                model.call("BreakAssociation", names.ASSOC_SUBNET_SITE, subnet, [site])
                model.call("DeleteResource", carved)
                model.call("DeleteResource", site)
                dump = self.look("dump")
                self.assertEqual((dump["sites"], dump["subnetsInNoSite"]), ({}, flat_lan.SUBNETS))
                self.assertEqual(self.kinds(), [])

    def test_the_console_is_seen_in_the_items(self) -> None:
        site = self._create("1.1", names.TYPE_SITE, "Lab")
        before = self.items.call("ExportItemXmlString", names.ITEM_SITE_SETTINGS)
        self.console("constrain", site="lab", value="on")
        self.console("capture-target", server="DEPLOY01")
        self.console("role", server="DEPLOY01.corp.example", role="networkBoot")
        after = self.items.call("ExportItemXmlString", names.ITEM_SITE_SETTINGS)
        self.assertEqual(before.count(">Oui<"), 0)
        self.assertIn("{" + site.upper() + "}\" poids=\"10\"><cfg:contrainte>Oui<", after)
        self.assertIn("{" + DEPLOY.upper() + "}", self.items.call("ExportItemXmlString", names.ITEM_DS_SETTINGS))
        dump = self.look("dump")
        self.assertEqual(dump["captureTarget"], "DEPLOY01.corp.example")
        self.assertEqual(dump["roles"]["DEPLOY01.corp.example"], ["networkBoot", "package", "task"])
        self.items.call("ImportItemXmlString", before)
        self.assertFalse(self.look("dump")["sites"]["Lab"]["constrained"])
        self.assertEqual(self.kinds(), [])

    def test_the_clients_pass_against_this_server(self) -> None:
        done = subprocess.run([sys.executable, str(HERE / "foreign_clients.py"), self.url, "--write"],
                              capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertRegex(done.stdout, r"^\d{3} passed, 0 failed\n$")


@unittest.skipUnless(HAS_ZEEP, "zeep is not installed (requirements.txt)")
class BrokenServers(unittest.TestCase):
    """The clients notice when a server breaks the wire."""

    def _failures(self) -> str:
        with ForeignServer(("127.0.0.1", 0), flat_lan.build(time.monotonic)) as server:
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
            thread.start()
            try:
                done = subprocess.run([sys.executable, str(HERE / "foreign_clients.py"), server.url, "--write"],
                                      capture_output=True, text=True, check=False)
            finally:
                server.shutdown()
                thread.join()
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertNotRegex(done.stdout, r" 0 failed")
        return done.stderr

    def test_table_rows_of_another_name(self) -> None:
        real: Callable[..., str] = xmlout.table_xml
        with mock.patch.object(xmlout, "table_xml", lambda t: real(t).replace("Table1", "Ligne")):
            self.assertIn("a report is created, run and deleted", self._failures())

    def test_a_void_answer_with_a_body(self) -> None:
        real: Callable[..., str] = dispatch.form_answer
        with mock.patch.object(dispatch, "form_answer", lambda *a: real(*a) or "<void/>"):
            self.assertIn("200 and empty", self._failures())

    def test_errors_as_html(self) -> None:
        broken = dispatch.Reply(500, "text/html", "<html>Runtime Error</html>")
        with mock.patch.object(dispatch, "_plain_error", lambda *_: broken):
            self.assertIn("RunReport of a missing GUID is 500 with plain text", self._failures())

    def test_faults_without_detail(self) -> None:
        real: Callable[..., str] = dispatch.soap_fault
        with mock.patch.object(dispatch, "soap_fault", lambda *a: real(*a).replace("exceptionType", "type")):
            self.assertIn("the fault's detail lacks exceptionType", self._failures())

    def test_answers_in_a_wrong_namespace(self) -> None:
        real: Callable[..., str] = dispatch.form_answer
        with mock.patch.object(dispatch, "form_answer", lambda *a: real(*a).replace(names.NS_ASDK, "urn:other")):
            self.assertIn("root element", self._failures())

    def test_a_misspelt_result(self) -> None:
        real: Callable[..., str] = dispatch.soap_answer
        with mock.patch.object(dispatch, "soap_answer", lambda *a: real(*a).replace("Result>", "Reply>").replace("Result ", "Reply ")):
            self.assertIn("GetResourceStructureList", self._failures())

    def test_nobody_there(self) -> None:
        done = subprocess.run([sys.executable, str(HERE / "foreign_clients.py"), "http://127.0.0.1:9"],
                              capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("0 passed", done.stdout)


class Profile(unittest.TestCase):
    """The printed profile."""

    def test_it_is_the_one_that_the_server_serves(self) -> None:
        done = subprocess.run([sys.executable, str(HERE / "foreign_smp.py"), "--print-profile"],
                              capture_output=True, text=True, check=True)
        self.assertEqual(done.stdout, profile.text())
        self.assertNotIn("reports:", done.stdout)


if __name__ == "__main__":
    unittest.main()
