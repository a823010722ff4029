"""The operations of the ASDK services, over a `World`.

Each handler takes the world and the arguments as `contract` describes them, and gives the value of the result.
What has no handler is answered with a documented fault by `dispatch`.
"""
from __future__ import annotations

import re
import uuid
import xml.etree.ElementTree as ET
from typing import Any, Callable
from xml.sax.saxutils import escape

from . import inventory, items, names, reports
from .faults import Refusal, bad_parameter, parse_guid, unknown_guid, wrong_type
from .world import Item, Package, World
from .xmlout import Table

Args = dict[str, Any]
Handler = Callable[[World, Args], Any]
HANDLERS: dict[tuple[str, str], Handler] = {}


def handles(service: str, operation: str) -> Callable[[Handler], Handler]:
    """Registers a handler for one operation and its twin."""
    def register(handler: Handler) -> Handler:
        HANDLERS[service, operation] = handler
        return handler

    return register


# ---- ItemManagement ------------------------------------------------------------------------------------------------


@handles("ItemManagement", "ItemExists")
def item_exists(world: World, args: Args) -> bool:
    """Whether an item or resource has the GUID."""
    guid = parse_guid(args["itemGuid"], "itemGuid")
    return guid in world.items or guid in world.resources


@handles("ItemManagement", "GetItemByGuid")
def get_item(world: World, args: Args) -> Args:
    """The details of one item."""
    return items.details(world, parse_guid(args["itemGuid"], "itemGuid"))


def _matching(world: World, keep: Callable[[Args], bool]) -> list[Args]:
    return [d for g in items.everything(world) if keep(d := items.details(world, g))]


@handles("ItemManagement", "GetItemsByName")
def items_by_name(world: World, args: Args) -> list[Args]:
    """All items of exactly this name."""
    wanted = (args["itemName"] or "").casefold()
    return _matching(world, lambda d: d["Name"].casefold() == wanted)


@handles("ItemManagement", "GetItemsByType")
def items_by_type(world: World, args: Args) -> list[Args]:
    """All items of exactly this short type name."""
    return _matching(world, lambda d: d["TypeName"] == args["typeName"])


@handles("ItemManagement", "GetItemsByNameAndType")
def items_by_name_and_type(world: World, args: Args) -> list[str]:
    """LIKE on the name and on the fully qualified type."""
    name, kind = _like(args["name"] or "%"), _like(args["type"] or "%")
    return [d["Guid"] for d in _matching(world, lambda d: bool(name.fullmatch(d["Name"]) and kind.fullmatch(d["LongTypeName"])))]


def _like(pattern: str) -> re.Pattern[str]:
    return re.compile(".*".join(re.escape(p) for p in pattern.split("%")), re.IGNORECASE | re.DOTALL)


@handles("ItemManagement", "ExportItemXmlString")
def export_item(world: World, args: Args) -> str:
    """The XML of an item."""
    return items.export(world, parse_guid(args["itemGuid"], "itemGuid"))


@handles("ItemManagement", "ImportItemXmlString")
def import_item(world: World, args: Args) -> None:
    """Takes over the XML of a settings item."""
    items.import_xml(world, args["xml"] or "")


@handles("ItemManagement", "DeleteItem")
def delete_item(world: World, args: Args) -> None:
    """Deletes a report or an empty folder, or a resource that may be deleted."""
    guid = parse_guid(args["itemGuid"], "itemGuid")
    world.require_own(guid)
    if guid in world.resources:
        world.delete(guid)
        return
    item = items.require_item(world, guid)
    if item.type_name not in ("Rapport", "Dossier") or any(i.parent == guid for i in world.items.values()):
        raise Refusal("ASDKInsufficientPermissionException", f"'{item.name}' may not be deleted", "forbidden-delete")
    del world.items[guid]


@handles("ItemManagement", "RenameItem")
def rename_item(world: World, args: Args) -> None:
    """Gives an item or resource another name."""
    guid = parse_guid(args["itemGuid"], "itemGuid")
    if not args["newName"]:
        raise bad_parameter("a name is needed")
    world.require_own(guid)
    thing = world.resources.get(guid) or items.require_item(world, guid)
    thing.name = args["newName"]


def _policy(world: World, args: Args, enabled: bool) -> None:
    item = items.require_item(world, parse_guid(args["policyItemGuid"], "policyItemGuid"))
    if not item.type_name.startswith("Politique"):
        raise wrong_type(f"'{item.name}' is no policy")
    world.require_own(item.guid)
    item.enabled = enabled


@handles("ItemManagement", "EnablePolicyItem")
def enable_policy(world: World, args: Args) -> None:
    """Switches a policy on."""
    _policy(world, args, True)


@handles("ItemManagement", "DisablePolicyItem")
def disable_policy(world: World, args: Args) -> None:
    """Switches a policy off."""
    _policy(world, args, False)


def _folder(world: World, text: str | None, parameter: str) -> str:
    """A folder's GUID; an empty string or the empty GUID is the root."""
    guid = parse_guid(text, parameter) if (text or "").strip() else names.EMPTY_GUID
    if guid == names.EMPTY_GUID:
        return names.ITEM_ROOT
    if items.require_item(world, guid).type_name != "Dossier":
        raise wrong_type(f"'{guid}' is no folder")
    return guid


def _new_item(world: World, type_name: str, name: str | None, parent: str, **more: Any) -> Args:
    if not name:
        raise bad_parameter("a name is needed")
    item = Item(str(uuid.uuid4()), type_name, name, parent, **more)
    world.items[item.guid] = item
    return items.details(world, item.guid)


@handles("ItemManagement", "CreateFolder")
def create_folder(world: World, args: Args) -> Args:
    """A new folder below another one."""
    return _new_item(world, "Dossier", args["folderName"], _folder(world, args["parentFolderGuid"], "parentFolderGuid"))


# ---- ResourceManagement --------------------------------------------------------------------------------------------


def _type_by_text(world: World, text: str) -> str:
    plain = text.strip().casefold()
    for guid, name, _, alias in names.TYPES:
        if plain in (name.casefold(), alias):
            return guid
    return world.require_type(parse_guid(text, "resourceType"))


@handles("ResourceManagement", "GetResourceByName")
def resource_by_name(world: World, args: Args) -> str:
    """The GUID of a resource, the empty one where there is none."""
    found = world.named(_type_by_text(world, args["resourceType"] or ""), args["name"] or "")
    return found.guid if found else names.EMPTY_GUID


@handles("ResourceManagement", "GetComputerByNameAndDomain")
def computer_by_name(world: World, args: Args) -> str:
    """The GUID of a computer by host name and domain, the empty one where there is none."""
    host, domain = (args["name"] or "").casefold(), (args["domain"] or "").casefold()
    for computer in world.of_type(names.TYPE_COMPUTER):
        own_host, _, own_domain = computer.name.casefold().partition(".")
        if own_host == host and domain in ("", "corp", own_domain):
            return computer.guid
    return names.EMPTY_GUID


@handles("ResourceManagement", "GetResourceByContext")
def resource_by_context(world: World, args: Args) -> list[str]:
    """`type:subnet, strict:true, %`: the trailing pattern is required."""
    parts = [p.strip() for p in (args["parameters"] or "").split(",")]
    options = {k.strip().casefold(): v.strip() for k, _, v in (p.partition(":") for p in parts[:-1])}
    if "%" not in parts[-1] or "type" not in options:
        raise bad_parameter("expected 'type:NAME, …, PATTERN%'")
    pattern = _like(parts[-1])
    type_guid = _type_by_text(world, options["type"])
    strict = options.get("strict", "").casefold() == "true" and type_guid != names.TYPE_COMPUTER
    return [r.guid for r in world.of_type(type_guid) if pattern.fullmatch(r.name) and (not strict or r.type == type_guid)]


def data_class(text: str) -> names.DataClass:
    """A data class by name, table or GUID."""
    for one in names.DATA_CLASSES:
        if text.strip().casefold() in (one.name.casefold(), one.table.casefold()):
            return one
    guid = parse_guid(text, "dataClass")
    for one in names.DATA_CLASSES:
        if one.guid == guid:
            return one
    raise unknown_guid("data class", guid)


@handles("ResourceManagement", "GetDataClassData")
def data_class_data(world: World, args: Args) -> Table:
    """The rows of one data class of one resource."""
    one = data_class(args["dataClass"] or "")
    resource = world.resource(parse_guid(args["resourceGuid"], "resourceGuid"))
    columns = [(f, "xs:int" if f in one.numbers else "xs:string") for f in (one.resource, *one.fields)]
    return Table(columns, inventory.table_rows(world, resource, one), "Table")


@handles("ResourceManagement", "CreateResourceAssociation")
def create_association(world: World, args: Args) -> None:
    """Joins two resources."""
    kind, parent, child = (parse_guid(args[p], p) for p in
                           ("resourceAssociationTypeGuid", "parentResourceGuid", "childResourceGuid"))
    world.require_own(parent, child)
    world.form(kind, parent, [child])


# ---- ReportManagement ----------------------------------------------------------------------------------------------


@handles("ReportManagement", "CreateReportUsingRawSqlQuery")
def create_report(world: World, args: Args) -> Args:
    """A report item; its SQL is tried only when it runs."""
    if not (args["sqlQuery"] or "").strip():
        raise bad_parameter("a report needs a query")
    return _new_item(world, "Rapport", args["reportName"], _folder(world, args["folderGuid"], "folderGuid"),
                     description=args["reportDescription"] or "", sql=args["sqlQuery"])


def _sql(world: World, args: Args) -> str:
    item = items.require_item(world, parse_guid(args["reportItemGuid"], "reportItemGuid"))
    if item.sql is None:
        raise wrong_type(f"'{item.name}' is no report")
    return item.sql


@handles("ReportManagement", "RunReport")
def run_report(world: World, args: Args) -> Table:
    """The rows of a report."""
    return reports.run(world, _sql(world, args), {})


@handles("ReportManagement", "RunReportWithParameters")
def run_report_with(world: World, args: Args) -> Table:
    """The rows of a report with parameters put in."""
    return reports.run(world, _sql(world, args), reports.parse_parameters(args["parameters"] or ""))


@handles("ReportManagement", "GetReportParameters")
def report_parameters(world: World, args: Args) -> Table:
    """The parameters of a report."""
    found = reports.parameter_names(_sql(world, args))
    return Table([("Name", "xs:string"), ("Default Value", "xs:string")], [[n, None] for n in found])


# ---- HierarchyManagement -------------------------------------------------------------------------------------------


@handles("HierarchyManagement", "IsHierarchyMember")
def hierarchy_member(world: World, _args: Args) -> bool:
    """Whether this server has joined a hierarchy."""
    return world.member


@handles("HierarchyManagement", "IsHierarchyManaged")
def hierarchy_managed(world: World, args: Args) -> bool:
    """Whether an item or resource is replicated from another server."""
    guid = parse_guid(args["itemGuid"], "itemGuid")
    items.details(world, guid)
    return guid in world.replicated


@handles("HierarchyManagement", "IsHierarchyPublished")
def hierarchy_published(world: World, args: Args) -> bool:
    """Nothing is handed on from here."""
    items.details(world, parse_guid(args["itemGuid"], "itemGuid"))
    return False


# ---- packages ------------------------------------------------------------------------------------------------------


def _package_details(world: World, guid: str) -> Args:
    package, resource = world.packages[guid], world.resources[guid]
    return {
        "Guid": guid, "Name": resource.name, "Description": resource.description, "SourceType": "UNC",
        "PackageLocation": inventory.codebase(world, guid), "PackageServerAssigments": package.assignment,
        "PackageServerAutoAssign": package.automatic, "PackageServerLocation": package.location,
        "PackageServers": " , ".join(items.loud(t) for t in package.targets) if package.targets else None,
        "SoftwareComponent": names.EMPTY_GUID, "CommandLines": [],
    }


@handles("SoftwarePackageManagement", "GetPackage")
def get_package(world: World, args: Args) -> Args:
    """A package; an empty structure for one that does not exist."""
    guid = parse_guid(args["packageGuid"], "packageGuid")
    if guid in world.packages:
        return _package_details(world, guid)
    return {"Guid": None, "Name": None, "PackageServers": None, "PackageServerAutoAssign": None}


def _targets(world: World, text: str | None, assignment: str) -> list[str]:
    guids = [parse_guid(p, "PackageServers") for p in (text or "").split(",") if p.strip()]
    for guid in guids:
        resource = world.resource(guid)
        if assignment == "SITE" and resource.type != names.TYPE_SITE:
            raise wrong_type(f"'{resource.name}' is no site")
        if assignment == "INDIVIDUALLY" and "package" not in world.roles(guid):
            raise wrong_type(f"'{resource.name}' is no package server")
    return list(dict.fromkeys(guids))


@handles("SoftwarePackageManagement", "SetPackageServerSettings")
def set_package(world: World, args: Args) -> Args:
    """Changes the package-server assignment."""
    guid = parse_guid(args["PackageGuid"], "PackageGuid")
    package = world.require_package(guid)
    world.require_own(guid)
    number, automatic = args["AssignmentType"], bool(args["AutomaticSiteAssignment"])
    if number not in (0, 1, 2):
        raise bad_parameter(f"AssignmentType is 0, 1 or 2, found '{number}'")
    if automatic and number != 2:
        raise bad_parameter("AutomaticSiteAssignment is valid with AssignmentType 2 only")
    assignment = ("ALL", "INDIVIDUALLY", "SITE")[number]
    targets = _targets(world, args["PackageServers"], assignment) if number else []
    if number and not targets and not automatic:
        raise bad_parameter("PackageServers names no server or site")
    package.assignment, package.automatic, package.targets = assignment, automatic, targets
    package.location = args["PackageServerLocation"] or package.location
    return _package_details(world, guid)


@handles("SoftwarePackageManagement", "UpdateDistributionPoints")
def update_points(world: World, args: Args) -> None:
    """Asks the package servers to fetch the package."""
    world.require_package(parse_guid(args["PackageGuid"], "PackageGuid"))


@handles("SWDSolnPackageManagement", "UpdateDistributionPoints")
def update_points_swd(world: World, args: Args) -> None:
    """Asks the package servers to fetch the package."""
    world.require_package(parse_guid(args["sPackageGuid"], "sPackageGuid"))


@handles("SWDSolnPackageManagement", "GetPackageExByGuid")
def get_package_ex(world: World, args: Args) -> Args:
    """The classic view of a package."""
    guid = parse_guid(args["sPackageGuid"], "sPackageGuid")
    package = world.require_package(guid)
    return {"Ref": guid, "Titre": world.resources[guid].name, "Serveurs": ",".join(package.targets),
            "Tous": package.assignment == "ALL"}


@handles("SWDSolnPackageManagement", "SetPackageExPackageServerOptions")
def set_package_ex(world: World, args: Args) -> bool:
    """The classic way to change the assignment."""
    guid = parse_guid(args["sPackageGuid"], "sPackageGuid")
    package: Package = world.require_package(guid)
    world.require_own(guid)
    every = bool(args["bAllOrSpecificPackageServers"])
    package.targets = [] if every else _targets(world, args["sPackageServerGuids"], "INDIVIDUALLY")
    package.assignment, package.automatic = ("ALL" if every else "INDIVIDUALLY"), False
    return True


# ---- tasks and Deployment Solution ---------------------------------------------------------------------------------


@handles("TaskManagement", "ExecuteTask")
def execute_task(world: World, args: Args) -> str:
    """Starts a task, which completes at once."""
    task = parse_guid(args["taskGuid"], "taskGuid")
    items.require_item(world, task)
    run = str(uuid.uuid4())
    world.task_runs[run] = task
    return run


@handles("TaskManagement", "GetTaskStatus")
def task_status(world: World, args: Args) -> str:
    """The state of a task or of one of its runs."""
    guid = parse_guid(args["taskGuid"], "taskGuid")
    if guid not in world.task_runs:
        items.require_item(world, guid)
    return "Terminé"


@handles("TaskManagement", "GetTaskResourceStatus")
def task_resource_status(world: World, args: Args) -> int:
    """-1 not started, 1 completed."""
    world.resource(parse_guid(args["resourceGuid"], "resourceGuid"))
    return 1 if parse_guid(args["taskInstanceGuid"], "taskInstanceGuid") in world.task_runs else -1


@handles("DSTaskManagement", "RunDeploymentSolutionTask")
def deployment_task(world: World, args: Args) -> Args:
    """Image/GetAll; everything else is not done here and says so in the answer."""
    try:
        request = {e.tag.casefold(): (e.text or "").strip().casefold() for e in ET.fromstring(args["xml"] or "")}
    except ET.ParseError as error:
        return {"Success": False, "ErrorMessage": f"xml: {error}", "ReturnXML": None}
    if (request.get("itemname"), request.get("itemaction")) != ("image", "getall"):
        return {"Success": False, "ErrorMessage": f"'{request.get('itemname')}' is not supported", "ReturnXML": None}
    images = "".join(_image(world, r.guid, r.name) for r in world.of_type(names.TYPE_IMAGE))
    return {"Success": True, "ErrorMessage": None, "ReturnXML": f"<Images>{images}</Images>"}


def _image(world: World, guid: str, name: str) -> str:
    cells = {"Description": world.resources[guid].description or "", "UseHttp": "false", "PartitionSize": "64000",
             "OsType": "Windows", "ImageType": "DiskImage", "ImageTool": "Ghost",
             "Location": inventory.image_location(world, guid), "ResourceGuid": guid, "Name": name}
    return "<Image>" + "".join(f"<{k}>{escape(v)}</{k}>" for k, v in cells.items()) + "</Image>"


