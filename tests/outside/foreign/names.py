"""The names and GUIDs of this one server: everything that no document fixes, and that an operator would learn.

Pure data. GUIDs come from a UUIDv5 of the name, so they are the same in every run and `--print-profile` needs no
running server. Nothing here is to be guessed from outside: the client gets it by the profile or by discovery.
"""
from __future__ import annotations

import uuid
from dataclasses import dataclass

_SPACE = uuid.UUID("7d1f0c52-93ab-4a6e-b1c4-5e2f8a90d377")
EMPTY_GUID = "00000000-0000-0000-0000-000000000000"


def own_guid(label: str) -> str:
    """The GUID (lower case, no braces) that this server has for a label."""
    return str(uuid.uuid5(_SPACE, label))


# Resource types. Only the GUID of Computer is documented.
TYPE_RESOURCE = own_guid("type:ressource")
TYPE_COMPUTER = "493435f7-3b17-4c4c-b07f-c23e7ab7781f"
TYPE_VIRTUAL = own_guid("type:machine virtuelle")
TYPE_SITE = own_guid("type:lieu")
TYPE_SUBNET = own_guid("type:sous-reseau")
TYPE_SERVICE = own_guid("type:service de lieu")
TYPE_HOSTED_SERVICE = own_guid("type:service heberge")
TYPE_PACKAGE = own_guid("type:paquet")
TYPE_IMAGE = own_guid("type:paquet d'image")
TYPE_USER = own_guid("type:utilisateur")

# (guid, name, base, alias under which public clients ask for it by name)
TYPES: list[tuple[str, str, str, str]] = [
    (TYPE_RESOURCE, "Ressource", "", "resource"),
    (TYPE_USER, "Utilisateur", TYPE_RESOURCE, "user"),
    (TYPE_COMPUTER, "Ordinateur", TYPE_RESOURCE, "computer"),
    (TYPE_VIRTUAL, "Ordinateur virtuel", TYPE_COMPUTER, "virtual machine"),
    (TYPE_SITE, "Lieu d'exploitation", TYPE_RESOURCE, "site"),
    (TYPE_SUBNET, "Sous-réseau", TYPE_RESOURCE, "subnet"),
    (TYPE_SERVICE, "Service de lieu", TYPE_RESOURCE, "site service"),
    (TYPE_HOSTED_SERVICE, "Service de lieu hébergé", TYPE_SERVICE, "hosted site service"),
    (TYPE_PACKAGE, "Paquet logiciel", TYPE_RESOURCE, "software package"),
    (TYPE_IMAGE, "Paquet d'image disque", TYPE_PACKAGE, "image package"),
]

# Association types: the subnet is the parent of its site, the computer the parent of its services.
ASSOC_SUBNET_SITE = own_guid("lien:sous-reseau vers lieu")
ASSOC_SITE_SERVER = own_guid("lien:lieu vers serveur manuel")
ASSOC_SERVICE = own_guid("lien:service vers ordinateur")
ASSOC_OWNER = own_guid("lien:ordinateur vers utilisateur")

# (guid, name, parent type, child type)
ASSOCIATIONS: list[tuple[str, str, str, str]] = [
    (ASSOC_OWNER, "Utilisateur principal", TYPE_COMPUTER, TYPE_USER),
    (ASSOC_SUBNET_SITE, "Rattachement du sous-réseau", TYPE_SUBNET, TYPE_SITE),
    (ASSOC_SITE_SERVER, "Serveur affecté à la main", TYPE_SITE, TYPE_COMPUTER),
    (ASSOC_SERVICE, "Site Service to Computer", TYPE_COMPUTER, TYPE_SERVICE),
]

@dataclass(frozen=True)
class DataClass:
    """A data class: the types that have it, its fields, and the table in which the same rows stand for reports."""

    guid: str
    name: str
    table: str
    types: tuple[str, ...]
    fields: tuple[str, ...]
    resource: str = "_ResourceGuid"      # the column of the table that holds the resource; no field of the class
    numbers: tuple[str, ...] = ()


# The field names of this class are those that public code shows for Inv_AeX_AC_TCPIP.
CLASS_TCPIP = own_guid("classe:tcpip")
CLASS_IDENTITY = own_guid("classe:identite")
HOST_NAME, DNS_SUFFIX, IP_ADDRESS, SUBNET_MASK = "Host Name", "Primary DNS Suffix", "IP Address", "Subnet Mask"

# Inventory facts. Several share a class; a blank, a dot, an accent and an apostrophe are legal in a field's name.
CLASS_STATION = own_guid("classe:fiche du poste")
OS_FIELD, DOTNET_FIELD, INVENTORY_FIELD = "Système d'exploitation", "Cadriciel .NET", "Dernier inventaire"
CLASS_AGENT = own_guid("classe:agent")
AGENT_FIELD = "Version"
CLASS_PLUG_INS = own_guid("classe:modules de l'agent")
PLUG_IN_FIELD = "Module"
CLASS_MANAGEMENT = own_guid("classe:gestion du poste")
MANAGED_FIELD, LOCAL_FIELD, LIFE_FIELD, CEM_FIELD = "Géré", "Rattachement", "Cycle de vie", "Mode CEM"
CLASS_WEB = own_guid("classe:serveurs web")
IIS_FIELD, HTTP_FIELD = "IIS", "Serveur HTTP"
CLASS_REACH = own_guid("classe:joignabilite")
REACH_FIELD = "État"
CLASS_ORIGIN = own_guid("classe:origine")
ORIGIN_FIELD = "Provenance"
FROM_INVENTORY, FROM_SERVICE, FROM_DIRECTORY = "Inventaire", "Service web", "Annuaire"

# What happened: told by the server itself, and never stored as inventory.
CLASS_REGISTRATION = own_guid("classe:inscription aux taches")
TASK_SERVER_COLUMN, TASK_AGENT_FIELD, REGISTERED_FIELD = "Serveur Inscrit", "HasTaskAgent", "LastRegistered"
CLASS_SOURCES = own_guid("classe:sources de paquets")
SOURCE_PACKAGE, SOURCE_SERVER, SOURCE_TIME, SOURCE_CLIENT = "Paquet", "Servi par", "Quand", "ClientRef"
CLASS_LOAD = own_guid("classe:charge recente")
LOAD_PACKAGE, LOAD_TASK = "Demandes de paquets", "Demandes de tâches"

_OF_COMPUTERS = (TYPE_COMPUTER,)
DATA_CLASSES: list[DataClass] = [
    DataClass(CLASS_IDENTITY, "AeX AC Identification", "Inv_AeX_AC_Identification", _OF_COMPUTERS,
              ("Name", "Domain", "OS Name")),
    DataClass(CLASS_TCPIP, "AeX AC TCPIP", "Inv_AeX_AC_TCPIP", _OF_COMPUTERS,
              ("MAC Address", HOST_NAME, SUBNET_MASK, DNS_SUFFIX, "Default Gateway", IP_ADDRESS)),
    DataClass(CLASS_STATION, "Fiche du poste", "Inv_Fiche_Poste", _OF_COMPUTERS, (DOTNET_FIELD, OS_FIELD, INVENTORY_FIELD)),
    DataClass(CLASS_AGENT, "Agent de gestion", "Inv_Agent_Gestion", _OF_COMPUTERS, ("Canal", AGENT_FIELD)),
    DataClass(CLASS_PLUG_INS, "Modules de l'agent", "Inv_Modules_Agent", _OF_COMPUTERS, (PLUG_IN_FIELD, "Version")),
    DataClass(CLASS_MANAGEMENT, "Gestion du poste", "Inv_Gestion_Poste", _OF_COMPUTERS,
              (CEM_FIELD, LIFE_FIELD, LOCAL_FIELD, MANAGED_FIELD)),
    DataClass(CLASS_WEB, "Serveurs web", "Inv_Serveurs_Web", _OF_COMPUTERS, (HTTP_FIELD, IIS_FIELD)),
    DataClass(CLASS_REACH, "Joignabilité des serveurs", "Suivi_Joignabilite", _OF_COMPUTERS, (REACH_FIELD,), "ServeurRef"),
    DataClass(CLASS_ORIGIN, "Origine", "Suivi_Origine", (TYPE_SITE, TYPE_SUBNET), (ORIGIN_FIELD,), "RessourceRef"),
    DataClass(CLASS_REGISTRATION, "Inscription aux tâches", "Inv_Client_Task_Resources", _OF_COMPUTERS,
              (TASK_AGENT_FIELD, REGISTERED_FIELD, TASK_SERVER_COLUMN), numbers=(TASK_AGENT_FIELD,)),
    DataClass(CLASS_SOURCES, "Sources de paquets", "Suivi_Sources_Paquets", _OF_COMPUTERS,
              (SOURCE_TIME, SOURCE_SERVER, SOURCE_PACKAGE), SOURCE_CLIENT),
    DataClass(CLASS_LOAD, "Charge récente", "Suivi_Charge", _OF_COMPUTERS, (LOAD_TASK, LOAD_PACKAGE),
              numbers=(LOAD_TASK, LOAD_PACKAGE)),
]


@dataclass(frozen=True)
class Fact:
    """Where a fact of the profile stands; with `yes`, it is a switch, and `no` is one of its other texts."""

    data_class: str
    field: str
    yes: str | None = None
    no: str | None = None


# The keys are those of `evidence.facts` in docs/profile.md.
FACTS: dict[str, Fact] = {
    "operatingSystem": Fact(CLASS_STATION, OS_FIELD),
    "agentVersion": Fact(CLASS_AGENT, AGENT_FIELD),
    "dotnet": Fact(CLASS_STATION, DOTNET_FIELD),
    "inventoried": Fact(CLASS_STATION, INVENTORY_FIELD),
    "plugIns": Fact(CLASS_PLUG_INS, PLUG_IN_FIELD),
    "managed": Fact(CLASS_MANAGEMENT, MANAGED_FIELD, "Oui", "Non"),
    "local": Fact(CLASS_MANAGEMENT, LOCAL_FIELD, "Ce serveur", "Serveur parent"),
    "assetActive": Fact(CLASS_MANAGEMENT, LIFE_FIELD, "En service", "Réformé"),
    "cemMode": Fact(CLASS_MANAGEMENT, CEM_FIELD, "Actif", "Inactif"),
    "iis": Fact(CLASS_WEB, IIS_FIELD, "Configuré", "Absent"),
    "httpServer": Fact(CLASS_WEB, HTTP_FIELD, "Présent", "Absent"),
    "answering": Fact(CLASS_REACH, REACH_FIELD, "En ligne", "Hors ligne"),
    "directoryImport": Fact(CLASS_ORIGIN, ORIGIN_FIELD, FROM_DIRECTORY, FROM_SERVICE),
}


def data_class(guid: str) -> DataClass:
    """A data class of this server by its GUID."""
    return next(c for c in DATA_CLASSES if c.guid == guid)


# The service of a role is told by the beginning of its name; its type says nothing about the role.
ROLE_NAMES: dict[str, str] = {
    "package": "Distribution de paquets",
    "task": "Exécution des tâches",
    "networkBoot": "Amorçage réseau",
    "monitor": "Surveillance",
}

# Items that are no resources.
ITEM_ROOT = own_guid("element:racine")
ITEM_REPORTS = own_guid("element:rapports")
ITEM_JOBS = own_guid("element:taches et travaux")
ITEM_SITE_SETTINGS = own_guid("element:reglages des lieux")
ITEM_DS_SETTINGS = own_guid("element:reglages DS")
ITEM_DEPLOY_TASK = own_guid("element:Deploy Win11")
ITEM_ROLLOUT = own_guid("element:deploiement PXE")

# Evidence tables and their columns.
HOLDER_PACKAGE, HOLDER_SERVER, HOLDER_STATE = "PaquetRef", "ServeurRef", "Etat"
STATE_READY, STATE_WAITING, STATE_RETIRED = "PRET", "ATTENTE", "RETIRE"

# Values of the switch in the site settings item.
SWITCH_ON, SWITCH_OFF = "Oui", "Non"

# Target namespaces. ASDK.NS is documented, the others are this server's own; tempuri.org is what ASP.NET
# gives a service whose author chose nothing, and its actions have no second slash.
NS_ASDK = "http://Altiris.ASDK.NS.com"
NS_SMF = "http://schemas.exemple.invalid/smf/2011/paquets"
NS_SWD = "http://schemas.exemple.invalid/diffusion/"
NS_TASK = "http://schemas.exemple.invalid/taches"
NS_DS = "http://tempuri.org/deploiement"
NS_MODEL = "http://tempuri.org/"
NS_ITEMS = "http://schemas.exemple.invalid/modele-elements"

SMP_NAME, DOMAIN = "SMP01.corp.example", "corp.example"
