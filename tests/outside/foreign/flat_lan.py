"""The world at the start: the flat LAN of article 000, two site servers in one subnet and no sites.

Builds a `World`; no wire, no I/O. Some clients stand in the office subnet, some in the routed deployment subnet.
Inventory finds nothing wrong here; of BUREAU12 it knows neither the operating system nor the time.
"""
from __future__ import annotations

from datetime import timedelta
from typing import Callable

from . import inventory, names
from .world import Item, Package, Resource, World

SERVERS = [("SMP01", "192.168.0.10", names.TYPE_COMPUTER), ("SITE01", "192.168.0.11", names.TYPE_VIRTUAL),
           ("DEPLOY01", "192.168.0.12", names.TYPE_COMPUTER)]
SUBNETS = ["192.168.0.0/24", "192.168.10.0/24"]
IMAGE = "Win11-24H2 golden"
TASK = "Deploy Win11"
PACKAGES = [(IMAGE, names.TYPE_IMAGE), ("Outils d'imagerie (Ghost)", names.TYPE_PACKAGE),
            ("DriversDB", names.TYPE_PACKAGE), ("Environnement WinPE x64", names.TYPE_PACKAGE)]

# Plug-ins as article 180278 lists them, spelt here and there as the article itself varies.
BASE_PLUG_INS = ["Altiris Base Task Handlers", "Altiris Client Task Agent"]
SERVER_PLUG_INS = [*BASE_PLUG_INS, "Altiris Client Task Server Agent", "Deployment Task Server Handler"]
SITE_PLUG_INS = [*SERVER_PLUG_INS, "Deployment Solution Plug-In", "Deployment NBS Plug-in", "Deployment Package Server"]
PLUG_INS = {"SMP01": SERVER_PLUG_INS, "SITE01": SITE_PLUG_INS, "DEPLOY01": SITE_PLUG_INS}


def server_guid(host: str) -> str:
    """The GUID of a computer of the starting world."""
    return names.own_guid(f"ordinateur:{host}")


def package_guid(name: str) -> str:
    """The GUID of a package of the starting world."""
    return names.own_guid(f"paquet:{name}")


def _computer(world: World, host: str, address: str, type_guid: str, number: int) -> None:
    gateway = address.rsplit(".", 1)[0] + ".1"
    tcpip: dict[str, str | None] = {
        "MAC Address": f"00:15:5D:00:{number // 256:02X}:{number % 256:02X}", names.HOST_NAME: host,
        names.SUBNET_MASK: "255.255.255.0", names.DNS_SUFFIX: names.DOMAIN, "Default Gateway": gateway,
        names.IP_ADDRESS: address,
    }
    identity: dict[str, str | None] = {"Name": host, "Domain": "CORP", "OS Name": None}
    world.add(Resource(server_guid(host), type_guid, f"{host}.{names.DOMAIN}",
                       data={names.CLASS_TCPIP: [tcpip], names.CLASS_IDENTITY: [identity]}))
    _facts(world, host)


def _facts(world: World, host: str) -> None:
    computer, is_server = world.resource(server_guid(host)), host in PLUG_INS
    told = {"agentVersion": "8.8.1310", "managed": "on", "local": "on", "assetActive": "on", "cemMode": "off",
            "iis": "on" if is_server else "off", "httpServer": "on" if is_server else "off"}
    if host != "BUREAU12":
        told |= {"operatingSystem": f"Microsoft Windows {'Server 2022 Standard' if is_server else '11 Entreprise'}",
                 "dotnet": "4.8.09037", "inventoried": inventory.stamp(world.today() - timedelta(hours=3))}
    for key, value in told.items():
        inventory.set_fact(world, computer, key, value)
    for name in PLUG_INS.get(host, [*BASE_PLUG_INS, "Deployment Solution Plug-in"]):
        inventory.set_plug_in(computer, name, True)
    inventory.set_plug_in(computer, "Inventaire logiciel", True)


def add_role(world: World, computer: str, role: str) -> None:
    """Installs a site service; its type does not tell its role."""
    host = world.resource(computer).name.split(".")[0]
    kind = names.TYPE_HOSTED_SERVICE if role in ("task", "monitor") else names.TYPE_SERVICE
    service = Resource(names.own_guid(f"service:{role}:{computer}"), kind, f"{names.ROLE_NAMES[role]} ({host})")
    world.add(service)
    world.form(names.ASSOC_SERVICE, computer, [service.guid])
    world.resource(computer).data.setdefault(names.CLASS_REACH, [{names.REACH_FIELD: names.FACTS["answering"].yes}])


def _items(world: World) -> None:
    for item in (
        Item(names.ITEM_ROOT, "Dossier", "Altiris", None),
        Item(names.ITEM_REPORTS, "Dossier", "Reports", names.ITEM_ROOT),
        Item(names.ITEM_JOBS, "Dossier", "Jobs and Tasks", names.ITEM_ROOT),
        Item(names.ITEM_SITE_SETTINGS, "ReglagesDeLieux", "Réglages des lieux", names.ITEM_ROOT),
        Item(names.ITEM_DS_SETTINGS, "ReglagesImagerie", "DS Global Settings", names.ITEM_ROOT),
        Item(names.ITEM_ROLLOUT, "PolitiqueDeploiement", "Network boot service rollout", names.ITEM_ROOT, enabled=False),
        Item(names.ITEM_DEPLOY_TASK, "TacheDeploiementImage", TASK, names.ITEM_JOBS),
    ):
        world.items[item.guid] = item
    world.task_packages[names.ITEM_DEPLOY_TASK] = [package_guid(IMAGE)]


def build(clock: Callable[[], float]) -> World:
    """The flat LAN."""
    world = World(clock)
    for number, (host, address, kind) in enumerate(SERVERS):
        _computer(world, host, address, kind, number)
    for n in range(12):
        _computer(world, f"BUREAU{n + 1:02}", f"192.168.0.{100 + n}", names.TYPE_COMPUTER, 100 + n)
    for n in range(6):
        _computer(world, f"POSE{n + 1:02}", f"192.168.10.{50 + n}", names.TYPE_VIRTUAL, 200 + n)
    for text in SUBNETS:
        world.add(Resource(names.own_guid(f"sous-reseau:{text}"), names.TYPE_SUBNET, text,
                           tags=[{"Cle": "origine", "Valeur": "inventaire"}],
                           data={names.CLASS_ORIGIN: [{names.ORIGIN_FIELD: names.FROM_INVENTORY}]}))
    world.add(Resource(names.own_guid("utilisateur:poste"), names.TYPE_USER, "CORP\\m.durand"))
    world.form(names.ASSOC_OWNER, server_guid("BUREAU01"), [names.own_guid("utilisateur:poste")])
    for host, _, _ in SERVERS:
        for role in ("package", "task"):
            add_role(world, server_guid(host), role)
    for name, kind in PACKAGES:
        world.add(Resource(package_guid(name), kind, name))
        holders = {server_guid(host): 0.0 for host, _, _ in SERVERS}
        world.packages[package_guid(name)] = Package(ready_at=holders)
    _items(world)
    return world
