"""Which servers a client may use, read naively from the wire reference §7: a third opinion on server selection.

Pure over a `World`. Address by address, without any cleverness. Where the sources contradict each other or promise
nothing, there are several readings, and a prediction that equals none of them is wrong.
"""
from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import Any

from . import names
from .world import World

ROLES = ("package", "task", "networkBoot")
Address = ipaddress.IPv4Address


@dataclass(frozen=True)
class Reading:
    """One way to read the sources: the servers, and by what they are told. See ../README.md for the words."""

    basis: str
    servers: frozenset[str]


def readings(world: World, role: str, addresses: list[Address], client: str | None = None,
             package: str | None = None) -> list[Reading]:
    """Every reading for a role; `package` leaves only the servers that hold it. Readings that agree are one."""
    able = {s for s in world.servers_with(role) if not world.is_down(s)}
    if package is not None:
        able &= set(world.holders(world.packages[package]))
    if not able:
        return [Reading("nobody", frozenset())]
    if role == "networkBoot":
        return _merged(_network_boot(world, addresses, able))
    if role == "package" and client in able and client is not None:
        return [Reading("itself", frozenset({client}))]
    near = _same_subnet(world, addresses, able)
    if not _any_site(world):
        return [near]
    sites = {s for a in addresses for s in world.sites_of(a)}
    if not sites:
        smp = names.own_guid("ordinateur:SMP01")
        return _merged([Reading("smp", frozenset(able & {smp})), near])
    return _merged(_of_sites(world, role, sites, able))


def _any_site(world: World) -> bool:
    return any(association == names.ASSOC_SUBNET_SITE for association, _, _ in world.links)


def _same_subnet(world: World, addresses: list[Address], able: set[str]) -> Reading:
    """The servers on the client's own subnet (the most specific that is known), else all."""
    own = [ipaddress.IPv4Network(around[0].name) for a in addresses if (around := world.subnets_around(a))]
    near = {s for s in able if any(a in network for a in world.addresses(s) for network in own)}
    return Reading("ownSubnet", frozenset(near)) if near else Reading("everyServer", frozenset(able))


def _of_sites(world: World, role: str, sites: set[str], able: set[str]) -> list[Reading]:
    automatic = {s for site in sites for s in world.automatic_servers(site, role)} & able
    both = {s for site in sites for s in world.manual_servers(site, role)} & able | automatic
    # A manual assignment steers package servers; for task servers it is no promise.
    found = [("site", both)] if role == "package" or both == automatic else [("manual", both), ("automatic", automatic)]
    out = []
    for basis, servers in found:
        if servers:
            out.append(Reading(basis, frozenset(servers)))
            continue
        out.append(Reading("waits", frozenset()))
        if not all(world.constrained[s] for s in sites):
            out.append(Reading("failover", frozenset(able)))
    return out


def _network_boot(world: World, addresses: list[Address], able: set[str]) -> list[Reading]:
    """By the broadcast domain, whatever the sites say; with nobody in it, a DHCP relay may lead to the site's servers."""
    near = {s for s in able if any(a in network for a in addresses for network in world.networks(s))}
    if near:
        return [Reading("broadcastDomain", frozenset(near))]
    sites = {s for a in addresses for s in world.sites_of(a)}
    role = "networkBoot"
    far = {s for site in sites for s in world.automatic_servers(site, role) | world.manual_servers(site, role)} & able
    return [Reading("broadcastDomain", frozenset()), Reading("relay", frozenset(far if sites else able))]


def _merged(found: list[Reading]) -> list[Reading]:
    """The first of those that name the same servers."""
    out: list[Reading] = []
    for one in found:
        if one.servers not in [o.servers for o in out]:
            out.append(one)
    return out


def usable(world: World, role: str, client: str, package: str | None = None) -> list[str]:
    """All servers that a client may use by some reading, sorted."""
    found = readings(world, role, world.addresses(client), client, package)
    return sorted({s for one in found for s in one.servers})


def chosen(world: World, role: str, client: str, package: str | None = None, turn: int = 0) -> str | None:
    """One of them: another one for another client, and for each turn."""
    pool = usable(world, role, client, package)
    return pool[(int(client[:8], 16) + turn) % len(pool)] if pool else None


def registered_with(world: World, client: str) -> str | None:
    """The task server that an agent registered with; none where it waits."""
    return chosen(world, "task", client)


# ---- as JSON -------------------------------------------------------------------------------------------------------


def _names(world: World, guids: set[str] | frozenset[str]) -> list[str]:
    return sorted(world.resources[g].name for g in guids)


def _roles(world: World, addresses: list[Address], client: str | None, package: str | None) -> dict[str, Any]:
    out = {}
    for role in ROLES:
        found = readings(world, role, addresses, client, package if role == "package" else None)
        out[role] = {
            "servers": _names(world, {s for one in found for s in one.servers}),
            "basis": found[0].basis if len(found) == 1 else "indeterminate",
            "readings": [{"basis": one.basis, "servers": _names(world, one.servers)} for one in found],
        }
    return out


def served_address(world: World, address: Address, client: str | None = None, package: str | None = None) -> dict[str, Any]:
    """What one address may use."""
    subnet, sites = world.deciding_subnet(address), world.sites_of(address)
    return {
        "address": str(address), "subnet": subnet.name if subnet else None, "sites": _names(world, sites),
        "site": _names(world, sites)[0] if len(sites) == 1 else None,
        "constrained": bool(sites) and all(world.constrained[s] for s in sites),
        "around": [r.name for r in world.subnets_around(address)],
        "roles": _roles(world, [address], client, package),
    }


def served_client(world: World, client: str, package: str | None = None) -> dict[str, Any]:
    """What a client may use with all its addresses together, and with each."""
    addresses = sorted(world.addresses(client))
    return {
        "client": world.resource(client).name, "roles": _roles(world, addresses, client, package),
        "addresses": [served_address(world, a, client, package) for a in addresses],
    }
