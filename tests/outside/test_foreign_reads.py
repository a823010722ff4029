"""Self-check of what the foreign SMP says of computers, of what happened, of a hierarchy, and of who serves whom.

The wire is driven as in test_foreign_smp; the readings of the selection rules are tried on worlds in this process,
with a clock of their own.
"""
from __future__ import annotations

import ipaddress
import json
import re
import unittest
import urllib.parse
import xml.etree.ElementTree as ET
from datetime import UTC, datetime
from typing import Any

from foreign import console, flat_lan, inventory, names, profile, selection
from foreign.world import World
from test_foreign_smp import DEPLOY, IMAGE, MISSING, SITE, SMP, Running, ask

try:
    import tsql
except ImportError:  # sqlglot is not installed (../requirements.txt)
    tsql = None  # type: ignore[assignment]

FACTS = names.FACTS
OFFICE, POSE = flat_lan.server_guid("BUREAU01"), flat_lan.server_guid("POSE01")
IMAGES = ("<DeploymentItem><ItemType>Resources</ItemType><ItemName>Image</ItemName><ItemAction>GetAll</ItemAction>"
          "<Item></Item></DeploymentItem>")


def local(tag: str) -> str:
    """The local name of a tag."""
    return tag.rpartition("}")[2]


class Reading(Running):
    """Helpers to read the same thing in several ways."""

    def table(self, body: bytes) -> list[dict[str, str | None]]:
        """The rows of a table, column names out of their XML spelling, NULL as None."""
        root = ET.fromstring(body)
        found = [e.get("name") or "" for e in root[0].iter("{http://www.w3.org/2001/XMLSchema}element")]
        columns = [c for c in found if c not in ("NewDataSet", "Table", "Table1")]
        rows = [{c.tag: c.text for c in row} for row in root[1:]]
        return [{re.sub(r"_x(\w{4})_", lambda m: chr(int(m.group(1), 16)), c): row.get(c) for c in columns} for row in rows]

    def report(self, sql: str, **parameters: str) -> list[dict[str, str | None]]:
        """The rows of a report, whose SQL must also be plain T-SQL where sqlglot can say so."""
        if tsql is not None:
            self.assertIsNone(tsql.fault(sql))
        _, _, body = self.form("ReportManagement", "CreateReportUsingRawSqlQuery", reportName="R", reportDescription="",
                               dataSourceName="", folderGuid=names.ITEM_REPORTS, sqlQuery=sql)
        guid = next(e.text or "" for e in ET.fromstring(body) if local(e.tag) == "Guid")
        method = "RunReportWithParameters" if parameters else "RunReport"
        more = {"parameters": ", ".join(f"{k}={v}" for k, v in parameters.items())} if parameters else {}
        status, _, body = self.form("ReportManagement", method, reportItemGuid=guid, **more)
        self.assertEqual(status, 200, body)
        return self.table(body)

    def by_name(self, class_guid: str, resource: str) -> list[dict[str, str | None]]:
        """GetDataClassData."""
        status, _, body = self.form("ResourceManagement", "GetDataClassData",
                                    dataClass=names.data_class(class_guid).name, resourceGuid=resource)
        self.assertEqual(status, 200, body)
        return self.table(body)

    def call(self, operation: str, inner: str) -> ET.Element:
        """An operation of ResourceModel by SOAP."""
        status, _, body = self.soap("ResourceModel", f'<{operation} xmlns="{names.NS_MODEL}">{inner}</{operation}>',
                                    names.NS_MODEL + operation)
        self.assertEqual(status, 200, body)
        return ET.fromstring(body)

    @staticmethod
    def rows(element: ET.Element) -> list[dict[str, str | None]]:
        """The data rows that stand below an element."""
        out = []
        for row in (e for e in element.iter() if local(e.tag) == "DataClassRowData"):
            cells = ({local(c.tag): c.text for c in f} for f in row.iter() if local(f.tag) == "DataClassFieldData")
            out.append({cell["FieldName"] or "": cell.get("Value") for cell in cells})
        return out

    def everywhere(self, class_guid: str, resource: str) -> list[dict[str, str | None]]:
        """The rows of a data class, which must be the same by all four ways of reading."""
        one = names.data_class(class_guid)
        rows = self.rows(self.call("GetDataClassRows", f"<resourceGUID>{resource}</resourceGUID><dataClass>{one.guid}</dataClass>"))
        many = self.call("GetResources", f"<resourceGUIDs><guid>{resource}</guid></resourceGUIDs><dataClassTypesToFetchGUIDs>"
                         f"<guid>{one.guid}</guid></dataClassTypesToFetchGUIDs>")
        single = self.call("GetResource", f"<resourceGUID>{resource}</resourceGUID><dataClassTypesToFetchGUID>"
                           f"<guid>{one.guid}</guid></dataClassTypesToFetchGUID>")
        columns = ", ".join(f"[{c}]" for c in one.fields)
        told = self.report(f"SELECT {columns} FROM [{one.table}] WHERE [{one.resource}] = '{{{resource.upper()}}}'")
        asked = self.by_name(class_guid, resource)
        self.assertEqual([{k: v for k, v in row.items() if k != one.resource} for row in asked], told)
        self.assertEqual({row[one.resource] for row in asked}, {resource} if asked else set())
        for found in (self.rows(many), self.rows(single), rows):
            self.assertEqual([_plain(row) for row in found], [_plain(row) for row in told])
        return rows

    def value(self, fact: str, resource: str) -> str | None:
        """The text of a fact that stands in one row, read in every way."""
        rows = self.everywhere(FACTS[fact].data_class, resource)
        self.assertLessEqual(len(rows), 1)
        return rows[0][FACTS[fact].field] if rows else None

    def refused(self, action: str, **query: str) -> str:
        """A console action that is answered with 400."""
        status, _, body = ask(f"{self.url}/console/{action}?{urllib.parse.urlencode(query)}", b"")
        self.assertEqual(status, 400, body)
        return body.decode()


def _plain(row: dict[str, str | None]) -> dict[str, str | None]:
    """GUIDs without regard to their spelling, no text as None."""
    return {k: v.strip("{}").lower() if v and len(v) >= 36 else v or None for k, v in row.items()}


class Facts(Reading):
    """Facts of inventory."""

    def test_every_fact_is_read_in_four_ways(self) -> None:
        for fact in FACTS:
            if fact in ("plugIns", "directoryImport"):
                continue
            with self.subTest(fact):
                self.assertTrue(self.value(fact, DEPLOY))
        self.assertEqual(self.value("operatingSystem", DEPLOY), "Microsoft Windows Server 2022 Standard")
        self.assertIsNone(self.value("operatingSystem", flat_lan.server_guid("BUREAU12")))
        self.assertIsNone(self.value("answering", OFFICE))
        subnet = names.own_guid("sous-reseau:192.168.0.0/24")
        self.assertEqual(self.value("directoryImport", subnet), names.FROM_INVENTORY)
        self.console("fact", subnet="192.168.0.0/24", fact="directoryImport", value="on")
        self.assertEqual(self.value("directoryImport", subnet), names.FROM_DIRECTORY)
        self.console("new-site", site="Siège")
        self.console("fact", site="siège", fact="directoryImport", value="on")
        found = self.report(f"SELECT [{names.ORIGIN_FIELD}] AS Value FROM [Suivi_Origine] WHERE [{names.ORIGIN_FIELD}] = N'ANNUAIRE'")
        self.assertEqual(len(found), 2)
        self.assertEqual(self.kinds(), [])

    def test_the_console_changes_facts(self) -> None:
        for value, told in (("off", "Absent"), ("on", "Configuré"), ("no", "Absent"), ("yes", "Configuré"),
                            ("à moitié", "à moitié"), ("", None)):
            self.console("fact", computer="DEPLOY01", fact="iis", value=value)
            self.assertEqual(self.value("iis", DEPLOY), told)
        self.console("fact", computer="deploy01.corp.example", fact="operatingSystem", value="Microsoft Windows 11")
        self.assertEqual(self.value("operatingSystem", DEPLOY), "Microsoft Windows 11")
        self.assertEqual(self.value("operatingSystem", SITE), "Microsoft Windows Server 2022 Standard")
        self.console("fact", computer="BUREAU02", fact="managed", value="off")
        self.assertEqual(self.report("SELECT [Name] FROM vComputer WHERE [IsManaged] = 0"), [{"Name": "BUREAU02"}])
        self.console("fact", computer="DEPLOY01", fact="httpServer", value="")
        self.assertEqual(self.everywhere(names.CLASS_WEB, DEPLOY), [])
        for query, said in (({"computer": "DEPLOY01", "fact": "colour", "value": "x"}, "no fact 'colour'"),
                            ({"computer": "X", "fact": "iis", "value": "x"}, "no computer 'X'"),
                            ({"computer": "DEPLOY01", "fact": "directoryImport", "value": "on"}, "no data class"),
                            ({"computer": "DEPLOY01", "site": "S", "fact": "iis", "value": "on"}, "one of computer, site"),
                            ({"computer": "DEPLOY01", "fact": "iis"}, "fact needs 'value'")):
            self.assertIn(said, self.refused("fact", **query))

    def test_plug_ins_come_and_go(self) -> None:
        def plug_ins(computer: str) -> set[str | None]:
            return {row[names.PLUG_IN_FIELD] for row in self.everywhere(names.CLASS_PLUG_INS, computer)}

        self.assertLess(set(flat_lan.SITE_PLUG_INS), plug_ins(DEPLOY))
        self.assertEqual(plug_ins(POSE), {*flat_lan.BASE_PLUG_INS, "Deployment Solution Plug-in", "Inventaire logiciel"})
        self.console("plug-in", computer="DEPLOY01", name="deployment nbs plug-IN", value="off")
        self.assertNotIn("Deployment NBS Plug-in", plug_ins(DEPLOY))
        self.console("plug-in", computer="POSE01", name="Deployment Package Server", value="on")
        self.console("plug-in", computer="POSE01", name="deployment package server")
        self.assertEqual(sorted(n or "" for n in plug_ins(POSE) if "Package" in (n or "")), ["Deployment Package Server"])
        self.assertIn("on or off", self.refused("plug-in", computer="POSE01", name="X", value="maybe"))

    def test_types_tell_their_data_classes(self) -> None:
        def classes(type_guid: str) -> set[str]:
            answer = self.call("GetDataClassesForResourceType", f"<resourceTypeGUID>{type_guid}</resourceTypeGUID>")
            return {e.text or "" for e in answer.iter() if local(e.tag) == "NomClasse"}

        self.assertEqual(classes(names.TYPE_SITE), {"Origine"})
        self.assertEqual(classes(names.TYPE_VIRTUAL), {c.name for c in names.DATA_CLASSES} - {"Origine"})
        self.assertEqual(classes(names.TYPE_PACKAGE), set())

    def test_reports_join_facts_in_plain_t_sql(self) -> None:
        """The table of reports in docs/profile.md, each in several spellings of T-SQL."""
        station = names.data_class(names.CLASS_STATION)
        rows = self.report(
            f"SELECT f.[{station.resource}] AS [ResourceGuid], N'operatingSystem' AS [Fact], "
            f"CAST(f.[{names.OS_FIELD}] AS nvarchar(400)) AS [Value] FROM [dbo].[{station.table}] AS f "
            f"WHERE f.[{station.resource}] IN (SELECT [ParentResourceGuid] FROM [dbo].[ResourceAssociation] "
            f"WHERE [ResourceAssociationTypeGuid] = '%type%') UNION ALL "
            f"SELECT CONVERT(nvarchar(36), [ServeurRef]), 'l''état', ISNULL([État], N'{{?}}') COLLATE DATABASE_DEFAULT "
            f"FROM [Suivi_Joignabilite] WHERE LEN([ServeurRef]) = 36 AND CAST('{SMP}' AS uniqueidentifier) = [ServeurRef]",
            type=names.ASSOC_SERVICE.upper())
        self.assertEqual([r["Fact"] for r in rows], ["operatingSystem"] * 3 + ["l'état"])
        self.assertEqual(rows[3], {"ResourceGuid": SMP, "Fact": "l'état", "Value": "En ligne"})
        self.assertEqual({r["Value"] for r in rows[:3]}, {"Microsoft Windows Server 2022 Standard"})
        managed = FACTS["managed"]
        table = names.data_class(managed.data_class)
        rows = self.report(
            f"SELECT p.[_ResourceGuid] AS ComputerGuid, p.[Module] AS PlugIn FROM [Inv_Modules_Agent] AS p INNER JOIN "
            f"[{table.table}] AS g ON g.[{table.resource}] = p.[_ResourceGuid] WHERE g.[{managed.field}] = N'OUI'")
        self.assertEqual(len({r["ComputerGuid"] for r in rows}), 21)
        rows = self.report(f"SELECT [_ResourceGuid] AS ComputerGuid, [{names.TASK_SERVER_COLUMN}] AS ServerGuid "
                           "FROM [Inv_Client_Task_Resources] WHERE [HasTaskAgent] = 1")
        self.assertEqual((len(rows), {r["ServerGuid"] for r in rows}), (21, {SMP, SITE, DEPLOY}))
        self.assertEqual(self.kinds(), [])

    def test_the_profile_names_what_is_there(self) -> None:
        text = profile.text()
        found = dict(re.findall(r"^\s+(\w+): (\{\"dataClass\".*\})$", text, re.MULTILINE))
        self.assertEqual(set(found), {*FACTS, "taskRegistrations", "packageSources", "serverLoad"})
        for key, entry in ((k, json.loads(v)) for k, v in found.items()):
            with self.subTest(key):
                one = names.data_class(entry.pop("dataClass").strip("{}").lower())
                self.assertEqual(entry.pop("table"), one.table)
                resource = entry.pop({"serverLoad": "server"}.get(key, "resource" if key in FACTS else "client"))
                self.assertEqual(resource, one.resource)
                self.assertNotIn(resource, one.fields)
                entry.pop("yes", None)
                self.assertLessEqual(set(entry.values()), set(one.fields))
                columns = ", ".join(f"[{c}]" for c in (resource, *entry.values()))
                self.report(f"SELECT {columns} FROM [{one.table}]")
        self.assertEqual(self.kinds(), [])
        for fact in FACTS.values():
            self.assertEqual(fact.yes is None, fact.no is None)
            self.assertNotEqual((fact.yes or "x").casefold(), (fact.no or "y").casefold())


class Happenings(Reading):
    """Deployments, captures, loads and registrations."""

    def loads(self) -> dict[str, tuple[int, int]]:
        """The package and task load of each server."""
        out = {}
        for host in ("SMP01", "SITE01", "DEPLOY01"):
            [row] = self.everywhere(names.CLASS_LOAD, flat_lan.server_guid(host))
            out[host] = int(row[names.LOAD_PACKAGE] or ""), int(row[names.LOAD_TASK] or "")
        return out

    def test_a_deployment_is_seen_in_sources_and_load(self) -> None:
        idle = (inventory.IDLE_LOAD["package"], inventory.IDLE_LOAD["task"])
        self.assertEqual(self.loads(), dict.fromkeys(("SMP01", "SITE01", "DEPLOY01"), idle))
        self.assertEqual(self.everywhere(names.CLASS_LOAD, POSE), [])
        self.assertEqual(self.everywhere(names.CLASS_SOURCES, POSE), [])
        self.console("new-site", site="Atelier")
        self.console("add-subnet", site="Atelier", subnet="192.168.10.0/24")
        self.console("assign-server", site="Atelier", server="DEPLOY01")
        self.console("add-subnet", site="Atelier", subnet="192.168.0.12/32")
        before = datetime.now(UTC)
        self.console("deploy", client="POSE01", package=flat_lan.IMAGE)
        self.console("deploy", client="POSE01", package="DriversDB")
        rows = self.everywhere(names.CLASS_SOURCES, POSE)
        self.assertEqual({_plain(r)[names.SOURCE_PACKAGE] for r in rows}, {IMAGE, flat_lan.package_guid("DriversDB")})
        self.assertEqual({_plain(r)[names.SOURCE_SERVER] for r in rows}, {DEPLOY})
        for row in rows:
            when = datetime.fromisoformat(row[names.SOURCE_TIME] or "")
            self.assertLess(abs((when - before).total_seconds()), 20)
        self.assertEqual(self.loads(), {"SMP01": idle, "SITE01": idle, "DEPLOY01": (idle[0] + 2, idle[1] + 2)})
        self.assertEqual(self.everywhere(names.CLASS_SOURCES, OFFICE), [])
        registered = self.everywhere(names.CLASS_REGISTRATION, POSE)[0][names.TASK_SERVER_COLUMN]
        self.assertEqual((registered or "").strip("{}").lower(), DEPLOY)
        self.assertIn("no package 'X'", self.refused("deploy", client="POSE01", package="X"))
        self.console("constrain", site="Atelier")
        self.console("down", server="DEPLOY01", value="on")
        self.assertIn("may use no server", self.refused("deploy", client="POSE01", package=flat_lan.IMAGE))
        self.assertEqual(self.value("answering", DEPLOY), "Hors ligne")
        self.assertIsNone(self.everywhere(names.CLASS_REGISTRATION, POSE)[0][names.TASK_SERVER_COLUMN])
        self.console("down", server="DEPLOY01", value="off")
        self.console("deploy", client="POSE01", package=flat_lan.IMAGE)
        self.assertIn("no site server", self.refused("down", server="POSE01"))
        self.assertEqual(self.kinds(), [])

    def images(self) -> dict[str, str]:
        """Name and location of each image."""
        _, _, body = self.form("DSTaskManagement", "RunDeploymentSolutionTask", xml=IMAGES)
        found = next(e.text or "" for e in ET.fromstring(body) if local(e.tag) == "ReturnXML")
        rows = [{c.tag: c.text or "" for c in image} for image in ET.fromstring(found)]
        return {row["Name"]: row["Location"] for row in rows}

    def test_a_capture_is_an_image_at_the_target(self) -> None:
        self.assertEqual(list(self.images()), [flat_lan.IMAGE])
        self.console("capture", client="POSE02")
        self.console("capture-target", server="DEPLOY01")
        self.console("capture", client="POSE02")
        found = self.images()
        self.assertEqual(len(found), 3)
        self.assertTrue(found["Capture POSE02.corp.example 1"].startswith("\\\\SMP01\\"), found)
        self.assertTrue(found["Capture POSE02.corp.example 2"].startswith("\\\\DEPLOY01\\"), found)
        self.assertEqual(self.loads()["DEPLOY01"][0], inventory.IDLE_LOAD["package"] + 1)
        holders = self.look("dump")["packages"]["Capture POSE02.corp.example 2"]["holders"]
        self.assertIn("DEPLOY01.corp.example", holders)
        self.console("down", server="DEPLOY01")
        self.assertIn("does not answer", self.refused("capture", client="POSE02"))
        self.assertEqual(self.kinds(), [])

    def test_memberships_are_undone_in_the_console(self) -> None:
        self.console("new-site", site="Atelier")
        self.console("add-subnet", site="Atelier", subnet="192.168.10.0/24")
        self.console("assign-server", site="Atelier", server="DEPLOY01")
        self.console("remove-subnet", site="Atelier", subnet="192.168.10.0/24")
        self.console("unassign-server", site="Atelier", server="DEPLOY01")
        site = self.look("dump")["sites"]["Atelier"]
        self.assertEqual((site["subnets"], site["servers"]), ([], []))
        self.assertIn("not joined", self.refused("remove-subnet", site="Atelier", subnet="192.168.10.0/24"))
        self.assertIn("not joined", self.refused("unassign-server", site="Atelier", server="DEPLOY01"))
        self.console("new-package", package="PCT")
        self.assertIn("PCT", self.look("dump")["packages"])


class Hierarchy(Reading):
    """What is replicated from another server may not be changed."""

    def ask(self, method: str, **fields: str) -> str:
        """An answer of HierarchyManagement."""
        status, _, body = self.form("HierarchyManagement", method, **fields)
        self.assertEqual(status, 200, body)
        return ET.fromstring(body).text or ""

    def test_membership_and_replication_are_told(self) -> None:
        self.assertEqual(self.ask("IsHierarchyMember"), "false")
        self.assertEqual(self.ask("IsHierarchyManaged", itemGuid=IMAGE), "false")
        self.console("hierarchy", value="on")
        self.assertEqual(self.ask("IsHierarchyMember"), "true")
        self.console("hierarchy", value="off")
        self.console("replicated", object=flat_lan.IMAGE)
        self.assertEqual(self.ask("IsHierarchyMember"), "true")
        self.assertEqual(self.ask("IsHierarchyManaged", itemGuid="{" + IMAGE.upper() + "}"), "true")
        self.console("replicated", object=IMAGE, value="off")
        self.assertEqual(self.ask("IsHierarchyManaged", itemGuid=IMAGE), "false")
        self.assertIn("names 0 objects", self.refused("replicated", object="X"))
        self.assertEqual(self.form("HierarchyManagement", "IsHierarchyManaged", itemGuid=MISSING)[0], 500)
        self.assertEqual(self.kinds(), ["unknown-guid"])

    def test_writes_to_what_is_replicated_are_refused(self) -> None:
        self.console("new-site", site="Parent")
        self.console("add-subnet", site="Parent", subnet="10.9.0.0/24")
        names_by = {n: self.report(f"SELECT [ChildResourceGuid] AS G, [ParentResourceGuid] AS P FROM ResourceAssociation "
                                   f"WHERE [ResourceAssociationTypeGuid] = '{names.ASSOC_SUBNET_SITE}'")[0][n] or "" for n in "GP"}
        site, subnet = names_by["G"], names_by["P"]
        for thing in ("Parent", flat_lan.IMAGE, "Network boot service rollout"):
            self.console("replicated", object=thing)
        other = names.own_guid("sous-reseau:192.168.10.0/24")
        space = names.NS_MODEL
        link = (f"<relationshipTypeGUID>{names.ASSOC_SUBNET_SITE}</relationshipTypeGUID><relationshipParentGUID>%s"
                f"</relationshipParentGUID><relationshipChildGUIDs><guid>{site}</guid></relationshipChildGUIDs>")
        saved = f"<resource><Ident>{site}</Ident><Appellation>Autre</Appellation><GenreId>{names.TYPE_SITE}</GenreId></resource>"
        before = self.look("dump")
        for operation, inner in (("FormAssociation", link % other), ("BreakAssociation", link % subnet),
                                 ("DeleteResource", f"<resourceGuid>{site}</resourceGuid>"),
                                 ("SaveResource", saved), ("SaveOrCreateResource", saved)):
            with self.subTest(operation):
                status, _, body = self.soap("ResourceModel", f'<{operation} xmlns="{space}">{inner}</{operation}>', space + operation)
                self.assertEqual(status, 500, body)
                kinds = [e.text for e in ET.fromstring(body).iter() if local(e.tag) == "exceptionType"]
                self.assertEqual(kinds, ["Altiris.ASDK.NS.ASDKInsufficientPermissionException"], body)
                self.assertEqual(self.kinds(), ["replicated-write"])
        xml = next(iter(ET.fromstring(self.form("ItemManagement", "ExportItemXmlString", itemGuid=names.ITEM_SITE_SETTINGS)[2]).itertext()))
        for service, operation, fields in (
            ("SoftwarePackageManagement", "SetPackageServerSettings",
             {"PackageGuid": IMAGE, "AssignmentType": "1", "AutomaticSiteAssignment": "false", "PackageServers": SMP,
              "PackageServerLocation": ""}),
            ("SWDSolnPackageManagement", "SetPackageExPackageServerOptions",
             {"sPackageGuid": IMAGE, "bAllOrSpecificPackageServers": "false", "sPackageServerGuids": SMP, "sLocationOnPackageServer": ""}),
            ("ItemManagement", "EnablePolicyItem", {"policyItemGuid": names.ITEM_ROLLOUT}),
            ("ItemManagement", "RenameItem", {"itemGuid": site, "newName": "Autre"}),
            ("ItemManagement", "DeleteItem", {"itemGuid": site}),
            ("ItemManagement", "ImportItemXmlString", {"xml": xml.replace("><cfg:contrainte>Non<", "><cfg:contrainte>Oui<")}),
            ("ResourceManagement", "CreateResourceAssociation",
             {"resourceAssociationTypeGuid": names.ASSOC_SUBNET_SITE, "parentResourceGuid": other, "childResourceGuid": site}),
        ):
            with self.subTest(operation):
                status, _, body = self.form(service, operation, **fields)
                self.assertEqual(status, 500, body)
                self.assertIn(b"ASDKInsufficientPermissionException", body)
                self.assertEqual(self.kinds(), ["replicated-write"])
        self.assertEqual(self.look("dump"), before)
        self.console("replicated", object="Parent", value="off")
        self.call("FormAssociation", link % other)
        self.assertEqual(self.look("dump")["sites"]["Parent"]["subnets"], ["10.9.0.0/24", "192.168.10.0/24"])


class Served(Running):
    """The endpoint."""

    def test_it_answers_for_addresses_and_clients(self) -> None:
        found = self.look("served?address=192.168.10.50")
        every = ["DEPLOY01.corp.example", "SITE01.corp.example", "SMP01.corp.example"]
        self.assertEqual((found["subnet"], found["site"], found["around"]), (None, None, ["192.168.10.0/24"]))
        self.assertEqual(found["roles"]["package"], {"basis": "everyServer", "servers": every,
                                                     "readings": [{"basis": "everyServer", "servers": every}]})
        self.assertEqual(found["roles"]["networkBoot"]["basis"], "nobody")
        client = self.look("served?client=pose01")
        self.assertEqual((client["client"], client["addresses"]), ("POSE01.corp.example", [found]))
        self.assertEqual(self.kinds(), [])
        for query, said in (("", "an address or for a client"), ("?address=1.2.3", "address:"), ("?client=X", "no computer"),
                            ("?address=1.2.3.4&client=POSE01", "an address or"), ("?client=POSE01&package=X", "no package")):
            status, _, body = ask(f"{self.url}/served{query}")
            self.assertEqual(status, 400)
            self.assertIn(said, body.decode())


class Rules(unittest.TestCase):
    """Wire reference §7, case by case."""

    def setUp(self) -> None:
        self.now = 100.0
        self.world: World = flat_lan.build(lambda: self.now)
        self.world.settle()

    def do(self, action: str, **query: str) -> None:
        """A console action, and the replication that follows it."""
        console.perform(self.world, action, query)
        self.world.settle()
        self.now += 5
        self.world.settle()

    def check(self, role: str, address: str, *expected: tuple[str, str], client: str | None = None, package: str | None = None) -> None:
        """The readings of a role: basis, and the host names in one text."""
        found = selection.readings(self.world, role, [ipaddress.IPv4Address(address)], client, package)
        told = [(one.basis, " ".join(sorted(self.world.resources[s].name.split(".")[0] for s in one.servers))) for one in found]
        self.assertEqual(told, list(expected))

    def deployment_site(self) -> None:
        """Article 000's site, the server's own address carved out."""
        self.do("new-site", site="Deployment_Site")
        for subnet in ("192.168.10.0/24", "192.168.0.12/32"):
            self.do("add-subnet", site="Deployment_Site", subnet=subnet)
        self.do("assign-server", site="Deployment_Site", server="DEPLOY01")

    def test_without_sites_the_own_subnet_comes_first(self) -> None:
        every = "DEPLOY01 SITE01 SMP01"
        for role in ("package", "task"):
            self.check(role, "192.168.0.100", ("ownSubnet", every))
            self.check(role, "192.168.10.50", ("everyServer", every))
            self.check(role, "203.0.113.9", ("everyServer", every))
        console._save(self.world, names.TYPE_SUBNET, "192.168.0.8/30")
        self.check("task", "192.168.0.9", ("ownSubnet", "SITE01 SMP01"))
        self.check("networkBoot", "192.168.0.100", ("nobody", ""))

    def test_a_client_in_no_site_has_two_readings(self) -> None:
        self.deployment_site()
        every = "DEPLOY01 SITE01 SMP01"
        for role in ("package", "task"):
            self.check(role, "192.168.10.50", ("site", "DEPLOY01"))
            self.check(role, "192.168.0.100", ("smp", "SMP01"), ("ownSubnet", every))
            self.check(role, "203.0.113.9", ("smp", "SMP01"), ("everyServer", every))
        self.do("down", server="SMP01")
        self.check("task", "203.0.113.9", ("smp", ""), ("everyServer", "DEPLOY01 SITE01"))

    def test_the_article_divides_office_and_deployment(self) -> None:
        self.deployment_site()
        self.do("new-site", site="HQ")
        self.do("add-subnet", site="HQ", subnet="192.168.0.0/24")
        for role in ("package", "task"):
            self.check(role, "192.168.0.100", ("site", "SITE01 SMP01"))
            self.check(role, "192.168.10.50", ("site", "DEPLOY01"))
            self.check(role, "192.168.0.12", ("site", "DEPLOY01"))
        self.do("remove-subnet", site="Deployment_Site", subnet="192.168.0.12/32")
        self.check("package", "192.168.0.100", ("site", "DEPLOY01 SITE01 SMP01"))
        self.check("package", "192.168.10.50", ("site", "DEPLOY01"))
        self.check("task", "192.168.10.50", ("manual", "DEPLOY01"), ("waits", ""), ("failover", "DEPLOY01 SITE01 SMP01"))
        self.do("constrain", site="Deployment_Site")
        self.check("task", "192.168.10.50", ("manual", "DEPLOY01"), ("waits", ""))
        self.do("unassign-server", site="Deployment_Site", server="DEPLOY01")
        self.check("package", "192.168.10.50", ("waits", ""))

    def test_the_most_specific_assigned_subnet_decides(self) -> None:
        self.deployment_site()
        self.do("new-site", site="HQ")
        self.do("add-subnet", site="HQ", subnet="192.168.0.0/16")
        self.check("package", "192.168.0.100", ("site", "SITE01 SMP01"))    # 192.168.0.0/24 is known and inherits
        self.check("package", "192.168.10.50", ("site", "DEPLOY01"))
        found = console.served(self.world, {"address": "192.168.0.100"})
        self.assertEqual((found["subnet"], found["site"], found["around"]),
                         ("192.168.0.0/16", "HQ", ["192.168.0.0/24", "192.168.0.0/16"]))
        two = self.world.named(names.TYPE_SITE, "HQ")
        assert two is not None
        self.world.form(names.ASSOC_SUBNET_SITE, names.own_guid("sous-reseau:192.168.10.0/24"), [two.guid])
        self.check("package", "192.168.10.50", ("site", "DEPLOY01 SITE01 SMP01"))
        found = console.served(self.world, {"address": "192.168.10.50"})
        self.assertEqual((found["site"], found["sites"]), (None, ["Deployment_Site", "HQ"]))

    def test_only_holders_serve_a_package(self) -> None:
        self.deployment_site()
        self.check("package", "192.168.10.50", ("site", "DEPLOY01"), package=IMAGE)
        self.world.packages[IMAGE].assignment, self.world.packages[IMAGE].targets = "INDIVIDUALLY", [SITE]
        self.world.settle()
        self.check("package", "192.168.10.50", ("waits", ""), ("failover", "SITE01"), package=IMAGE)
        self.do("constrain", site="Deployment_Site")
        self.check("package", "192.168.10.50", ("waits", ""), package=IMAGE)
        found = console.served(self.world, {"client": "POSE01", "package": flat_lan.IMAGE})
        self.assertEqual((found["roles"]["package"]["servers"], found["roles"]["task"]["servers"]), ([], ["DEPLOY01.corp.example"]))
        self.check("package", "192.168.0.11", ("itself", "SITE01"), client=SITE, package=IMAGE)
        self.check("package", "192.168.0.12", ("waits", ""), client=DEPLOY, package=IMAGE)

    def test_network_boot_goes_by_the_broadcast_domain(self) -> None:
        self.deployment_site()
        self.do("role", server="DEPLOY01", role="networkBoot")
        self.check("networkBoot", "192.168.0.100", ("broadcastDomain", "DEPLOY01"))     # whatever its site is
        self.check("networkBoot", "192.168.10.50", ("broadcastDomain", ""), ("relay", "DEPLOY01"))
        self.do("down", server="DEPLOY01")
        self.check("networkBoot", "192.168.0.100", ("nobody", ""))

    def test_several_addresses_add_up(self) -> None:
        self.deployment_site()
        self.do("new-site", site="HQ")
        self.do("add-subnet", site="HQ", subnet="192.168.0.0/24")
        rows = self.world.resources[POSE].data[names.CLASS_TCPIP]
        rows.append({**rows[0], names.IP_ADDRESS: "192.168.0.77"})
        found = console.served(self.world, {"client": "POSE01"})
        self.assertEqual([a["site"] for a in found["addresses"]], ["HQ", "Deployment_Site"])
        self.assertEqual([len(a["roles"]["task"]["servers"]) for a in found["addresses"]], [2, 1])
        self.assertEqual(len(found["roles"]["task"]["servers"]), 3)

    def test_load_is_a_level(self) -> None:
        for _ in range(3):
            self.do("deploy", client="BUREAU01", package=flat_lan.IMAGE)
        total = sum(inventory.load(self.world, s, "package") for s in (SMP, SITE, DEPLOY))
        self.assertEqual(total, 3 * inventory.IDLE_LOAD["package"] + 3)
        self.assertEqual(len({s for s, role, _ in self.world.requests if role == "package"}), 3)
        self.now += inventory.LOAD_SECONDS
        self.assertEqual(inventory.load(self.world, SMP, "package"), inventory.IDLE_LOAD["package"])
        self.assertEqual(self.world.requests, [])


if __name__ == "__main__":
    unittest.main()
