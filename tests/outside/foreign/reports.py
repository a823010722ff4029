"""Reports: raw SQL over the CMDB's tables, run by SQLite on a fresh copy of the world, reading only.

The tables have the names of the wire reference §5; GUID columns compare without regard to case, as a
uniqueidentifier does, and so does text. The tables of data classes hold the rows that the services give too. The
few spellings of T-SQL that SQLite lacks are respelt (`_translate`). A report cannot write, attach or run longer than `LIMIT_SECONDS`.
"""
from __future__ import annotations

import re
import sqlite3
import time
from typing import Any, Container, Iterable

from . import inventory, names
from .faults import Refusal, bad_parameter
from .world import Resource, World
from .xmlout import Table

LIMIT_SECONDS = 10.0
# Quoted text and quoted names are left alone, but for the N before a text and the braces of a GUID.
_QUOTED = re.compile(r"""[Nn]?'(?:[^']|'')*'|\[(?:[^\]]|\]\])*\]|"[^"]*\"""")
_BRACED = re.compile(r"'\{([0-9a-fA-F-]{36})\}'")
_TEXT_TYPE = re.compile(r"\b(uniqueidentifier|n?(?:var)?char\s*\(\s*(?:max|\d+)\s*\))", re.IGNORECASE)
_CONVERT = re.compile(r"\bCONVERT\s*\(\s*TEXT\s*,", re.IGNORECASE)
_ISNULL = re.compile(r"\bISNULL\s*\(", re.IGNORECASE)
_COLLATE = re.compile(r"\bCOLLATE\s+\w+", re.IGNORECASE)
_COLLATION = "FRENCH_CI"
_ALLOWED = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE}


def run(world: World, sql: str, parameters: dict[str, str]) -> Table:
    """The rows of a report's SQL, parameters put in for %name%."""
    for name, value in parameters.items():
        if f"%{name}%" not in sql:
            raise bad_parameter(f"the report has no parameter '{name}'", "unknown-parameter")
        sql = sql.replace(f"%{name}%", value.replace("'", "''"))
    sql = _translate(sql)
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


def _translate(sql: str) -> str:
    """T-SQL's own spellings of texts, text types, conversions and collations in SQLite's."""
    out, end = [], 0
    for match in _QUOTED.finditer(sql):
        out += [_translate_bare(sql[end:match.start()]), _BRACED.sub(r"'\1'", match.group().lstrip("Nn"))]
        end = match.end()
    return "".join([*out, _translate_bare(sql[end:])])


def _translate_bare(sql: str) -> str:
    sql = _ISNULL.sub("IFNULL(", _CONVERT.sub("TEXT_OF(", _TEXT_TYPE.sub("TEXT", sql)))
    return _COLLATE.sub(f"COLLATE {_COLLATION}", sql)


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _compare(one: str, other: str) -> int:
    a, b = one.casefold(), other.casefold()
    return (a > b) - (a < b)


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
    database.create_collation(_COLLATION, _compare)
    database.create_function("TEXT_OF", 1, _text, deterministic=True)
    database.create_function("LEN", 1, lambda a: None if a is None else len(str(a).rstrip(" ")), deterministic=True)
    database.create_function("CONCAT", -1, lambda *parts: "".join(str(p) for p in parts if p is not None), deterministic=True)
    _fill(database, "ResourceAssociation", ["ResourceAssociationTypeGuid", "ParentResourceGuid", "ChildResourceGuid"],
          sorted(world.links))
    _fill(database, "ResourceTypeHierarchy", ["ResourceTypeGuid", "BaseResourceTypeGuid"], _hierarchy(world))
    _fill(database, "vSiteServices", ["Guid", names.HOST_NAME, names.DNS_SUFFIX], _site_services(world))
    _fill(database, "vComputer", ["Guid", "Name", "Domain", names.IP_ADDRESS, "IsManaged"], _computers(world), {"IsManaged"})
    for one in names.DATA_CLASSES:
        rows = [row for t in one.types for r in world.of_type(t) for row in inventory.table_rows(world, r, one)]
        _fill(database, one.table, [one.resource, *one.fields], rows, set(one.numbers))
    _fill(database, "SWDPackage", ["PackageId", "Name", "Description"],
          [[g, world.resources[g].name, world.resources[g].description] for g in world.packages])
    _fill(database, "SWDPackageCodebase", ["PackageId", "Location"], [[g, inventory.codebase(world, g)] for g in world.packages])
    _fill(database, "SWDPackageServer", [names.HOLDER_STATE, names.HOLDER_SERVER, names.HOLDER_PACKAGE], _holders(world))
    return database


def _fill(database: sqlite3.Connection, table: str, columns: list[str], rows: Iterable[Iterable[Any]],
          numbers: Container[str] = ()) -> None:
    spelt = ", ".join(f"[{c}]" + (" INTEGER" if c in numbers else f" TEXT COLLATE {_COLLATION}") for c in columns)
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
    return [[r.guid, r.name.split(".")[0], "CORP", str(next(iter(world.addresses(r.guid)), "")), int(_managed(r))]
            for r in world.of_type(names.TYPE_COMPUTER)]


def _managed(computer: Resource) -> bool:
    fact = names.FACTS["managed"]
    return any(row[fact.field] == fact.yes for row in computer.data.get(fact.data_class, []))


def _holders(world: World) -> list[list[str]]:
    rows = []
    for guid, package in sorted(world.packages.items()):
        ready = set(world.holders(package))
        rows += [[names.STATE_READY if s in ready else names.STATE_WAITING, s, guid] for s in sorted(package.ready_at)]
        rows += [[names.STATE_RETIRED, s, guid] for s in sorted(package.retired)]
    return rows
