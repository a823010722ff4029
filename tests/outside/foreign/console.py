"""What an administrator does in the console, and what the server looks like from inside.

Console actions change the world as the product's own console would; `dump` gives it as stable plain data for
comparison. No HTTP here.
"""
from __future__ import annotations

import ipaddress
import uuid
from typing import Any, Callable

from . import flat_lan, inventory, items, names, selection
from .world import Package, Resource, World


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


def _subnet(world: World, text: str) -> Resource:
    subnet = world.named(names.TYPE_SUBNET, text)
    if subnet is None:
        raise ConsoleError(f"no subnet '{text}'")
    return subnet


def _package(world: World, name: str) -> str:
    package = world.named(names.TYPE_PACKAGE, name)
    if package is None:
        raise ConsoleError(f"no package '{name}'")
    return package.guid


def _is_on(query: dict[str, str]) -> bool:
    value = query.get("value", "on")
    if value not in ("on", "off"):
        raise ConsoleError(f"value is on or off, found '{value}'")
    return value == "on"


def _constrain(world: World, query: dict[str, str]) -> None:
    world.constrained[_site(world, query["site"]).guid] = _is_on(query)


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
    if _is_on(query):
        if not own:
            flat_lan.add_role(world, computer.guid, role)
    else:
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


def _unlink(world: World, association: str, parent: Resource, child: Resource) -> None:
    row = (association, parent.guid, child.guid)
    if row not in world.links:
        raise ConsoleError(f"'{parent.name}' and '{child.name}' are not joined")
    world.links.discard(row)


def _remove_subnet(world: World, query: dict[str, str]) -> None:
    _unlink(world, names.ASSOC_SUBNET_SITE, _subnet(world, query["subnet"]), _site(world, query["site"]))


def _unassign_server(world: World, query: dict[str, str]) -> None:
    _unlink(world, names.ASSOC_SITE_SERVER, _site(world, query["site"]), _computer(world, query["server"]))


# ---- what inventory and the other servers of a hierarchy say ---------------------------------------------------------


def _fact(world: World, query: dict[str, str]) -> None:
    finders: dict[str, Callable[[World, str], Resource]] = {"computer": _computer, "site": _site, "subnet": _subnet}
    named = [word for word in finders if word in query]
    if len(named) != 1:
        raise ConsoleError(f"fact is of one of {', '.join(finders)}")
    resource = finders[named[0]](world, query[named[0]])
    inventory.set_fact(world, resource, query["fact"], query["value"])


def _plug_in(world: World, query: dict[str, str]) -> None:
    inventory.set_plug_in(_computer(world, query["computer"]), query["name"], _is_on(query))


def _down(world: World, query: dict[str, str]) -> None:
    server = _computer(world, query["server"])
    if not world.roles(server.guid):
        raise ConsoleError(f"'{server.name}' is no site server")
    inventory.set_fact(world, server, "answering", "off" if _is_on(query) else "on")


def _hierarchy(world: World, query: dict[str, str]) -> None:
    world.member = _is_on(query)


def _replicated(world: World, query: dict[str, str]) -> None:
    found = [g for g in items.everything(world)
             if query["object"].casefold() in (g, items.details(world, g)["Name"].casefold())]
    if len(found) != 1:
        raise ConsoleError(f"'{query['object']}' names {len(found)} objects, expected one; a GUID will do")
    if _is_on(query):
        world.replicated.add(found[0])
        world.member = True
    else:
        world.replicated.discard(found[0])


# ---- what clients do -------------------------------------------------------------------------------------------------


def _task_request(world: World, client: str) -> None:
    server = selection.registered_with(world, client)
    if server is None:
        raise ConsoleError(f"'{world.resources[client].name}' waits: no task server that it may use answers")
    inventory.asked(world, server, "task")


def _deploy(world: World, query: dict[str, str]) -> None:
    client, package = _computer(world, query["client"]).guid, _package(world, query["package"])
    source = selection.chosen(world, "package", client, package, turn=len(world.requests))
    if source is None:
        raise ConsoleError(f"'{query['client']}' may use no server that holds '{query['package']}' and answers")
    _task_request(world, client)
    inventory.fetched(world, client, package, source)


def _capture(world: World, query: dict[str, str]) -> None:
    client = _computer(world, query["client"])
    target = world.capture_target or flat_lan.server_guid("SMP01")
    if world.is_down(target):
        raise ConsoleError(f"the capture target '{world.resources[target].name}' does not answer")
    _task_request(world, client.guid)
    number = sum(r.name.startswith(f"Capture {client.name} ") for r in world.of_type(names.TYPE_IMAGE)) + 1
    image = Resource(str(uuid.uuid4()), names.TYPE_IMAGE, f"Capture {client.name} {number}")
    world.add(image)
    # The target owns the image and has it at once; the other package servers get it by replication.
    world.packages[image.guid] = Package(ready_at={target: world.clock()}, home=target)
    inventory.asked(world, target, "package")


def _new_package(world: World, query: dict[str, str]) -> None:
    _save(world, names.TYPE_PACKAGE, query["package"])


Action = Callable[[World, dict[str, str]], None]
ACTIONS: dict[str, Action] = {
    "constrain": _constrain, "capture-target": _capture_target, "role": _role, "invalid-subnets": _invalid_subnets,
    "new-site": _new_site, "add-subnet": _add_subnet, "remove-subnet": _remove_subnet, "assign-server": _assign_server,
    "unassign-server": _unassign_server, "fact": _fact, "plug-in": _plug_in, "down": _down, "hierarchy": _hierarchy,
    "replicated": _replicated, "deploy": _deploy, "capture": _capture, "new-package": _new_package,
}


def perform(world: World, action: str, query: dict[str, str]) -> None:
    """One console action, after whatever replication is due."""
    if action not in ACTIONS:
        raise ConsoleError(f"no action '{action}'; there are {', '.join(sorted(ACTIONS))}")
    world.settle()
    try:
        ACTIONS[action](world, query)
    except KeyError as error:
        raise ConsoleError(f"{action} needs {error}") from error


def served(world: World, query: dict[str, str]) -> dict[str, Any]:
    """Who serves an address or a client; with a package, who of them holds it."""
    if ("address" in query) == ("client" in query):
        raise ConsoleError("served is asked for an address or for a client")
    package = _package(world, query["package"]) if "package" in query else None
    if "client" in query:
        return selection.served_client(world, _computer(world, query["client"]).guid, package)
    try:
        return selection.served_address(world, ipaddress.IPv4Address(query["address"]), package=package)
    except ipaddress.AddressValueError as error:
        raise ConsoleError(f"address: {error}") from error


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
    registered = {c.name: selection.registered_with(world, c.guid) for c in sorted(clients, key=lambda r: r.name)}
    return {
        "sites": {s.name: _site_dump(world, s) for s in sites},
        "subnetsInNoSite": _names(world, free),
        "packages": {n: _package_dump(world, g) for n, g in sorted((world.resources[g].name, g) for g in world.packages)},
        "captureTarget": world.resources[world.capture_target].name if world.capture_target else None,
        "roles": {c.name: world.roles(c.guid) for c in sorted(world.of_type(names.TYPE_COMPUTER), key=lambda r: r.name)
                  if world.roles(c.guid)},
        "taskServers": {n: world.resources[g].name if g else None for n, g in registered.items()},
    }
