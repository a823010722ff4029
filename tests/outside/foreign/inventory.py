"""The rows of data classes: what inventory keeps of a resource, and what the server itself tells of clients and servers.

Pure over a `World`. The same rows go out through GetDataClassData, GetDataClassRows, GetResources and, as tables,
through reports, so that no two ways of reading can differ. Times are UTC.
"""
from __future__ import annotations

from datetime import datetime
from typing import Any, Callable

from . import names, selection
from .faults import bad_parameter
from .world import Resource, World

# A server's load is a level: the requests of the last while, on top of what it always has.
LOAD_SECONDS = 60.0
IDLE_LOAD = {"package": 2, "task": 3}

Row = dict[str, str | None]


def stamp(when: datetime) -> str:
    """A time as inventory has it: no zone, and a blank in the middle."""
    return when.strftime("%Y-%m-%d %H:%M:%S")


def rows(world: World, resource: Resource, class_guid: str) -> list[Row]:
    """The rows of one data class of one resource, field by field."""
    derived = _DERIVED.get(class_guid)
    return derived(world, resource) if derived else resource.data.get(class_guid, [])


def table_rows(world: World, resource: Resource, one: names.DataClass) -> list[list[Any]]:
    """The same rows as cells, the resource first."""
    return [[resource.guid, *(row[f] for f in one.fields)] for row in rows(world, resource, one.guid)]


def set_fact(world: World, resource: Resource, key: str, value: str) -> None:
    """Inventory reports a fact; `on` and `off` (or `yes` and `no`) stand for a switch's own texts, nothing for not known."""
    fact = names.FACTS.get(key)
    if fact is None or key == "plugIns":
        raise bad_parameter(f"no fact '{key}'; there are {', '.join(k for k in names.FACTS if k != 'plugIns')}")
    one = names.data_class(fact.data_class)
    if not any(world.is_a(resource, t) for t in one.types):
        raise bad_parameter(f"'{resource.name}' has no data class '{one.name}'")
    text = {"on": fact.yes, "yes": fact.yes, "off": fact.no, "no": fact.no}.get(value, value) if fact.yes else value
    stored = resource.data.setdefault(one.guid, [])
    if not stored:
        stored.append(dict.fromkeys(one.fields))
    stored[0][fact.field] = text or None
    if not any(stored[0].values()):
        del resource.data[one.guid]


def set_plug_in(resource: Resource, name: str, present: bool) -> None:
    """A plug-in of the agent comes or goes; one that is there already, by whatever case, stays as it is."""
    stored = resource.data.setdefault(names.CLASS_PLUG_INS, [])
    same = [row for row in stored if (row[names.PLUG_IN_FIELD] or "").casefold() == name.casefold()]
    if present and not same:
        stored.append({names.PLUG_IN_FIELD: name, "Version": "8.8.1310"})
    elif not present:
        stored[:] = [row for row in stored if row not in same]


def fetched(world: World, client: str, package: str, server: str) -> None:
    """A client has fetched a package from a server."""
    world.sources[client, package] = (server, world.today())
    asked(world, server, "package")


def asked(world: World, server: str, role: str) -> None:
    """A server was asked for something."""
    world.requests.append((server, role, world.clock()))


def load(world: World, server: str, role: str) -> int:
    """How many requests a server was asked of late."""
    since = world.clock() - LOAD_SECONDS
    world.requests = [one for one in world.requests if one[2] > since]
    return IDLE_LOAD[role] + sum(one[:2] == (server, role) for one in world.requests)


def host(world: World, computer: str | None) -> str:
    """The host name of a computer, the SMP's where none is given."""
    return world.resource(computer or names.own_guid("ordinateur:SMP01")).name.split(".")[0]


def codebase(world: World, package: str) -> str:
    """Where the source of a package lies."""
    return rf"\\{host(world, world.packages[package].home)}\paquets\{package}"


def image_location(world: World, package: str) -> str:
    r"""Where an image lies: `\\SERVER\…` of the server that it was captured to."""
    return rf"\\{host(world, world.packages[package].home)}\Deployment\Task Handler\image\{package}"


def _registration(world: World, resource: Resource) -> list[Row]:
    return [{names.TASK_AGENT_FIELD: "1", names.REGISTERED_FIELD: "2025-01-15 09:12:44",
             names.TASK_SERVER_COLUMN: selection.registered_with(world, resource.guid)}]


def _sources(world: World, resource: Resource) -> list[Row]:
    # The package in braces, the server in upper case: GUIDs in such rows may be in any form.
    return [{names.SOURCE_TIME: when.isoformat(timespec="milliseconds"), names.SOURCE_SERVER: server.upper(),
             names.SOURCE_PACKAGE: "{" + package.upper() + "}"}
            for (client, package), (server, when) in sorted(world.sources.items()) if client == resource.guid]


def _load(world: World, resource: Resource) -> list[Row]:
    if not set(IDLE_LOAD) & set(world.roles(resource.guid)):
        return []
    return [{names.LOAD_TASK: str(load(world, resource.guid, "task")),
             names.LOAD_PACKAGE: str(load(world, resource.guid, "package"))}]


_DERIVED: dict[str, Callable[[World, Resource], list[Row]]] = {
    names.CLASS_REGISTRATION: _registration, names.CLASS_SOURCES: _sources, names.CLASS_LOAD: _load,
}
