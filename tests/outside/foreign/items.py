"""Items: their details, and the XML that a settings item exports and imports.

Pure over a `World`. The layouts are this server's own; `profile` says the paths as an operator would have
learned them. Exported XML opens with a UTF-16 declaration inside a string, as .NET's StringWriter makes it.
"""
from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from . import names
from .faults import bad_parameter, parse_guid, unknown_guid
from .world import Item, Resource, World
from .xmlin import split

_HEAD = '<?xml version="1.0" encoding="utf-16"?>'
_SPACES = 'xmlns:cfg="urn:exemple:reglages" xmlns:r="urn:exemple:references"'
CONSTRAIN_PATH = "/element/politique/lieux/lieu[@ref='{site}']/contrainte"
CAPTURE_PATH = "/element/imagerie/cible[@usage='Capture']"
TASK_PATH = "/element/sequence/phase[@genre='Image']/contenu/@paquet"


def loud(guid: str) -> str:
    """Braces and upper case, as the console writes GUIDs into items."""
    return "{" + guid.upper() + "}"


def details(world: World, guid: str) -> dict[str, Any]:
    """`ItemDetails` of an item or of a resource, which is an item too."""
    if guid in world.items:
        item = world.items[guid]
        return _details(world, item.guid, item.name, item.type_name, item.parent, item.enabled)
    resource = world.resources.get(guid)
    if resource is None:
        raise unknown_guid("item", guid)
    return _details(world, guid, resource.name, "Ressource" + resource.type[:4], names.ITEM_ROOT, True)


def _details(world: World, guid: str, name: str, type_name: str, parent: str | None, enabled: bool) -> dict[str, Any]:
    return {
        "Guid": guid, "Name": name, "TypeName": type_name, "LongTypeName": f"Exemple.Plateforme.{type_name}, Exemple.Plateforme",
        "TypeGuid": names.own_guid(f"classe d'element:{type_name}"), "Enabled": enabled, "Attributes": "Normal",
        "ParentFolderGuid": parent, "ParentFolderName": world.items[parent].name if parent else None,
        "IsSchedulableItem": False, "ScheduleEnabled": False, "ScheduleXml": None, "SharedScheduleGuid": names.EMPTY_GUID,
        "AppliedToResourceTargets": None,
    }


def everything(world: World) -> list[str]:
    """The GUIDs of all items, resources among them."""
    return sorted([*world.items, *world.resources])


def export(world: World, guid: str) -> str:
    """The XML of an item."""
    if guid in world.resources:
        return _resource_xml(world.resources[guid])
    item = world.items.get(guid)
    if item is None:
        raise unknown_guid("item", guid)
    inner = {names.ITEM_SITE_SETTINGS: _site_settings, names.ITEM_DS_SETTINGS: _ds_settings}.get(guid)
    body = inner(world) if inner else _task(world, guid) if guid in world.task_packages else ""
    return _wrap(item.guid, item.name, body)


def _wrap(guid: str, name: str, body: str) -> str:
    return (f'{_HEAD}\r\n<cfg:element {_SPACES} guid="{loud(guid)}" nom={quoteattr(name)}>\r\n'
            f"  <!-- exporté par la console -->{body}\r\n</cfg:element>")


def _resource_xml(resource: Resource) -> str:
    return _wrap(resource.guid, resource.name, f"<cfg:note>{escape(resource.description or '')}</cfg:note>")


def _site_settings(world: World) -> str:
    rows = "".join(
        f'<cfg:lieu r:ref="{loud(site)}" poids="10"><cfg:contrainte>{names.SWITCH_ON if on else names.SWITCH_OFF}</cfg:contrainte>'
        "<cfg:delai>30</cfg:delai></cfg:lieu>" for site, on in sorted(world.constrained.items()))
    return f"<cfg:politique><cfg:contrainte>Non</cfg:contrainte><cfg:lieux>{rows}</cfg:lieux></cfg:politique>"


def _ds_settings(world: World) -> str:
    smp = names.own_guid("ordinateur:SMP01")
    target = world.capture_target or names.EMPTY_GUID
    return (f'<cfg:imagerie mode="Ghost"><cfg:cible usage="Secours">{loud(smp)}</cfg:cible>'
            f'<cfg:cible usage="Capture"><![CDATA[{loud(target)}]]></cfg:cible></cfg:imagerie>')


def _task(world: World, guid: str) -> str:
    phases = "".join(f'<cfg:phase genre="Image" rang="{n + 2}"><cfg:contenu paquet="{loud(p)}"/></cfg:phase>'
                     for n, p in enumerate(world.task_packages[guid]))
    decoy = f'<cfg:phase genre="Script" rang="1"><cfg:contenu paquet="{loud(names.own_guid("script"))}"/></cfg:phase>'
    return f"<cfg:sequence>{decoy}{phases}</cfg:sequence>"


def import_xml(world: World, text: str) -> None:
    """Takes over an item's XML: the two settings items, else only the name."""
    if "<!DOCTYPE" in text:
        raise bad_parameter("a DTD is not allowed", "malformed")
    start = text.find("?>") + 2 if text.lstrip().startswith("<?xml") else 0
    try:
        root = ET.fromstring(text[start:].strip())
    except ET.ParseError as error:
        raise bad_parameter(f"the item's XML is not well-formed: {error}", "malformed") from error
    guid = parse_guid(root.get("guid"), "xml/@guid")
    if guid not in world.items:
        raise unknown_guid("item", guid)
    world.require_own(guid)
    if guid == names.ITEM_SITE_SETTINGS:
        _import_sites(world, root)
    elif guid == names.ITEM_DS_SETTINGS:
        _import_capture(world, root)
    world.items[guid].name = root.get("nom") or world.items[guid].name


def _all(root: ET.Element, local: str) -> list[ET.Element]:
    return [e for e in root.iter() if split(e.tag)[1] == local]


def _import_sites(world: World, root: ET.Element) -> None:
    switches: dict[str, bool] = {}
    for entry in _all(root, "lieu"):
        site = parse_guid(next((v for k, v in entry.items() if split(k)[1] == "ref"), None), "lieu/@ref")
        if site not in world.constrained:
            raise unknown_guid("site", site)
        value = next((e.text for e in entry if split(e.tag)[1] == "contrainte"), None)
        if value not in (names.SWITCH_ON, names.SWITCH_OFF):
            raise bad_parameter(f"contrainte is Oui or Non, found '{value}'")
        switches[site] = value == names.SWITCH_ON
    if set(switches) != set(world.constrained):
        raise bad_parameter("the XML of the site settings does not hold every site", "lost-element")
    world.require_own(*(site for site, on in switches.items() if world.constrained[site] != on))
    world.constrained.update(switches)


def _import_capture(world: World, root: ET.Element) -> None:
    targets = [e for e in _all(root, "cible") if e.get("usage") == "Capture"]
    if len(targets) != 1 or len(_all(root, "cible")) != 2:
        raise bad_parameter("the DS settings hold two targets", "lost-element")
    guid = parse_guid(targets[0].text, "cible")
    if guid != names.EMPTY_GUID and guid not in world.servers_with("package"):
        raise bad_parameter(f"'{guid}' is no package server")
    world.capture_target = None if guid == names.EMPTY_GUID else guid


def require_item(world: World, guid: str) -> Item:
    """An item that is no resource and must exist."""
    if guid not in world.items:
        raise unknown_guid("item", guid)
    return world.items[guid]
