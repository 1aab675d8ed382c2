"""The database as pieces of text, as of one moment, and from them again.

The engine's tables are left out: tokens are copies, and are made anew from the rows.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from graphlib import TopologicalSorter
from typing import Final

from safelight.core.errors import SettingsError
from safelight.database.connection import Connection, Database, sql, translating
from safelight.database.migrations import LEDGER, migrations, moved_on

_TABLE: Final = re.compile(r"^create (?:unlogged )?table (?:if not exists )?(\w+)", re.M)
_FUNCTION: Final = re.compile(r"^create (?:or replace )?function (\w+)", re.M)


@dataclass(frozen=True, slots=True)
class Table:
    """A table of ours."""

    name: str
    columns: tuple[str, ...]


def tables_of_ours() -> list[str]:
    """The names of all tables that any migration makes."""
    return [name for one in migrations() for name in _TABLE.findall(one.text)]


def functions_of_ours() -> list[str]:
    """The names of all functions that any migration makes."""
    return [name for one in migrations() for name in _FUNCTION.findall(one.text)]


@asynccontextmanager
async def patient_session(database: Database) -> AsyncIterator[Connection]:
    """A session of its own without any limit of time. Raises `DatabaseAway`."""
    connection = await database.connect("safelight-backup", patient=True)
    try:
        with translating():
            yield connection
    finally:
        connection.terminate()


@asynccontextmanager
async def snapshot(database: Database) -> AsyncIterator[Connection]:
    """A session that sees one moment of the database, however long it is read.

    Raises:
        SettingsError: there is no database of ours, or one of a newer version.
        DatabaseAway: no answer.
    """
    async with patient_session(database) as c:
        if not await c.fetchval("select to_regclass($1) is not null", LEDGER):
            raise SettingsError("this database is empty: there is nothing to back up")
        if newer := await moved_on(database):
            raise SettingsError(newer)
        async with c.transaction(isolation="repeatable_read", readonly=True):
            yield c


async def tables(c: Connection) -> list[Table]:
    """Our tables, those that others refer to first."""
    rows = await c.fetch(sql("backup_tables"), tables_of_ours())
    columns = {row["name"]: tuple(row["columns"]) for row in rows}
    needs = {row["name"]: sorted(columns.keys() & set(row["needs"])) for row in rows}
    return [Table(name, columns[name]) for name in TopologicalSorter(needs).static_order()]


async def applied(c: Connection) -> dict[int, str]:
    """The migrations the database has: number → SHA-256 of the file."""
    return {row["number"]: row["sha256"] for row in await c.fetch(sql("applied_migrations"))}


async def sequences(c: Connection, of: Sequence[Table]) -> dict[str, int]:
    """How far the sequences of these tables are; read them after the rows."""
    rows = await c.fetch(sql("backup_sequences"), [table.name for table in of])
    return {row["name"]: row["last"] for row in rows}


async def contents(c: Connection) -> Mapping[str, object]:
    """How many batches and images there are, and when the newest was ordered."""
    return dict(await c.fetchrow(sql("backup_contents")))


async def copy_out(c: Connection, table: Table, write: Callable[[bytes], Awaitable[None]]) -> int:
    """Give every row, as text in pieces of any size; returns how many rows."""
    done = await c.copy_from_table(table.name, columns=table.columns, output=write)
    return int(done.split()[-1])


async def copy_in(c: Connection, table: Table, pieces: AsyncIterator[bytes]) -> int:
    """Take rows in as `copy_out` gave them; returns how many."""
    done = await c.copy_to_table(table.name, columns=list(table.columns), source=pieces)
    return int(done.split()[-1])
