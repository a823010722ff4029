"""The server profile of this server in the format of docs/profile.md, as an operator who learned it would have it.

Pure text. GUIDs stand in every spelling that the format allows.
"""
from __future__ import annotations

import json

from . import items, names
from .flat_lan import server_guid
from .items import loud


def _types() -> str:
    keys = [("computer", names.TYPE_COMPUTER), ("site", names.TYPE_SITE), ("subnet", names.TYPE_SUBNET),
            ("siteService", names.TYPE_SERVICE), ("package", names.TYPE_PACKAGE)]
    spelt = {g: n for g, n, *_ in names.TYPES}
    return "\n".join(f'  {key}: {{ guid: "{loud(guid)}", name: "{spelt[guid]}" }}' for key, guid in keys)


def _associations() -> str:
    rows = [("subnetToSite", names.ASSOC_SUBNET_SITE, "subnet"), ("serverToSite", names.ASSOC_SITE_SERVER, "site"),
            ("serviceToComputer", names.ASSOC_SERVICE, "computer")]
    spelt = {row[0]: row[1] for row in names.ASSOCIATIONS}
    return "\n".join(f'  {key}: {{ guid: {guid}, name: "{spelt[guid]}", parent: {parent}, replaces: false }}'
                     for key, guid, parent in rows)


def _rows(class_guid: str, resource: str, **fields: str) -> str:
    """A data class and its table as the profile names them; JSON is YAML too."""
    one = names.data_class(class_guid)
    return json.dumps({"dataClass": loud(one.guid), "table": one.table, resource: one.resource} | fields, ensure_ascii=False)


def _facts() -> str:
    rows = []
    for key, fact in names.FACTS.items():
        switch = {"yes": fact.yes.upper()} if fact.yes else {}   # texts compare without regard to case
        rows.append(f"    {key}: {_rows(fact.data_class, 'resource', value=fact.field, **switch)}")
    return "\n".join(rows)


def text() -> str:
    """The whole profile."""
    roles = "\n".join(f'  {role}: {{ name: "{start}" }}' for role, start in names.ROLE_NAMES.items())
    return f"""# The server profile of the foreign SMP (tests/outside/foreign_smp.py --print-profile).
formatVersion: 1
server:
  name: {names.SMP_NAME}
  guid: {server_guid("SMP01").upper()}
types:
{_types()}
associations:
{_associations()}
calls:
  associatedTypeArgument: given
roles:
{roles}
dataClasses:
  tcpip:
    guid: {names.CLASS_TCPIP}
    hostName: {names.HOST_NAME}
    domain: {names.DNS_SUFFIX}
    address: {names.IP_ADDRESS}
    mask: {names.SUBNET_MASK}
services:
  ItemManagement: {{ namespace: "{names.NS_ASDK}" }}
  ResourceManagement: {{ namespace: "{names.NS_ASDK}" }}
  ReportManagement: {{ namespace: "{names.NS_ASDK}" }}
  HierarchyManagement: {{ namespace: "{names.NS_ASDK}" }}
  SoftwarePackageManagement: {{ namespace: "{names.NS_SMF}" }}
  ResourceModel: {{ namespace: "{names.NS_MODEL}" }}
structures:
  resourceInfo: {{ type: ResourceDataInfo, guid: IdRessource, name: Libelle, resourceType: Genre, description: Commentaire }}
  resource: {{ type: ResourceData, guid: Ident, name: Appellation, resourceType: GenreId, description: Note, dataClasses: BlocsDeDonnees }}
  resourceStructure: {{ type: ResourceStructureInfo, guid: IdStructure, name: Appellation }}
  relationship: {{ type: ResourceRelationshipStructure, guid: IdLien, name: Intitule, parentType: GenreAmont, childType: GenreAval }}
settings:
  constrainToSite:
    item: {names.ITEM_SITE_SETTINGS}
    path: "{items.CONSTRAIN_PATH}"
    on: "{names.SWITCH_ON}"
    off: "{names.SWITCH_OFF}"
  captureTarget:
    item: {names.ITEM_DS_SETTINGS}
    path: "{items.CAPTURE_PATH}"
  taskPackages:
    item: task
    path: "{items.TASK_PATH}"
product:
  version: "8.8.1"
  agentVersion: "8.7"
  operatingSystems: [Microsoft Windows Server 2019, Microsoft Windows Server 2022]
  registrationsPerTaskServer: 4000
evidence:
  packageHolders: {{ table: SWDPackageServer, package: {names.HOLDER_PACKAGE}, server: {names.HOLDER_SERVER}, state: {names.HOLDER_STATE}, ready: "{names.STATE_READY}" }}
  taskRegistrations: {_rows(names.CLASS_REGISTRATION, "client", server=names.TASK_SERVER_COLUMN)}
  packageSources: {_rows(names.CLASS_SOURCES, "client", package=names.SOURCE_PACKAGE, server=names.SOURCE_SERVER, time=names.SOURCE_TIME)}
  serverLoad: {_rows(names.CLASS_LOAD, "server", packageRequests=names.LOAD_PACKAGE, taskRequests=names.LOAD_TASK)}
  images: {{ location: unc }}
  facts:
{_facts()}
"""
