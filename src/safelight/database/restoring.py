"""A database from a backup: all or nothing, and nothing that was given out is given out again."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import asyncpg

from safelight.database import dumping
from safelight.database.connection import Connection, Database, sql
from safelight.database.dumping import Table
from safelight.database.migrations import LEDGER, LOCK, apply

Series: TypeAlias = tuple[str, str]  # user, character

_MISFITS: Final = (
    asyncpg.DataError,
    asyncpg.IntegrityConstraintViolationError,
    asyncpg.UndefinedTableError,
)

# After the rows are back and the schema is up to date, in this order.
_AFTERWARDS: Final = (
    "restore_life",
    "restore_events",
    "restore_batches",
    "restore_webhooks",
    "restore_attempts",
    "restore_backends",
    "restore_publications",
    "restore_tokens",
    "forget_indices",
    "forget_index_copies",
)


class NotEmpty(Exception):
    """The database has images that would be lost."""

    def __init__(self, batches: int, images: int) -> None:
        super().__init__(f"{batches} batches with {images} images")
        self.batches = batches
        self.images = images


class Unfit(Exception):
    """The rows do not fit the tables: nothing was changed."""


@dataclass(frozen=True, slots=True)
class Content:
    """What a backup says it holds, beside its rows."""

    migrations: Mapping[int, str]  # number -> SHA-256
    tables: Sequence[Table]  # those that others refer to first
    sequences: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restore did."""

    lost_images: int  # that the database had before
    void_attempts: int
    before: Mapping[Series, int]  # highest index of each series as the backup has it
    after: Mapping[Series, int]  # and as it is now


async def restore(
    database: Database,
    content: Content,
    rows: AsyncIterator[tuple[str, AsyncIterator[bytes]]],
    highest: Mapping[Series, int],
    *,
    force: bool,
) -> Restored:
    """Put the rows of a backup in the place of what is there, in one transaction.

    Args:
        rows: tables by name, in the order of `content`, each with its rows as `copy_out` gave them.
        highest: indices that are taken, whatever the backup says.
        force: also where the database has images.

    Raises:
        NotEmpty: it has images.
        Unfit: the rows are not those of these tables.
        DatabaseAway: no answer.
    """
    async with dumping.patient_session(database) as c:
        await c.execute("select pg_advisory_lock($1)", LOCK)
        async with c.transaction():
            lost = await _refuse_full(c, force)
            # Nobody else comes in from here on, and who is in goes: else two could wait for each
            # other's tables.
            await c.execute("lock table installation")
            await c.fetch(sql("end_sessions"))
            taken = _higher(await _series(c), highest)
            await _clear(c)
            await apply(c, only=content.migrations.keys())
            await _fill(c, content, rows)
            await apply(c)
            before = await _series(c)
            await _raise(c, taken)
            void = 0
            for name in _AFTERWARDS:
                answer = await c.fetchval(sql(name))
                void = answer if name == "restore_attempts" else void
            after = await _series(c)
    return Restored(lost, void, before, after)


async def refuse_full(database: Database, *, force: bool) -> None:
    """Raise NotEmpty where the database has images and `force` was not said."""
    async with database.session() as c:
        await _refuse_full(c, force)


async def _refuse_full(c: Connection, force: bool) -> int:
    found = await dumping.contents(c)
    batches, images = int(str(found["batches"])), int(str(found["images"]))
    if images and not force:
        raise NotEmpty(batches, images)
    return images


async def _series(c: Connection) -> dict[Series, int]:
    rows = await c.fetch(sql("all_series"))
    return {(row["user_id"], row["character_id"]): row["highest"] for row in rows}


def _higher(one: Mapping[Series, int], other: Mapping[Series, int]) -> dict[Series, int]:
    return {key: max(one.get(key, 0), other.get(key, 0)) for key in {*one, *other}}


async def _clear(c: Connection) -> None:
    """Remove what migrations made, and nothing else: strangers' tables stay."""
    for name in [*dumping.tables_of_ours(), LEDGER]:
        await c.execute(f"drop table if exists {name} cascade")
    for name in dumping.functions_of_ours():
        await c.execute(f"drop function if exists {name} cascade")


async def _fill(
    c: Connection, content: Content, rows: AsyncIterator[tuple[str, AsyncIterator[bytes]]]
) -> None:
    _check_fit(content.tables, {table.name: table for table in await dumping.tables(c)})
    given = {table.name: table for table in content.tables}
    for table in reversed(content.tables):
        await c.execute(f"truncate {table.name} cascade")
    try:
        async for name, pieces in rows:
            if name not in given:
                raise Unfit(f"it has rows of {name[:80]!r}, a table it does not name")
            await dumping.copy_in(c, given[name], pieces)
        for name, last in content.sequences.items():
            await c.execute(sql("backup_sequence"), name, last)
    except _MISFITS as error:
        raise Unfit(str(error).splitlines()[0][:200]) from error


def _check_fit(tables: Iterable[Table], known: Mapping[str, Table]) -> None:
    for table in tables:
        if table.name not in known or set(table.columns) != set(known[table.name].columns):
            raise Unfit(f"table {table.name[:80]!r} is not as its version makes it")


async def _raise(c: Connection, highest: Mapping[Series, int]) -> None:
    keys = sorted(highest)
    await c.execute(
        sql("restore_series"),
        [user for user, _ in keys],
        [character for _, character in keys],
        [highest[key] for key in keys],
        [secrets.token_bytes(16) for _ in keys],
    )
