"""zeep against every service: each `?WSDL` loads, each service answers by SOAP 1.1 and 1.2.

Reads only, unless writing is asked for. Nothing of a server is known beforehand but the documented names: the
undocumented structures are understood by their values (a field that holds distinct GUIDs, the Computer type among them).
"""
from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Callable

import zeep
from zeep.exceptions import Fault
from zeep.helpers import serialize_object
from zeep.transports import Transport
from zeep.wsdl.bindings.soap import Soap11Binding, Soap12Binding

from .checks import (COMPUTER_TYPE, EMPTY_GUID, EXCEPTIONS, MISSING_GUID, Mismatch, Tally, expect, expect_equal, local,
                     plain_guid, read_table)

SERVICES = {
    "ItemManagement": "ASDK.NS/ItemManagementService.asmx",
    "ResourceManagement": "ASDK.NS/ResourceManagementService.asmx",
    "ReportManagement": "ASDK.NS/ReportManagementService.asmx",
    "HierarchyManagement": "ASDK.NS/HierarchyManagementService.asmx",
    "SoftwarePackageManagement": "ASDK.SMF/SoftwarePackageManagementService.asmx",
    "SWDSolnPackageManagement": "ASDK.NS.SoftwareDelivery/SWDSolnPackageManagementService.asmx",
    "TaskManagement": "ASDK.Task/TaskManagementService.asmx",
    "DSTaskManagement": "ASDK.DeploymentSolution/DSTaskManagementService.asmx",
    "ResourceModel": "NSWebService/ResourceModel.asmx",
    "ItemModel": "NSWebService/ItemModel.asmx",
}
CONTEXT = "type:subnet, strict:true, %"
_IMAGES = ("<DeploymentItem><ItemType>Resources</ItemType><ItemName>Image</ItemName><ItemAction>GetAll</ItemAction>"
           "<Item></Item></DeploymentItem>")


class Port:
    """One SOAP port of one service."""

    def __init__(self, client: zeep.Client, name: Any, binding: Any, url: str) -> None:
        self.client = client
        self.proxy = client.create_service(name, url)
        self.operations = binding.all()

    def _parameters(self, operation: str) -> list[tuple[str, Any]]:
        expect(operation in self.operations, f"the WSDL has no operation {operation}")
        body = self.operations[operation].input.body
        return list(body.type.elements)

    def call(self, operation: str, *values: Any) -> Any:
        """Calls an operation with its parameters in the order of the wire reference, named by the WSDL."""
        return serialize_object(getattr(self.proxy, operation)(**self._named(operation, values)), dict)

    def raw(self, operation: str, *values: Any) -> ET.Element:
        """The answer's own XML."""
        with self.client.settings(raw_response=True):
            reply = getattr(self.proxy, operation)(**self._named(operation, values))
        return ET.fromstring(reply.content)

    def _named(self, operation: str, values: tuple[Any, ...]) -> dict[str, Any]:
        parameters = self._parameters(operation)
        expect_equal(len(parameters), len(values), f"number of parameters of {operation} in the WSDL")
        return {name: self._array(element, value) if isinstance(value, list) else value
                for (name, element), value in zip(parameters, values)}

    @staticmethod
    def _array(element: Any, values: list[Any]) -> dict[str, list[Any]]:
        inner = element.type.elements
        expect(len(inner) == 1, f"the type of '{element.name}' is no array")
        return {inner[0][0]: values}


def rows_of(value: Any) -> list[Any]:
    """The elements of an array answer, whatever its item is called."""
    if value is None:
        return []
    if isinstance(value, dict):
        lists = [v for v in value.values() if isinstance(v, list)]
        return lists[0] if lists else []
    return list(value)


def guid_field(rows: list[dict[str, Any]], strangers: set[str]) -> str:
    """The field of a structure that holds its own GUID: a GUID in each row, all different, none of them a stranger's."""
    fields = rows[0].keys() if rows else []
    for name in fields:
        guids = [plain_guid(r.get(name)) for r in rows]
        if all(guids) and len(set(guids)) == len(guids) and not set(guids) & (strangers | {EMPTY_GUID}):
            return name
    raise Mismatch(f"no field of {rows[:1]} holds a GUID of its own")


def fault_type(fault: Fault) -> str:
    """The documented type of a fault, its detail checked."""
    expect(fault.detail is not None, f"the fault '{fault.message}' has no detail")
    parts = {local(e.tag): e.text or "" for e in fault.detail.iter()}
    for name in ("exceptionType", "stackTrace", "innerException"):
        expect(name in parts, f"the fault's detail lacks {name}, it has {sorted(parts)}")
    kind = parts["exceptionType"].split(",")[0].rpartition(".")[2]
    expect(kind in EXCEPTIONS, f"exceptionType '{parts['exceptionType']}' is not documented")
    return kind


def value_or_fault(ask: Callable[[], Any], nothing: Any = None) -> Any:
    """An answer (`nothing` where it is empty), or None where the server answers with a documented fault."""
    try:
        return ask() or nothing
    except Fault as fault:
        fault_type(fault)
        return None


def expect_fault(ask: Callable[[], Any], kinds: set[str] = EXCEPTIONS) -> None:
    """A documented fault must come."""
    try:
        value = ask()
    except Fault as fault:
        kind = fault_type(fault)
        expect(kind in kinds, f"expected one of {sorted(kinds)}, found {kind}")
        return
    raise Mismatch(f"expected a fault, found {value!r}")


@dataclass
class Found:
    """What the checks found out about the server, for one another."""

    types: list[str] = field(default_factory=list)
    computers: list[str] = field(default_factory=list)
    computer_rows: list[dict[str, Any]] = field(default_factory=list)
    data_classes: list[str] = field(default_factory=list)
    subnets: list[str] = field(default_factory=list)
    item: str = MISSING_GUID
    folder: str = EMPTY_GUID
    package: str = MISSING_GUID


class SoapChecks:
    """All SOAP checks over one server."""

    def __init__(self, tally: Tally, base: str, item: str, package: str) -> None:
        self.tally, self.base, self.item, self.package = tally, base, item, package
        self.found = Found()
        self.ports: dict[tuple[str, str], Port] = {}
        self.namespaces: dict[str, str] = {}

    def load(self) -> None:
        """Every WSDL, with a SOAP 1.1 and a SOAP 1.2 binding."""
        for key, path in SERVICES.items():
            with self.tally.check(f"zeep loads {path}?WSDL"):
                url = f"{self.base}/Altiris/{path}"
                client = zeep.Client(url + "?WSDL", transport=Transport(timeout=100, operation_timeout=100))
                self.namespaces[key] = next(iter(client.wsdl.bindings)).partition("}")[0][1:]
                for version, kind in (("1.1", Soap11Binding), ("1.2", Soap12Binding)):
                    names = [n for n, b in client.wsdl.bindings.items() if type(b) is kind]
                    expect(names, f"no SOAP {version} binding")
                    self.ports[key, version] = Port(client, names[0], client.wsdl.bindings[names[0]], url)

    def run(self, write: bool) -> None:
        """All checks of all services by both versions of SOAP."""
        self.load()
        for version in ("1.1", "1.2"):
            for key, method in (("ResourceModel", self._model), ("ItemManagement", self._items),
                                ("ResourceManagement", self._resources), ("ReportManagement", self._reports),
                                ("HierarchyManagement", self._hierarchy), ("SoftwarePackageManagement", self._packages),
                                ("SWDSolnPackageManagement", self._classic), ("TaskManagement", self._tasks),
                                ("DSTaskManagement", self._deployment), ("ItemModel", self._item_model)):
                if (key, version) in self.ports:
                    method(self.ports[key, version], f"{key} (SOAP {version})")
            if write:
                self._written_report(version)

    # ---- NSWebService ------------------------------------------------------------------------------------------

    def _model(self, port: Port, name: str) -> None:
        found = self.found
        with self.tally.check(f"{name}: GetLastStuctureChangeTimestamp answers a dateTime"):
            stamp = port.call("GetLastStuctureChangeTimestamp")
            expect(hasattr(stamp, "year"), f"expected a dateTime, found {stamp!r}")
        with self.tally.check(f"{name}: GetResourceStructureList holds the Computer type"):
            rows = rows_of(port.call("GetResourceStructureList"))
            expect(rows, "the list is empty")
            own = guid_field(rows, set())
            found.types = [plain_guid(r[own]) or "" for r in rows]
            expect(COMPUTER_TYPE in found.types, f"the field '{own}' does not hold {COMPUTER_TYPE}")
        with self.tally.check(f"{name}: GetResourceStructure answers one"):
            expect(port.call("GetResourceStructure", COMPUTER_TYPE), "the answer is empty")
        with self.tally.check(f"{name}: GetResourcesOfType lists computers"):
            found.computer_rows = rows_of(port.call("GetResourcesOfType", COMPUTER_TYPE))
            own = guid_field(found.computer_rows, set(found.types))
            found.computers = [plain_guid(r[own]) or "" for r in found.computer_rows]
        with self.tally.check(f"{name}: GetDataClassesForResourceType lists data classes"):
            rows = rows_of(port.call("GetDataClassesForResourceType", COMPUTER_TYPE))
            own = guid_field(rows, set(found.types))
            found.data_classes = [plain_guid(r[own]) or "" for r in rows]
        self._model_resources(port, name)
        self._model_relations(port, name)
        with self.tally.check(f"{name}: GetResource of an unknown GUID is a fault"):
            expect_fault(lambda: port.call("GetResource", MISSING_GUID, []))

    def _model_resources(self, port: Port, name: str) -> None:
        found = self.found
        with self.tally.check(f"{name}: GetResource answers the resource asked for"):
            answer = port.call("GetResource", found.computers[0], found.data_classes)
            expect(found.computers[0] in _guids_in(answer), "the answer does not hold the GUID asked for")
            expect(found.data_classes[0] in _guids_in(answer), "the answer does not hold the data class asked for")
        with self.tally.check(f"{name}: GetResources answers each resource"):
            wanted = found.computers[:3]
            answer = rows_of(port.call("GetResources", wanted, []))
            expect_equal(len(answer), len(wanted), "number of resources")
            expect(set(wanted) <= _guids_in(answer), "a resource asked for is missing")
        with self.tally.check(f"{name}: GetDataClassRows answers rows, or is not offered"):
            if "GetDataClassRows" in port.operations:
                value_or_fault(lambda: port.call("GetDataClassRows", found.computers[0], found.data_classes[0]))

    def _model_relations(self, port: Port, name: str) -> None:
        found = self.found
        with self.tally.check(f"{name}: GetRelationshipsForResourceType and associated resources"):
            sides = {as_parent: rows_of(port.call("GetRelationshipsForResourceType", COMPUTER_TYPE, as_parent))
                     for as_parent in (True, False)}
            expect(sides[True] or sides[False], "a computer has no relationships")
            as_parent = bool(sides[True])
            row = sides[as_parent][0]
            guids = [g for g in (plain_guid(v) for v in row.values()) if g]
            own = [g for g in guids if g not in found.types]
            expect(own, f"no GUID of its own in {row}")
            operation = "GetAssociatedChildResources" if as_parent else "GetAssociatedParentResources"
            arguments = [t for t in (COMPUTER_TYPE, *guids) if t in found.types]
            answers = [value_or_fault(partial(port.call, operation, a, found.computers[0], own[0]), nothing=())
                       for a in dict.fromkeys(arguments)]
            expect(any(a is not None for a in answers), f"{operation} is a fault with each of the types {arguments}")

    def _item_model(self, port: Port, name: str) -> None:
        with self.tally.check(f"{name}: GetItemInfo answers, or with a documented fault"):
            value_or_fault(lambda: port.call("GetItemInfo", self.found.item))
        with self.tally.check(f"{name}: GetActionsForItem answers, or with a documented fault"):
            value_or_fault(lambda: port.call("GetActionsForItem", self.found.item))

    # ---- ASDK.NS -----------------------------------------------------------------------------------------------

    def _items(self, port: Port, name: str) -> None:
        with self.tally.check(f"{name}: ItemExists of an unknown GUID is false"):
            expect_equal(port.call("ItemExists", MISSING_GUID), False, "ItemExists")
        with self.tally.check(f"{name}: GetItemsByName finds '{self.item}'"):
            rows = rows_of(port.call("GetItemsByName", self.item))
            expect_equal([r["Name"] for r in rows], [self.item], "names")
            self.found.item = plain_guid(rows[0]["Guid"]) or MISSING_GUID
            self.found.folder = plain_guid(rows[0]["ParentFolderGuid"]) or EMPTY_GUID
            expect_equal(port.call("ItemExists", self.found.item), True, "ItemExists")
        with self.tally.check(f"{name}: GetItemByGuid and GetItemsByType agree"):
            item = port.call("GetItemByGuid", self.found.item)
            expect_equal(item["Name"], self.item, "Name")
            same = rows_of(port.call("GetItemsByType", item["TypeName"]))
            expect(self.found.item in {plain_guid(r["Guid"]) for r in same}, "GetItemsByType does not list the item")
        with self.tally.check(f"{name}: GetItemsByNameAndType with % finds the item"):
            guids = rows_of(port.call("GetItemsByNameAndType", self.item[:6] + "%", "%"))
            expect(self.found.item in {plain_guid(g) for g in guids}, f"found {guids}")
        with self.tally.check(f"{name}: ExportItemXmlString holds XML"):
            text = port.call("ExportItemXmlString", self.found.item)
            ET.fromstring(text[text.find("?>") + 2:].strip() if text.lstrip().startswith("<?xml") else text)
        with self.tally.check(f"{name}: GetItemByGuid of an unknown GUID is ASDKDoesNotExistException"):
            expect_fault(lambda: port.call("GetItemByGuid", MISSING_GUID), {"ASDKDoesNotExistException"})

    def _resources(self, port: Port, name: str) -> None:
        found = self.found
        with self.tally.check(f"{name}: GetResourceByName of a listed computer gives its GUID"):
            texts = [v for v in found.computer_rows[0].values() if isinstance(v, str) and not plain_guid(v)]
            guids = {plain_guid(port.call("GetResourceByName", t, COMPUTER_TYPE)) for t in texts}
            expect(found.computers[0] in guids, f"none of {texts} gives {found.computers[0]}")
        with self.tally.check(f"{name}: GetResourceByName of an unknown name is the empty GUID"):
            expect_equal(plain_guid(port.call("GetResourceByName", "no such computer", COMPUTER_TYPE)), EMPTY_GUID, "GUID")
        with self.tally.check(f"{name}: GetResourceByContext lists subnets, which ResourceModel knows"):
            found.subnets = [plain_guid(g) or "" for g in rows_of(port.call("GetResourceByContext", CONTEXT))]
            expect(found.subnets and all(found.subnets), f"found {found.subnets}")
            model = self.ports["ResourceModel", "1.1"]
            expect(set(found.subnets) <= _guids_in(model.call("GetResources", found.subnets, [])), "a subnet is not known")
        with self.tally.check(f"{name}: GetDataClassData answers a table"):
            # Whether the data class goes by name or by GUID is not documented.
            pairs = [(c, g) for c in ("AeX AC TCPIP", *found.data_classes) for g in found.computers[:3]]
            taken = [p for p in pairs if value_or_fault(partial(port.call, "GetDataClassData", *p), nothing=()) is not None]
            tables = [read_table(port.raw("GetDataClassData", *p)) for p in taken]
            expect(any(rows for _, rows in tables), "no computer has a row in any data class")

    def _reports(self, port: Port, name: str) -> None:
        for operation in ("RunReport", "GetReportParameters"):
            with self.tally.check(f"{name}: {operation} of an unknown GUID is a fault"):
                expect_fault(lambda: port.call(operation, MISSING_GUID))

    def _hierarchy(self, port: Port, name: str) -> None:
        with self.tally.check(f"{name}: IsHierarchyMember is a boolean"):
            value = port.call("IsHierarchyMember")
            expect(isinstance(value, bool), f"found {value!r}")

    # ---- the other ASDK services -------------------------------------------------------------------------------

    def _packages(self, port: Port, name: str) -> None:
        with self.tally.check(f"{name}: GetPackage of an unknown GUID is an empty structure"):
            value = port.call("GetPackage", MISSING_GUID)
            filled = {k: v for k, v in (value or {}).items() if v not in (None, "", False, 0, []) and plain_guid(v) != EMPTY_GUID}
            expect(not {"Name", "Guid", "PackageServers"} & set(filled), f"found {filled}")
        with self.tally.check(f"{name}: GetPackage of '{self.package}'"):
            guids = self._named(self.package)
            packages = [p for p in (port.call("GetPackage", g) for g in guids) if p and p["Name"]]
            expect(packages, f"no package among the items and resources of that name: {guids}")
            expect_equal(packages[0]["Name"], self.package, "Name")
            expect(packages[0]["PackageServerAssigments"] in ("ALL", "INDIVIDUALLY", "SITE"),
                   f"PackageServerAssigments is {packages[0]['PackageServerAssigments']!r}")
            self.found.package = plain_guid(packages[0]["Guid"]) or MISSING_GUID

    def _named(self, name: str) -> list[str]:
        """The GUIDs of the items of a name, and of the resources of any type, where those are no items."""
        items, resources = self.ports["ItemManagement", "1.1"], self.ports["ResourceManagement", "1.1"]
        guids = [plain_guid(r["Guid"]) for r in rows_of(items.call("GetItemsByName", name))]
        guids += [plain_guid(resources.call("GetResourceByName", name, t)) for t in self.found.types]
        return list(dict.fromkeys(g for g in guids if g and g != EMPTY_GUID))

    def _classic(self, port: Port, name: str) -> None:
        with self.tally.check(f"{name}: GetPackageExByGuid answers, or with a documented fault"):
            value_or_fault(lambda: port.call("GetPackageExByGuid", self.found.package))

    def _tasks(self, port: Port, name: str) -> None:
        with self.tally.check(f"{name}: GetTaskStatus answers, or with a documented fault"):
            value_or_fault(lambda: port.call("GetTaskStatus", self.found.item))
        with self.tally.check(f"{name}: GetTaskResourceStatus is a number, or a documented fault"):
            value = value_or_fault(lambda: port.call("GetTaskResourceStatus", MISSING_GUID, self.found.computers[0]))
            expect(value is None or isinstance(value, int), f"found {value!r}")

    def _deployment(self, port: Port, name: str) -> None:
        with self.tally.check(f"{name}: Image/GetAll answers DSDetails, or with a documented fault"):
            value = value_or_fault(lambda: port.call("RunDeploymentSolutionTask", _IMAGES))
            if value is not None:
                expect({"Success", "ErrorMessage", "ReturnXML"} <= set(value), f"found {sorted(value)}")
                expect_equal(value["Success"], True, "Success")
                ET.fromstring(value["ReturnXML"])

    # ---- writing, only when asked for --------------------------------------------------------------------------

    def _written_report(self, version: str) -> None:
        items, reports = self.ports["ItemManagement", version], self.ports["ReportManagement", version]
        with self.tally.check(f"ReportManagement (SOAP {version}): a report is created, run and deleted"):
            sql = "SELECT Guid, Name AS [Nom de la machine], NULL AS [Rien] FROM vComputer WHERE Name <> '%sauf%'"
            made = reports.call("CreateReportUsingRawSqlQuery", f"foreign clients {version}", "", "", self.found.folder, sql)
            guid = plain_guid(made["Guid"])
            columns, rows = read_table(reports.raw("RunReport", guid))
            expect_equal(columns, ["Guid", "Nom de la machine", "Rien"], "columns of the schema")
            expect(rows and all(set(r) == {"Guid", "Nom de la machine"} for r in rows), f"rows: {rows[:2]}")
            one = rows[0]["Nom de la machine"]
            _, fewer = read_table(reports.raw("RunReportWithParameters", guid, f"sauf={one}"))
            expect_equal(len(fewer), len(rows) - 1, "rows with the parameter")
            items.call("DeleteItem", guid)
            expect_equal(items.call("ItemExists", guid), False, "ItemExists after DeleteItem")


def _guids_in(value: Any) -> set[str]:
    if isinstance(value, dict):
        return set().union(*(_guids_in(v) for v in value.values())) if value else set()
    if isinstance(value, list):
        return set().union(*(_guids_in(v) for v in value)) if value else set()
    guid = plain_guid(value)
    return {guid} if guid else set()
