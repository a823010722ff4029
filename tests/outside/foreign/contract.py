"""What each service offers: operations, parameters, results and transfer structures, as data.

The tables are the wire reference §2 in a small notation; WSDL, request reading and answer writing all follow from
them. `g` is a GUID that travels as a string in the plain form and as a typed GUID in the twin (`FooX`, `Foo2`).
"""
from __future__ import annotations

import re
from dataclasses import dataclass, field

from . import names


@dataclass(frozen=True)
class Kind:
    """The type of a value: a primitive, a structure, a table, or an array of one of the first two."""

    base: str
    many: bool = False

    @property
    def xml_name(self) -> str:
        """The name of the root element in a form answer, and of the complex type."""
        base = "guid" if self.base == "g" else self.base
        return f"ArrayOf{base[0].upper()}{base[1:]}" if self.many else base

    @property
    def item(self) -> "Kind":
        """The kind of one element of an array."""
        return Kind(self.base)

    @property
    def is_structure(self) -> bool:
        """Whether this is one transfer structure."""
        return not self.many and self.base in STRUCTURES


@dataclass(frozen=True)
class Operation:
    """One method as the WSDL spells it; `handler` is the plain name that twins share."""

    name: str
    params: tuple[tuple[str, Kind], ...]
    returns: Kind | None
    handler: str


@dataclass(frozen=True)
class Service:
    """One .asmx."""

    key: str
    path: str
    namespace: str
    forms: bool
    operations: dict[str, Operation] = field(default_factory=dict)

    def action(self, method: str) -> str:
        """The SOAPAction, joined with exactly one slash as ASP.NET does."""
        joint = "" if self.namespace.endswith("/") else "/"
        return f"{self.namespace}{joint}{method}"


# Fields of each structure; `?` means nillable. The first four are this server's own names.
_STRUCTURE_TEXT = {
    "ResourceDataInfo": "Name:string? Genre:string Commentaire:string? ModifieLe:dateTime IdRessource:string Libelle:string",
    "ResourceData": "VersionInterne:int Appellation:string BlocsDeDonnees:DataClassData[]? Proprietaire:string? GenreId:string"
                    " Note:string? Etiquettes:Etiquette[]? Ident:string",
    "ResourceStructureInfo": "Abstraite:boolean Appellation:string IdStructure:string IdStructureMere:string?",
    "ResourceRelationshipStructure": "Cardinalite:string Intitule:string GenreAval:string GenreAmont:string IdLien:string",
    "Etiquette": "Cle:string Valeur:string?",
    "DataClassStructure": "NomClasse:string IdClasse:string Champs:string[]?",
    "DataClassData": "DataRows:DataClassRowData[]? DataClassGUID:guid",
    "DataClassRowData": "DataElements:DataClassFieldData[]?",
    "DataClassFieldData": "Value:string? FieldName:string",
    "ItemDetails": "AppliedToResourceTargets:string? Attributes:string? Enabled:boolean Guid:string IsSchedulableItem:boolean"
                   " LongTypeName:string Name:string ParentFolderGuid:string? ParentFolderName:string? ScheduleEnabled:boolean"
                   " ScheduleXml:string? SharedScheduleGuid:string? TypeGuid:string TypeName:string",
    "SoftwarePackageDetails": "Guid:string? Name:string? Description:string? SourceType:string? PackageLocation:string?"
                              " PackageServerAssigments:string? PackageServerAutoAssign:boolean? PackageServerLocation:string?"
                              " PackageServers:string? SoftwareComponent:string? CommandLines:string[]?",
    "PackageExDetails": "Ref:string? Titre:string? Serveurs:string? Tous:boolean?",
    "DSDetails": "ReturnXML:string? ErrorMessage:string? Success:boolean",
    "ItemInfo": "Fiche:string Nom:string Classe:string",
    "ItemActionInfo": "IdAction:string Nom:string",
}

_ASDK_ITEM = """
ItemExists(itemGuid:g) -> boolean
GetItemByGuid(itemGuid:g) -> ItemDetails
GetItemsByName(itemName:string) -> ItemDetails[]
GetItemsByType(typeName:string) -> ItemDetails[]
GetItemsByNameAndType(name:string, type:string) -> guid[]
ExportItemXmlString(itemGuid:g) -> string
ImportItemXmlString(xml:string)
DeleteItem(itemGuid:g)
RenameItem(itemGuid:g, newName:string)
EnablePolicyItem(policyItemGuid:g)
DisablePolicyItem(policyItemGuid:g)
CreateFolder(folderName:string, parentFolderGuid:g) -> ItemDetails
ExecuteSchedulableItem(itemGuid:g)
"""
_ASDK_RESOURCE = """
GetResourceByName(name:string, resourceType:string) -> guid
GetComputerByNameAndDomain(name:string, domain:string) -> guid
GetResourceByContext(parameters:string) -> guid[]
GetDataClassData(dataClass:string, resourceGuid:g) -> table
CreateResourceAssociation(resourceAssociationTypeGuid:g, parentResourceGuid:g, childResourceGuid:g)
"""
_ASDK_REPORT = """
CreateReportUsingRawSqlQuery(reportName:string, reportDescription:string, dataSourceName:string, folderGuid:g, sqlQuery:string) -> ItemDetails
RunReport(reportItemGuid:g) -> table
RunReportWithParameters(reportItemGuid:g, parameters:string) -> table
GetReportParameters(reportItemGuid:g) -> table
"""
_ASDK_HIERARCHY = """
IsHierarchyMember() -> boolean
IsHierarchyManaged(itemGuid:g) -> boolean
IsHierarchyPublished(itemGuid:g) -> boolean
RunDifferentialReplication(nodeGuid:g)
RunCompleteReplication(nodeGuid:g)
"""
_SMF = """
GetPackage(packageGuid:g) -> SoftwarePackageDetails
SetPackageServerSettings(PackageGuid:g, AssignmentType:int, AutomaticSiteAssignment:boolean, PackageServers:string, PackageServerLocation:string) -> SoftwarePackageDetails
UpdateDistributionPoints(PackageGuid:g)
"""
_SWD = """
GetPackageExByGuid(sPackageGuid:g) -> PackageExDetails
SetPackageExPackageServerOptions(sPackageGuid:g, bAllOrSpecificPackageServers:boolean, sPackageServerGuids:string, sLocationOnPackageServer:string) -> boolean
UpdateDistributionPoints(sPackageGuid:g)
"""
_TASK = """
ExecuteTask(taskGuid:g, executionName:string, inputParameters:string) -> guid
GetTaskStatus(taskGuid:g) -> string
GetTaskResourceStatus(taskInstanceGuid:g, resourceGuid:g) -> int
"""
_DS = "RunDeploymentSolutionTask(xml:string) -> DSDetails"
_MODEL = """
GetLastStuctureChangeTimestamp() -> dateTime
GetResourceStructureList() -> ResourceStructureInfo[]
GetResourceStructure(resourceTypeGUID:guid) -> ResourceStructureInfo
GetRelationshipsForResourceType(resourceTypeGUID:guid, asParent:boolean) -> ResourceRelationshipStructure[]
GetDataClassesForResourceType(resourceTypeGUID:guid) -> DataClassStructure[]
GetResourcesOfType(resourceTypeGUID:guid) -> ResourceDataInfo[]
GetResource(resourceGUID:guid, dataClassTypesToFetchGUID:guid[]) -> ResourceData
GetResources(resourceGUIDs:guid[], dataClassTypesToFetchGUIDs:guid[]) -> ResourceData[]
GetAssociatedParentResources(resourceTypeGUID:guid, resourceGUID:guid, associationType:guid) -> ResourceData[]
GetAssociatedChildResources(resourceTypeGUID:guid, resourceGUID:guid, associationType:guid) -> ResourceData[]
CreateNewResource(resourceTypeGUID:guid, info:ResourceDataInfo) -> ResourceData
SaveResource(resource:ResourceData)
SaveOrCreateResource(resource:ResourceData)
DeleteResource(resourceGuid:guid)
FormAssociation(relationshipTypeGUID:guid, relationshipParentGUID:guid, relationshipChildGUIDs:guid[])
BreakAssociation(relationshipTypeGUID:guid, relationshipParentGUID:guid, relationshipChildGUIDs:guid[])
GetDataClassRows(resourceGUID:guid, dataClass:guid) -> DataClassRowData[]
SaveDataClass(resourceGUID:guid, dataClasses:DataClassData[])
SaveDataClassRows(resourceGUID:guid, dataClassGuid:guid, dataRows:DataClassRowData[], action:string, partialUpdate:boolean)
"""
_ITEMS = """
GetItemInfo(itemGuid:guid) -> ItemInfo
GetActionsForItem(itemGuid:guid) -> ItemActionInfo[]
ExecuteCallbackActionForItem(itemActionGuid:guid, itemGuid:guid, strData:string) -> string
"""


def _kind(text: str) -> Kind:
    return Kind(text.removesuffix("[]"), text.endswith("[]"))


def _fields(text: str) -> tuple[tuple[str, Kind, bool], ...]:
    out = []
    for word in text.split():
        name, _, kind = word.partition(":")
        out.append((name, _kind(kind.rstrip("?")), kind.endswith("?")))
    return tuple(out)


STRUCTURES: dict[str, tuple[tuple[str, Kind, bool], ...]] = {k: _fields(v) for k, v in _STRUCTURE_TEXT.items()}


def _operation(line: str) -> Operation:
    match = re.fullmatch(r"(\w+)\((.*?)\)(?: -> (\S+))?", line.strip())
    if match is None:
        raise ValueError(f"cannot read the operation '{line}'")
    name, params, returns = match.groups()
    pairs = [p.strip().split(":") for p in params.split(",") if p.strip()]
    return Operation(name, tuple((n, _kind(k)) for n, k in pairs), _kind(returns) if returns else None, name)


def _twin(op: Operation, suffix: str) -> Operation:
    params = tuple((n, Kind("guid") if k.base == "g" else k) for n, k in op.params)
    return Operation(op.name + suffix, params, op.returns, op.name)


def _service(key: str, path: str, namespace: str, text: str, twin: str | None) -> Service:
    service = Service(key, path, namespace, twin is not None)
    for line in text.strip().splitlines():
        op = _operation(line)
        service.operations[op.name] = op
        if twin and any(k.base == "g" for _, k in op.params):
            other = _twin(op, twin)
            service.operations[other.name] = other
    return service


SERVICES: list[Service] = [
    _service("ItemManagement", "ASDK.NS/ItemManagementService.asmx", names.NS_ASDK, _ASDK_ITEM, "X"),
    _service("ResourceManagement", "ASDK.NS/ResourceManagementService.asmx", names.NS_ASDK, _ASDK_RESOURCE, "X"),
    _service("ReportManagement", "ASDK.NS/ReportManagementService.asmx", names.NS_ASDK, _ASDK_REPORT, "X"),
    _service("HierarchyManagement", "ASDK.NS/HierarchyManagementService.asmx", names.NS_ASDK, _ASDK_HIERARCHY, "X"),
    _service("SoftwarePackageManagement", "ASDK.SMF/SoftwarePackageManagementService.asmx", names.NS_SMF, _SMF, "X"),
    _service("SWDSolnPackageManagement", "ASDK.NS.SoftwareDelivery/SWDSolnPackageManagementService.asmx", names.NS_SWD,
             _SWD, "X"),
    _service("TaskManagement", "ASDK.Task/TaskManagementService.asmx", names.NS_TASK, _TASK, "2"),
    _service("DSTaskManagement", "ASDK.DeploymentSolution/DSTaskManagementService.asmx", names.NS_DS, _DS, "X"),
    _service("ResourceModel", "NSWebService/ResourceModel.asmx", names.NS_MODEL, _MODEL, None),
    _service("ItemModel", "NSWebService/ItemModel.asmx", names.NS_ITEMS, _ITEMS, None),
]


def structures_of(service: Service) -> list[str]:
    """The names of all structures that a service's operations reach."""
    waiting = [k.base for op in service.operations.values() for k in [*(k for _, k in op.params), op.returns] if k]
    found: list[str] = []
    while waiting:
        base = waiting.pop(0)
        if base in STRUCTURES and base not in found:
            found.append(base)
            waiting.extend(k.base for _, k, _ in STRUCTURES[base])
    return found


def arrays_of(service: Service) -> list[Kind]:
    """All arrays that a service's operations and structures use."""
    kinds = [k for op in service.operations.values() for k in [*(k for _, k in op.params), op.returns] if k]
    kinds += [k for name in structures_of(service) for _, k, _ in STRUCTURES[name]]
    unique = {k.xml_name: k for k in kinds if k.many}
    return list(unique.values())
