"""Reports: raw SQL over the CMDB's tables, run by SQLite on a fresh copy of the world, reading only.

The tables have the names of the wire reference §5; GUID columns compare without regard to case, as a
uniqueidentifier does. A report cannot write, attach or run longer than `LIMIT_SECONDS`.
"""
from __future__ import annotations

import re
import sqlite3
import time
from typing import Any, Iterable

from . import names
from .faults import Refusal, bad_parameter
from .world import World
from .xmlout import Table

LIMIT_SECONDS = 10.0
_BRACED = re.compile(r"'\{([0-9a-fA-F-]{36})\}'")
_ALLOWED = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE}


def run(world: World, sql: str, parameters: dict[str, str]) -> Table:
    """The rows of a report's SQL, parameters put in for %name%."""
    for name, value in parameters.items():
        if f"%{name}%" not in sql:
            raise bad_parameter(f"the report has no parameter '{name}'", "unknown-parameter")
        sql = sql.replace(f"%{name}%", value.replace("'", "''"))
    sql = _BRACED.sub(r"'\1'", sql)
    database = _database(world)
    end = time.monotonic() + LIMIT_SECONDS
    database.set_progress_handler(lambda: int(time.monotonic() > end), 10_000)
    database.set_authorizer(lambda code, *_: sqlite3.SQLITE_OK if code in _ALLOWED else sqlite3.SQLITE_DENY)
    try:
        cursor = database.execute(sql)
        rows = [list(row) for row in cursor.fetchall()]
        columns = [d[0] for d in cursor.description or []]
    except (sqlite3.Error, sqlite3.Warning) as error:
        raise Refusal("ASDKInternalException", f"the report's query failed: {error}", "bad-sql") from error
    finally:
        database.close()
    return Table([(c, _column_type(rows, i)) for i, c in enumerate(columns)], rows)


def parameter_names(sql: str) -> list[str]:
    """The names that stand between percent signs in a report's SQL."""
    return list(dict.fromkeys(re.findall(r"%(\w+)%", sql)))


def parse_parameters(text: str) -> dict[str, str]:
    """`a=b, c=d`; there are no commas in names or values."""
    out: dict[str, str] = {}
    for part in filter(None, (p.strip() for p in text.split(","))):
        name, equals, value = part.partition("=")
        if not equals:
            raise bad_parameter(f"parameters are written name=value, found '{part}'")
        out[name.strip()] = value.strip()
    return out


def _column_type(rows: list[list[Any]], i: int) -> str:
    values = [r[i] for r in rows if r[i] is not None]
    return "xs:int" if values and all(isinstance(v, int) for v in values) else "xs:string"


def _database(world: World) -> sqlite3.Connection:
    database = sqlite3.connect(":memory:")
    database.execute("ATTACH ':memory:' AS dbo")
    _fill(database, "ResourceAssociation", ["ResourceAssociationTypeGuid", "ParentResourceGuid", "ChildResourceGuid"],
          sorted(world.links))
    _fill(database, "ResourceTypeHierarchy", ["ResourceTypeGuid", "BaseResourceTypeGuid"], _hierarchy(world))
    _fill(database, "vSiteServices", ["Guid", names.HOST_NAME, names.DNS_SUFFIX], _site_services(world))
    _fill(database, "vComputer", ["Guid", "Name", "Domain", names.IP_ADDRESS, "IsManaged"], _computers(world))
    for guid, _, fields, table in names.DATA_CLASSES:
        rows = [[r.guid, *(row[f] for f in fields)] for r in world.resources.values() for row in r.data.get(guid, [])]
        _fill(database, table, ["_ResourceGuid", *fields], rows)
    _fill(database, "SWDPackage", ["PackageId", "Name", "Description"],
          [[g, world.resources[g].name, world.resources[g].description] for g in world.packages])
    _fill(database, "SWDPackageCodebase", ["PackageId", "Location"],
          [[g, rf"\\SMP01\paquets\{g}"] for g in world.packages])
    _fill(database, "SWDPackageServer", [names.HOLDER_STATE, names.HOLDER_SERVER, names.HOLDER_PACKAGE], _holders(world))
    _fill(database, "Inv_Client_Task_Resources", ["_ResourceGuid", "HasTaskAgent", "LastRegistered", names.TASK_SERVER_COLUMN],
          _registrations(world))
    return database


def _fill(database: sqlite3.Connection, table: str, columns: list[str], rows: Iterable[Iterable[Any]]) -> None:
    spelt = ", ".join(f"[{c}]" + (" INTEGER" if c in ("HasTaskAgent", "IsManaged") else " TEXT COLLATE NOCASE") for c in columns)
    database.execute(f"CREATE TABLE dbo.[{table}] ({spelt})")
    database.executemany(f"INSERT INTO dbo.[{table}] VALUES ({', '.join('?' * len(columns))})", [tuple(r) for r in rows])


def _hierarchy(world: World) -> list[list[str]]:
    # Every base, near and far, and not the type itself.
    return [[g, base] for g, *_ in names.TYPES for base in world.type_chain(g)[1:]]


def _site_services(world: World) -> list[list[str]]:
    rows = []
    for association, computer, service in sorted(world.links):
        if association == names.ASSOC_SERVICE:
            host, _, suffix = world.resources[computer].name.partition(".")
            rows.append([service, host, suffix])
    return rows


def _computers(world: World) -> list[list[Any]]:
    return [[r.guid, r.name.split(".")[0], "CORP", str(next(iter(world.addresses(r.guid)), "")), 1]
            for r in world.of_type(names.TYPE_COMPUTER)]


def _holders(world: World) -> list[list[str]]:
    rows = []
    for guid, package in sorted(world.packages.items()):
        ready = set(world.holders(package))
        rows += [[names.STATE_READY if s in ready else names.STATE_WAITING, s, guid] for s in sorted(package.ready_at)]
        rows += [[names.STATE_RETIRED, s, guid] for s in sorted(package.retired)]
    return rows


def _registrations(world: World) -> list[list[Any]]:
    return [[r.guid, 1, "2025-01-15 09:12:44", world.task_server_of(r.guid)] for r in world.of_type(names.TYPE_COMPUTER)]
