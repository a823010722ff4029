"""The operations of ResourceModel and ItemModel, over a `World`.

The transfer structures have names of this server's own (see `contract`). On this server Get…ParentResources and
Get…ChildResources take the type of the resource *given*, a new resource gets a GUID of the server's choice, forming an
association replaces nothing, and SaveResource wants back everything that was read.
"""
from __future__ import annotations

from typing import Any

from . import inventory, items, names
from .asdk import HANDLERS, Args, handles
from .faults import Refusal, bad_parameter, parse_guid, unknown_guid, wrong_type
from .world import Resource, World

__all__ = ["HANDLERS"]


def _structure(guid: str) -> Args:
    _, name, base, _ = next(t for t in names.TYPES if t[0] == guid)
    return {"IdStructure": guid, "Appellation": name, "IdStructureMere": base or None, "Abstraite": not base}


def _info(resource: Resource) -> Args:
    # `Name` is a technical key here, and no name.
    return {"IdRessource": resource.guid, "Libelle": resource.name, "Genre": resource.type,
            "Commentaire": resource.description, "Name": f"res-{resource.guid[:6]}", "ModifieLe": "2025-01-15T09:12:44"}


def _rows(world: World, resource: Resource, class_guid: str) -> list[Args]:
    return [{"DataElements": [{"FieldName": f, "Value": v} for f, v in row.items()]}
            for row in inventory.rows(world, resource, class_guid)]


def _data(world: World, resource: Resource, classes: list[str]) -> Args:
    blocks = [{"DataClassGUID": c, "DataRows": _rows(world, resource, c)} for c in classes]
    return {"Ident": resource.guid, "Appellation": resource.name, "GenreId": resource.type, "Note": resource.description,
            "Proprietaire": resource.owner, "VersionInterne": resource.version, "Etiquettes": resource.tags,
            "BlocsDeDonnees": blocks}


def _guids(values: list[Any] | None) -> list[str]:
    return [v for v in values or [] if v]


def _classes(values: list[Any] | None) -> list[str]:
    known = {c.guid for c in names.DATA_CLASSES}
    for guid in _guids(values):
        if guid not in known:
            raise unknown_guid("data class", guid)
    return _guids(values)


@handles("ResourceModel", "GetLastStuctureChangeTimestamp")
def last_change(world: World, _args: Args) -> str:
    """When a resource type last changed."""
    return world.structure_changed


@handles("ResourceModel", "GetResourceStructureList")
def structures(_world: World, _args: Args) -> list[Args]:
    """All resource types."""
    return [_structure(g) for g, *_ in names.TYPES]


@handles("ResourceModel", "GetResourceStructure")
def structure(world: World, args: Args) -> Args:
    """One resource type."""
    return _structure(world.require_type(args["resourceTypeGUID"]))


@handles("ResourceModel", "GetRelationshipsForResourceType")
def relationships(world: World, args: Args) -> list[Args]:
    """The association types in which a type, or one of its bases, plays the asked part."""
    chain = world.type_chain(world.require_type(args["resourceTypeGUID"]))
    side = 2 if args["asParent"] else 3
    return [{"IdLien": row[0], "Intitule": row[1], "GenreAmont": row[2], "GenreAval": row[3], "Cardinalite": "N:N"}
            for row in names.ASSOCIATIONS if row[side] in chain]


@handles("ResourceModel", "GetDataClassesForResourceType")
def data_classes(world: World, args: Args) -> list[Args]:
    """The data classes of a type and of its bases."""
    chain = set(world.type_chain(world.require_type(args["resourceTypeGUID"])))
    return [{"IdClasse": c.guid, "NomClasse": c.name, "Champs": list(c.fields)}
            for c in names.DATA_CLASSES if chain & set(c.types)]


@handles("ResourceModel", "GetResourcesOfType")
def resources_of_type(world: World, args: Args) -> list[Args]:
    """All resources of a type and of those derived from it."""
    return [_info(r) for r in world.of_type(world.require_type(args["resourceTypeGUID"]))]


@handles("ResourceModel", "GetResource")
def get_resource(world: World, args: Args) -> Args:
    """One resource with the data classes asked for."""
    return _data(world, world.resource(args["resourceGUID"]), _classes(args["dataClassTypesToFetchGUID"]))


@handles("ResourceModel", "GetResources")
def get_resources(world: World, args: Args) -> list[Args]:
    """Several resources, in an order of the server's own."""
    classes = _classes(args["dataClassTypesToFetchGUIDs"])
    return [_data(world, world.resource(g), classes) for g in sorted(set(_guids(args["resourceGUIDs"])))]


def _given(world: World, args: Args) -> tuple[str, str]:
    resource = world.resource(args["resourceGUID"])
    if not world.is_a(resource, world.require_type(args["resourceTypeGUID"])):
        raise wrong_type(f"resourceTypeGUID is the type of the resource given; '{resource.name}' is a "
                         f"'{world.type_name(resource.type)}'")
    association, name, parent_type, child_type = world.association(args["associationType"])
    if not any(world.is_a(resource, t) for t in (parent_type, child_type)):
        raise wrong_type(f"'{resource.name}' has no part in '{name}'")
    return association, resource.guid


@handles("ResourceModel", "GetAssociatedParentResources")
def associated_parents(world: World, args: Args) -> list[Args]:
    """The resources above a given one."""
    association, guid = _given(world, args)
    return [_data(world, world.resource(p), []) for p in world.parents(association, guid)]


@handles("ResourceModel", "GetAssociatedChildResources")
def associated_children(world: World, args: Args) -> list[Args]:
    """The resources below a given one."""
    association, guid = _given(world, args)
    return [_data(world, world.resource(c), []) for c in world.children(association, guid)]


@handles("ResourceModel", "CreateNewResource")
def create_resource(world: World, args: Args) -> Args:
    """A new resource; a GUID that the caller supplies is ignored."""
    info = args["info"] or {}
    type_guid = world.require_type(args["resourceTypeGUID"])
    told = info.get("Genre")
    if told and parse_guid(told, "info/Genre") not in (type_guid, names.EMPTY_GUID):
        raise wrong_type("info/Genre and resourceTypeGUID differ")
    if type_guid not in (names.TYPE_SITE, names.TYPE_SUBNET):
        raise Refusal("ASDKInsufficientPermissionException", "only sites and subnets are created here", "forbidden-create")
    return _data(world, world.create(type_guid, info.get("Libelle") or "", info.get("Commentaire")), [])


def _tags(rows: list[Any] | None) -> list[tuple[str, str]]:
    """Tags without regard to how an absent value is spelt."""
    return sorted(((row or {}).get("Cle") or "", (row or {}).get("Valeur") or "") for row in rows or [])


def _same_extras(resource: Resource, sent: Args) -> None:
    """What the caller cannot know by name must come back as it was read."""
    if sent.get("VersionInterne") is None or (sent.get("Proprietaire") or "") != (resource.owner or ""):
        raise bad_parameter("SaveResource: VersionInterne or Proprietaire did not come back as read", "lost-element")
    if _tags(sent.get("Etiquettes")) != _tags(resource.tags):
        raise bad_parameter("SaveResource: Etiquettes did not come back as read", "lost-element")
    if sent["VersionInterne"] != resource.version:
        raise bad_parameter("SaveResource: the resource has changed since it was read", "stale-write")


@handles("ResourceModel", "SaveResource")
def save_resource(world: World, args: Args) -> None:
    """Takes over name and description of a resource that was read."""
    sent = args["resource"] or {}
    resource = world.resource(parse_guid(sent.get("Ident"), "resource/Ident"))
    if parse_guid(sent.get("GenreId"), "resource/GenreId") != resource.type:
        raise wrong_type("the type of a resource cannot be changed")
    world.require_own(resource.guid)
    _same_extras(resource, sent)
    name = sent.get("Appellation")
    if not name:
        raise bad_parameter("a resource needs a name")
    other = world.named(resource.type, name)
    if other not in (None, resource):
        raise bad_parameter(f"a resource '{name}' of this type exists already", "duplicate-resource")
    resource.name, resource.description = name, sent.get("Note")
    resource.version += 1


@handles("ResourceModel", "SaveOrCreateResource")
def save_or_create(world: World, args: Args) -> None:
    """Saves a resource that exists, else creates it."""
    sent = args["resource"] or {}
    guid = parse_guid(sent.get("Ident") or names.EMPTY_GUID, "resource/Ident")
    if guid in world.resources:
        save_resource(world, args)
        return
    type_guid = world.require_type(parse_guid(sent.get("GenreId"), "resource/GenreId"))
    world.create(type_guid, sent.get("Appellation") or "", sent.get("Note"))


@handles("ResourceModel", "DeleteResource")
def delete_resource(world: World, args: Args) -> None:
    """Deletes a resource and its associations."""
    world.require_own(args["resourceGuid"])
    world.delete(args["resourceGuid"])


def _children(world: World, args: Args) -> list[str]:
    children = _guids(args["relationshipChildGUIDs"])
    if not children:
        raise bad_parameter("relationshipChildGUIDs is empty")
    world.require_own(args["relationshipParentGUID"], *children)
    return children


@handles("ResourceModel", "FormAssociation")
def form_association(world: World, args: Args) -> None:
    """Joins a parent with its children; replaces nothing."""
    world.form(args["relationshipTypeGUID"], args["relationshipParentGUID"], _children(world, args))


@handles("ResourceModel", "BreakAssociation")
def break_association(world: World, args: Args) -> None:
    """Parts a parent from some of its children."""
    world.part(args["relationshipTypeGUID"], args["relationshipParentGUID"], _children(world, args))


@handles("ResourceModel", "GetDataClassRows")
def data_class_rows(world: World, args: Args) -> list[Args]:
    """The rows of one data class of one resource."""
    classes = _classes([args["dataClass"]])
    if not classes:
        raise bad_parameter("dataClass is empty")
    return _rows(world, world.resource(args["resourceGUID"]), classes[0])


# ---- ItemModel -----------------------------------------------------------------------------------------------------


@handles("ItemModel", "GetItemInfo")
def item_info(world: World, args: Args) -> Args:
    """A few words about an item."""
    found = items.details(world, args["itemGuid"])
    return {"Fiche": found["Guid"], "Nom": found["Name"], "Classe": found["TypeName"]}


@handles("ItemModel", "GetActionsForItem")
def item_actions(world: World, args: Args) -> list[Args]:
    """What the console's context menu offers."""
    items.details(world, args["itemGuid"])
    return [{"IdAction": names.own_guid("action:ouvrir"), "Nom": "Ouvrir"}]
