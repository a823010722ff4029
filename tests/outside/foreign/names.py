"""The names and GUIDs of this one server: everything that no document fixes, and that an operator would learn.

Pure data. GUIDs come from a UUIDv5 of the name, so they are the same in every run and `--print-profile` needs no
running server. Nothing here is to be guessed from outside: the client gets it by the profile or by discovery.
"""
from __future__ import annotations

import uuid

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

# Data classes. The field names are those that public code shows for Inv_AeX_AC_TCPIP.
CLASS_TCPIP = own_guid("classe:tcpip")
CLASS_IDENTITY = own_guid("classe:identite")
HOST_NAME, DNS_SUFFIX, IP_ADDRESS, SUBNET_MASK = "Host Name", "Primary DNS Suffix", "IP Address", "Subnet Mask"
# (guid, name, fields, table)
DATA_CLASSES: list[tuple[str, str, list[str], str]] = [
    (CLASS_IDENTITY, "AeX AC Identification", ["Name", "Domain", "OS Name"], "Inv_AeX_AC_Identification"),
    (CLASS_TCPIP, "AeX AC TCPIP", ["MAC Address", HOST_NAME, SUBNET_MASK, DNS_SUFFIX, "Default Gateway", IP_ADDRESS],
     "Inv_AeX_AC_TCPIP"),
]

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
TASK_SERVER_COLUMN = "Serveur Inscrit"

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
