"""Numbered migrations, applied at start under a lock; never edited, only followed by the next."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib import metadata, resources

from pgqueuer.db import AsyncpgDriver
from pgqueuer.queries import Queries

from safelight.core.errors import SettingsError
from safelight.database.connection import Connection, Database, translating

_LOCK = 0x5AFE_11F7  # any number, the same in every process
_LEDGER = """
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
    connection = await database.connect("safelight-migrate")
    try:
        with translating():
            await connection.execute("set statement_timeout = 0; set lock_timeout = 0")
            await connection.execute("select pg_advisory_lock($1)", _LOCK)
            await _refuse_old_server(connection)
            await _install_engine(connection)
            return await _apply(connection)
    finally:
        await connection.close()


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


async def _apply(connection: Connection) -> list[str]:
    await connection.execute(_LEDGER)
    rows = await connection.fetch("select number, name, sha256 from safelight_migrations")
    applied = {row["number"]: row for row in rows}
    known = migrations()
    _refuse_newer(applied.keys() - {migration.number for migration in known})
    done = []
    for migration in known:
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


def _refuse_newer(unknown: set[int]) -> None:
    if unknown:
        raise SettingsError(
            f"the database has migration {max(unknown)}, which this version does not know: "
            "it was used by a newer Safelight. Install that version, or restore a backup."
        )


def _refuse_edited(migration: Migration, applied: str) -> None:
    if migration.sha256 != applied:
        raise SettingsError(
            f"migration {migration.name} differs from the one that was applied to this database: "
            "install the released version again"
        )
