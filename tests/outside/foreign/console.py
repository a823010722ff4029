"""What an administrator does in the console, and what the server looks like from inside.

Console actions change the world as the product's own console would; `dump` gives it as stable plain data for
comparison. No HTTP here.
"""
from __future__ import annotations

from typing import Any

from . import flat_lan, names
from .world import Resource, World


class ConsoleError(Exception):
    """An action that names something which is not there."""


def _computer(world: World, name: str) -> Resource:
    for computer in world.of_type(names.TYPE_COMPUTER):
        if name.casefold() in (computer.name.casefold(), computer.name.split(".")[0].casefold()):
            return computer
    raise ConsoleError(f"no computer '{name}'")


def _site(world: World, name: str) -> Resource:
    site = world.named(names.TYPE_SITE, name)
    if site is None:
        raise ConsoleError(f"no site '{name}'")
    return site


def _constrain(world: World, query: dict[str, str]) -> None:
    value = query.get("value", "on")
    if value not in ("on", "off"):
        raise ConsoleError(f"value is on or off, found '{value}'")
    world.constrained[_site(world, query["site"]).guid] = value == "on"


def _capture_target(world: World, query: dict[str, str]) -> None:
    server = _computer(world, query["server"]) if query["server"] else None
    if server and "package" not in world.roles(server.guid):
        raise ConsoleError(f"'{server.name}' is no package server")
    world.capture_target = server.guid if server else None


def _role(world: World, query: dict[str, str]) -> None:
    role, computer = query["role"], _computer(world, query["server"])
    if role not in names.ROLE_NAMES:
        raise ConsoleError(f"no role '{role}'; there are {', '.join(names.ROLE_NAMES)}")
    start = names.ROLE_NAMES[role]
    own = [c for c in world.children(names.ASSOC_SERVICE, computer.guid) if world.resources[c].name.startswith(start)]
    if query.get("value", "on") == "on" and not own:
        flat_lan.add_role(world, computer.guid, role)
    elif query.get("value") == "off":
        for service in own:
            del world.resources[service]
            world.links = {row for row in world.links if service not in row[1:]}


def _invalid_subnets(world: World, query: dict[str, str]) -> None:
    world.invalid_subnets = query["pattern"]


def _save(world: World, type_guid: str, name: str) -> Resource:
    return world.named(type_guid, name) or world.create(type_guid, name, None)


def _new_site(world: World, query: dict[str, str]) -> None:
    _save(world, names.TYPE_SITE, query["site"]).description = query.get("description")


def _add_subnet(world: World, query: dict[str, str]) -> None:
    # The console moves: a subnet stands in one site only.
    subnet = _save(world, names.TYPE_SUBNET, query["subnet"])
    site = _site(world, query["site"])
    world.links = {row for row in world.links if row[:2] != (names.ASSOC_SUBNET_SITE, subnet.guid)}
    world.form(names.ASSOC_SUBNET_SITE, subnet.guid, [site.guid])


def _assign_server(world: World, query: dict[str, str]) -> None:
    world.form(names.ASSOC_SITE_SERVER, _site(world, query["site"]).guid, [_computer(world, query["server"]).guid])


ACTIONS = {
    "constrain": _constrain, "capture-target": _capture_target, "role": _role, "invalid-subnets": _invalid_subnets,
    "new-site": _new_site, "add-subnet": _add_subnet, "assign-server": _assign_server,
}


def perform(world: World, action: str, query: dict[str, str]) -> None:
    """One console action."""
    if action not in ACTIONS:
        raise ConsoleError(f"no action '{action}'; there are {', '.join(sorted(ACTIONS))}")
    try:
        ACTIONS[action](world, query)
    except KeyError as error:
        raise ConsoleError(f"{action} needs {error}") from error


def _names(world: World, guids: list[str]) -> list[str]:
    return sorted(world.resources[g].name for g in guids)


def _site_dump(world: World, site: Resource) -> dict[str, Any]:
    return {
        "description": site.description,
        "subnets": _names(world, world.parents(names.ASSOC_SUBNET_SITE, site.guid)),
        "servers": _names(world, world.children(names.ASSOC_SITE_SERVER, site.guid)),
        "constrained": world.constrained[site.guid],
    }


def _package_dump(world: World, guid: str) -> dict[str, Any]:
    package = world.packages[guid]
    targets = [t for t in package.targets if t in world.resources]
    key = "sites" if package.assignment == "SITE" else "servers"
    return {"assignment": package.assignment, "automatic": package.automatic, "servers": [], "sites": [],
            "holders": _names(world, world.holders(package)), key: _names(world, targets)}


def dump(world: World) -> dict[str, Any]:
    """The world as an administrator sees it, names instead of GUIDs."""
    sites = sorted(world.of_type(names.TYPE_SITE), key=lambda r: r.name)
    free = [s.guid for s in world.of_type(names.TYPE_SUBNET) if not world.children(names.ASSOC_SUBNET_SITE, s.guid)]
    clients = [c for c in world.of_type(names.TYPE_COMPUTER) if not world.roles(c.guid)]
    registered = {c.name: world.task_server_of(c.guid) for c in sorted(clients, key=lambda r: r.name)}
    return {
        "sites": {s.name: _site_dump(world, s) for s in sites},
        "subnetsInNoSite": _names(world, free),
        "packages": {n: _package_dump(world, g) for n, g in sorted((world.resources[g].name, g) for g in world.packages)},
        "captureTarget": world.resources[world.capture_target].name if world.capture_target else None,
        "roles": {c.name: world.roles(c.guid) for c in sorted(world.of_type(names.TYPE_COMPUTER), key=lambda r: r.name)
                  if world.roles(c.guid)},
        "taskServers": {n: world.resources[g].name if g else None for n, g in registered.items()},
    }
