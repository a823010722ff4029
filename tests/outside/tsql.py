#!/usr/bin/env python3
"""Judges SQL as T-SQL: reads `[[name, sql], …]` as JSON from standard input; exits 1 unless all of it is one plain,
read-only SELECT each. Every offender is named on standard error. Needs sqlglot (../requirements.txt).
"""
from __future__ import annotations

import json
import sys

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

# Functions by another name than a known one may do anything; so may what a table hint, a variable or INTO says.
FORBIDDEN = (exp.DDL, exp.DML, exp.Into, exp.Command, exp.Anonymous, exp.WithTableHint, exp.Lock, exp.Parameter,
             exp.Execute, exp.Limit)


def fault(sql: str) -> str | None:
    """What is wrong with a text, or nothing."""
    try:
        statements = sqlglot.parse(sql, dialect="tsql")
    except SqlglotError as error:
        return str(error)
    if len(statements) != 1:
        return f"expected one statement, found {len(statements)}"
    tree = statements[0]
    if not isinstance(tree, (exp.Select, exp.SetOperation)):
        return f"expected a SELECT, found {type(tree).__name__}"
    for select in tree.find_all(exp.Select):
        if not select.expressions:
            return "a SELECT without columns"
    for node in tree.walk():
        if isinstance(node, FORBIDDEN) and not isinstance(node, exp.Query):
            return f"{type(node).__name__} is not allowed: {node.sql(dialect='tsql')}"
    return None


def main() -> int:
    """Judges everything that stands in the input."""
    failed = 0
    for name, sql in json.load(sys.stdin):
        wrong = fault(sql)
        if wrong:
            failed += 1
            print(f"{name}: {wrong}\n  {sql}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
