"""Numbered migrations, applied at start under a lock; never edited, only followed by the next."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from importlib import metadata, resources

from pgqueuer.db import AsyncpgDriver
from pgqueuer.queries import Queries

from safelight.core.errors import SettingsError
from safelight.database.connection import Connection, Database, translating

LOCK = 0x5AFE_11F7  # any number, the same in every process
LEDGER = "safelight_migrations"
_MAKE_LEDGER = """
create table if not exists safelight_migrations (
    number int primary key,
    name text not null,
    sha256 text not null,
    applied_at timestamptz not null default now()
)
"""


@dataclass(frozen=True, slots=True)
class Migration:
    """One file of `schema/`."""

    number: int
    name: str
    text: str

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()


async def migrate(database: Database) -> list[str]:
    """Bring the schema up to date; returns the names of the migrations applied now.

    Raises:
        SettingsError: the schema is newer than this version, or a migration was edited.
        DatabaseAway: no answer.
    """
    connection = await database.connect("safelight-migrate", patient=True)
    try:
        with translating():
            await connection.execute("select pg_advisory_lock($1)", LOCK)
            await _refuse_old_server(connection)
            await _refuse_newer(connection)
            await _install_engine(connection)
            return await apply(connection)
    finally:
        await connection.close()


async def moved_on(database: Database) -> str | None:
    """What to tell when the schema is newer than this version knows, else None."""
    row = await database.fetchrow("newest_migration")
    assert row is not None
    return _too_new(row["max"]) if (row["max"] or 0) > newest() else None


@functools.cache
def newest() -> int:
    """The number of the newest migration this version knows."""
    return migrations()[-1].number


async def _refuse_old_server(connection: Connection) -> None:
    version = connection.get_server_version()
    if version.major < 15:
        raise SettingsError(
            f"database.url leads to PostgreSQL {version.major}; Safelight needs 15 or newer"
        )


async def _install_engine(connection: Connection) -> None:
    queries = Queries(AsyncpgDriver(connection))
    if not await queries.schema_is_installed():
        async with connection.transaction():
            await queries.install()
        return
    if await _engine_version(connection) != metadata.version("pgqueuer"):
        await queries.upgrade()


async def _engine_version(connection: Connection) -> str | None:
    known = await connection.fetchval("select to_regclass('safelight_migrations') is not null")
    if not known:
        return None
    version = await connection.fetchval(
        "select obj_description('safelight_migrations'::regclass, 'pg_class')"
    )
    return str(version) if version else None


async def apply(connection: Connection, only: Collection[int] | None = None) -> list[str]:
    """Apply what is missing (of these numbers); returns the names. Raises as `migrate`."""
    await connection.execute(_MAKE_LEDGER)
    rows = await connection.fetch("select number, sha256 from safelight_migrations")
    applied = {row["number"]: row for row in rows}
    done = []
    for migration in migrations():
        if only is not None and migration.number not in only:
            continue
        if migration.number in applied:
            _refuse_edited(migration, applied[migration.number]["sha256"])
            continue
        async with connection.transaction():
            await connection.execute(migration.text)
            await connection.execute(
                "insert into safelight_migrations (number, name, sha256) values ($1, $2, $3)",
                migration.number,
                migration.name,
                migration.sha256,
            )
        done.append(migration.name)
    await connection.execute(
        f"comment on table safelight_migrations is '{metadata.version('pgqueuer')}'"
    )
    return done


def migrations() -> list[Migration]:
    """Every migration this version knows, by number."""
    folder = resources.files(__package__).joinpath("schema")
    found = sorted((f for f in folder.iterdir() if f.name.endswith(".sql")), key=lambda f: f.name)
    return [Migration(int(f.name[:4]), f.name.removesuffix(".sql"), f.read_text()) for f in found]


async def _refuse_newer(connection: Connection) -> None:
    # Before anything else: not even the engine may be touched by an older version.
    if not await connection.fetchval("select to_regclass('safelight_migrations') is not null"):
        return
    numbers = await connection.fetch("select number from safelight_migrations")
    unknown = {row["number"] for row in numbers} - {one.number for one in migrations()}
    if unknown:
        raise SettingsError(_too_new(max(unknown)))


def _too_new(number: int) -> str:
    return (
        f"the database has migration {number}, which this version does not know: "
        "it was used by a newer Safelight. Install that version, or restore a backup"
    )


def _refuse_edited(migration: Migration, applied: str) -> None:
    if migration.sha256 != applied:
        raise SettingsError(
            f"migration {migration.name} differs from the one that was applied to this database: "
            "install the released version again"
        )
