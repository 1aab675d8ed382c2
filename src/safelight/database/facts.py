"""How the whole system is, for whoever measures it: one statement, however often it is asked."""

from __future__ import annotations

from typing import Final

from safelight.core.facts import BackendFact, Facts, LineFact, why
from safelight.database.connection import Database, Row

MOST: Final = 100_000
"""Rows of each kind that are counted."""


async def facts(database: Database) -> Facts:
    """All of it. Raises `DatabaseAway`."""
    by_kind: dict[str, list[Row]] = {}
    for row in await database.fetch("facts", MOST):
        by_kind.setdefault(row["kind"], []).append(row)
    return Facts(
        tuple(LineFact(r["name"], r["many"], r["seconds"]) for r in by_kind.get("line", ())),
        tuple(_backend(row) for row in by_kind.get("backend", ())),
        tuple((row["name"], row["many"]) for row in by_kind.get("copies", ())),
        sum(row["many"] for row in by_kind.get("deliveries", ())),
    )


def _backend(row: Row) -> BackendFact:
    said = why(row["state"], row["reason"], leased=row["leased"], draining=row["draining"])
    return BackendFact(row["name"], row["pool"], row["slots"], row["many"], said)
