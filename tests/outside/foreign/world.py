"""The CMDB of this server: resources, associations, packages and their holders, settings, in memory.

No wire and no HTTP. The caller holds `lock`. Time comes from the `clock` argument; package replication is settled
lazily, whenever the world is looked at. Which server a client may use is said by `selection`.
"""
from __future__ import annotations

import ipaddress
import re
import threading
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Callable, Iterable

from . import names
from .faults import Refusal, bad_parameter, unknown_guid, wrong_type

REPLICATION_SECONDS = 1.0


@dataclass
class Resource:
    """A resource: a computer, site, subnet, service, package or user."""

    guid: str
    type: str
    name: str
    description: str | None = None
    owner: str | None = "CORP\\administrateur"
    version: int = 1
    tags: list[dict[str, str | None]] = field(default_factory=list)
    # data class GUID -> rows of field name -> value
    data: dict[str, list[dict[str, str | None]]] = field(default_factory=dict)


@dataclass
class Package:
    """The package-server assignment of a package, and who holds it."""

    assignment: str = "ALL"                      # ALL, INDIVIDUALLY or SITE
    automatic: bool = False
    targets: list[str] = field(default_factory=list)
    location: str = ""
    ready_at: dict[str, float] = field(default_factory=dict)   # computer -> when it has the package
    retired: set[str] = field(default_factory=set)
    home: str | None = None                      # the server that an image was captured to; the SMP otherwise


@dataclass
class Item:
    """An item that is no resource: a folder, report, task, policy or settings item."""

    guid: str
    type_name: str
    name: str
    parent: str | None
    description: str = ""
    enabled: bool = True
    sql: str | None = None


class World:
    """Everything that this server knows."""

    def __init__(self, clock: Callable[[], float], today: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.lock = threading.RLock()
        self.clock = clock
        self.today = today
        self.resources: dict[str, Resource] = {}
        self.links: set[tuple[str, str, str]] = set()
        self.packages: dict[str, Package] = {}
        self.items: dict[str, Item] = {}
        self.constrained: dict[str, bool] = {}
        self.capture_target: str | None = None
        self.task_packages: dict[str, list[str]] = {}
        self.task_runs: dict[str, str] = {}
        self.invalid_subnets = r"^(0\.|169\.254\.)"
        self.member = False                                     # of a hierarchy
        self.replicated: set[str] = set()                       # resources and items that another SMP owns
        self.sources: dict[tuple[str, str], tuple[str, datetime]] = {}   # (client, package) -> server, when
        self.requests: list[tuple[str, str, float]] = []        # server, role, when: what `inventory` counts as load
        self.structure_changed = "2024-11-05T08:30:00"

    # ---- types -------------------------------------------------------------------------------------------------

    @staticmethod
    def type_chain(type_guid: str) -> list[str]:
        """A type and all its base types, nearest first."""
        bases = {g: b for g, _, b, _ in names.TYPES}
        chain = []
        while type_guid:
            chain.append(type_guid)
            type_guid = bases.get(type_guid, "")
        return chain

    @staticmethod
    def require_type(guid: str) -> str:
        """The GUID of a known resource type."""
        if guid not in {g for g, *_ in names.TYPES}:
            raise unknown_guid("resource type", guid)
        return guid

    @staticmethod
    def type_name(guid: str) -> str:
        """The name of a resource type on this server."""
        return next(n for g, n, *_ in names.TYPES if g == guid)

    def is_a(self, resource: Resource, type_guid: str) -> bool:
        """Whether a resource is of a type or of one derived from it."""
        return type_guid in self.type_chain(resource.type)

    @staticmethod
    def association(guid: str) -> tuple[str, str, str, str]:
        """An association type by its GUID."""
        for row in names.ASSOCIATIONS:
            if row[0] == guid:
                return row
        raise unknown_guid("resource association type", guid)

    # ---- resources ---------------------------------------------------------------------------------------------

    def resource(self, guid: str) -> Resource:
        """A resource that must exist."""
        if guid not in self.resources:
            raise unknown_guid("resource", guid)
        return self.resources[guid]

    def of_type(self, type_guid: str) -> list[Resource]:
        """All resources of a type and of types derived from it, in no useful order."""
        found = [r for r in self.resources.values() if self.is_a(r, type_guid)]
        return sorted(found, key=lambda r: r.guid)

    def named(self, type_guid: str, name: str) -> Resource | None:
        """A resource of a type by its name, without regard to case."""
        return next((r for r in self.of_type(type_guid) if r.name.casefold() == name.casefold()), None)

    def create(self, type_guid: str, name: str, description: str | None) -> Resource:
        """A new resource with a GUID of the server's own choice."""
        if not name:
            raise bad_parameter("a resource needs a name")
        if len(name) > 250:
            raise bad_parameter("the name of a resource has at most 250 characters")
        if self.named(type_guid, name):
            raise bad_parameter(f"a resource '{name}' of this type exists already", "duplicate-resource")
        if type_guid == names.TYPE_SUBNET:
            self._check_subnet(name)
        resource = Resource(str(uuid.uuid4()), type_guid, name, description)
        resource.tags = [{"Cle": "origine", "Valeur": "service"}, {"Cle": "lot", "Valeur": None}]
        if type_guid in (names.TYPE_SITE, names.TYPE_SUBNET):
            resource.data[names.CLASS_ORIGIN] = [{names.ORIGIN_FIELD: names.FROM_SERVICE}]
        self.add(resource)
        return resource

    def add(self, resource: Resource) -> None:
        """Puts a resource into the CMDB, with what the server keeps beside it."""
        self.resources[resource.guid] = resource
        if resource.type == names.TYPE_SITE:
            self.constrained.setdefault(resource.guid, False)
        if self.is_a(resource, names.TYPE_PACKAGE):
            self.packages.setdefault(resource.guid, Package())

    def _check_subnet(self, text: str) -> None:
        try:
            network = ipaddress.IPv4Network(text)
        except ValueError as error:
            raise bad_parameter(f"a subnet is named a.b.c.d/nn, found '{text}': {error}", "wrong-type") from error
        if str(network) != text or network.prefixlen == 0:
            raise bad_parameter(f"a subnet is named a.b.c.d/nn, found '{text}'", "wrong-type")
        if re.search(self.invalid_subnets, text):
            raise bad_parameter(f"the subnet '{text}' matches InvalidSubnets and is not created", None)

    def delete(self, guid: str) -> None:
        """Removes a resource with its associations; computers and services are not deleted this way."""
        resource = self.resource(guid)
        if not any(self.is_a(resource, t) for t in (names.TYPE_SITE, names.TYPE_SUBNET, names.TYPE_PACKAGE)):
            raise Refusal("ASDKInsufficientPermissionException", f"'{resource.name}' may not be deleted", "forbidden-delete")
        del self.resources[guid]
        self.links = {row for row in self.links if guid not in row[1:]}
        self.constrained.pop(guid, None)
        self.packages.pop(guid, None)
        self.replicated.discard(guid)
        self.sources = {key: value for key, value in self.sources.items() if guid not in key}

    def require_own(self, *guids: str) -> None:
        """Refuses to change what is replicated from another SMP of the hierarchy."""
        for guid in guids:
            if guid in self.replicated:
                thing = self.resources.get(guid) or self.items[guid]
                raise Refusal("ASDKInsufficientPermissionException",
                              f"'{thing.name}' is replicated from another server and may not be changed here", "replicated-write")

    # ---- associations ------------------------------------------------------------------------------------------

    def check_link(self, association: str, parent: str, child: str) -> tuple[str, str, str]:
        """An association between two resources of the right types, in the right direction."""
        _, name, parent_type, child_type = self.association(association)
        for guid, wanted, side in ((parent, parent_type, "parent"), (child, child_type, "child")):
            resource = self.resource(guid)
            if not self.is_a(resource, wanted):
                raise wrong_type(f"the {side} of '{name}' must be a '{self.type_name(wanted)}', "
                                 f"'{resource.name}' is a '{self.type_name(resource.type)}'")
        return association, parent, child

    def form(self, association: str, parent: str, children: Iterable[str]) -> None:
        """Joins; what is joined already stays so, and nothing is replaced."""
        self.links |= {self.check_link(association, parent, c) for c in children}

    def part(self, association: str, parent: str, children: Iterable[str]) -> None:
        """Parts; parting what is not joined is an error on this server."""
        rows = [self.check_link(association, parent, c) for c in children]
        for row in rows:
            if row not in self.links:
                raise Refusal("ASDKDoesNotExistException", "there is no such association to break", "unknown-association")
        self.links -= set(rows)

    def children(self, association: str, parent: str) -> list[str]:
        """The children of a resource by one association."""
        return sorted(c for a, p, c in self.links if a == association and p == parent)

    def parents(self, association: str, child: str) -> list[str]:
        """The parents of a resource by one association."""
        return sorted(p for a, p, c in self.links if a == association and c == child)

    # ---- who serves what ---------------------------------------------------------------------------------------

    def roles(self, computer: str) -> list[str]:
        """The roles of a computer, told by the names of its services."""
        own = [self.resources[c].name for c in self.children(names.ASSOC_SERVICE, computer)]
        return sorted(r for r, start in names.ROLE_NAMES.items() if any(n.startswith(start) for n in own))

    def servers_with(self, role: str) -> list[str]:
        """All computers that have a role."""
        return [r.guid for r in self.of_type(names.TYPE_COMPUTER) if role in self.roles(r.guid)]

    def addresses(self, computer: str) -> list[ipaddress.IPv4Address]:
        """The addresses that a computer last reported."""
        rows = self.resource(computer).data.get(names.CLASS_TCPIP, [])
        return [ipaddress.IPv4Address(r[names.IP_ADDRESS] or "0.0.0.0") for r in rows]

    def networks(self, computer: str) -> list[ipaddress.IPv4Network]:
        """The subnets of a computer by its own addresses and masks, as inventory has them."""
        rows = self.resource(computer).data.get(names.CLASS_TCPIP, [])
        return [ipaddress.IPv4Network(f"{r[names.IP_ADDRESS]}/{r[names.SUBNET_MASK]}", strict=False) for r in rows]

    def subnets_around(self, address: ipaddress.IPv4Address) -> list[Resource]:
        """The known subnets that hold an address, the most specific first."""
        found = [(ipaddress.IPv4Network(r.name), r) for r in self.of_type(names.TYPE_SUBNET)]
        return [r for n, r in sorted(found, key=lambda pair: -pair[0].prefixlen) if address in n]

    def deciding_subnet(self, address: ipaddress.IPv4Address) -> Resource | None:
        """The most specific subnet that holds an address and is assigned to a site."""
        around = self.subnets_around(address)
        return next((s for s in around if self.children(names.ASSOC_SUBNET_SITE, s.guid)), None)

    def sites_of(self, address: ipaddress.IPv4Address) -> set[str]:
        """The sites of an address: those of the subnet that decides."""
        subnet = self.deciding_subnet(address)
        return set(self.children(names.ASSOC_SUBNET_SITE, subnet.guid)) if subnet else set()

    def automatic_servers(self, site: str, role: str) -> set[str]:
        """The servers of a site with a role by their own subnets."""
        return {s for s in self.servers_with(role) if any(site in self.sites_of(a) for a in self.addresses(s))}

    def manual_servers(self, site: str, role: str) -> set[str]:
        """The servers of a site with a role that are assigned by hand, wherever they stand."""
        return set(self.children(names.ASSOC_SITE_SERVER, site)) & set(self.servers_with(role))

    def is_down(self, server: str) -> bool:
        """Whether a site server is known not to answer."""
        fact = names.FACTS["answering"]
        rows = self.resource(server).data.get(fact.data_class, [])
        return any((row[fact.field] or "").casefold() != (fact.yes or "").casefold() for row in rows)

    # ---- packages ----------------------------------------------------------------------------------------------

    def wanted_holders(self, package: Package) -> set[str]:
        """The package servers that an assignment names."""
        if package.assignment == "ALL":
            return set(self.servers_with("package"))
        if package.assignment == "INDIVIDUALLY":
            return set(package.targets)
        sites = [r.guid for r in self.of_type(names.TYPE_SITE)] if package.automatic else package.targets
        return {h for s in sites if s in self.resources for h in self.automatic_servers(s, "package") | self.manual_servers(s, "package")}

    def settle(self) -> None:
        """Lets package replication follow the assignments; a new holder has the package a while later."""
        now = self.clock()
        for package in self.packages.values():
            wanted = self.wanted_holders(package)
            for server in sorted(wanted - set(package.ready_at)):
                package.ready_at[server] = now + REPLICATION_SECONDS
            for server in sorted(set(package.ready_at) - wanted):
                del package.ready_at[server]
                package.retired.add(server)
            package.retired -= wanted

    def holders(self, package: Package) -> list[str]:
        """The servers that have the package now."""
        return sorted(s for s, at in package.ready_at.items() if at <= self.clock())

    def require_package(self, guid: str) -> Package:
        """The assignment of a package that must exist."""
        if guid not in self.packages:
            if guid in self.resources or guid in self.items:
                raise wrong_type(f"'{guid}' is no package")
            raise unknown_guid("package", guid)
        return self.packages[guid]
