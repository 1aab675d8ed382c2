"""Statements about API keys."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from safelight.core.keys import Shown
from safelight.database.connection import Database, Row


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a key may ask for; None: as the settings say."""

    batches_per_minute: int | None = None
    images_per_day: int | None = None


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as people see it."""

    id: str
    name: str
    scopes: tuple[str, ...]
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None
    allowance: Allowance


@dataclass(frozen=True, slots=True)
class Held:
    """A key as it is believed or not."""

    sha256: str
    name: str
    scopes: tuple[str, ...]
    ended: str | None  # revoked or expired
    unnoted: bool  # its use was not noted for a minute
    allowance: Allowance


async def insert(
    database: Database,
    shown: Shown,
    name: str,
    scopes: tuple[str, ...],
    good_for: float | None,
    allowance: Allowance,
) -> ApiKey | None:
    """Keep a key for so many seconds (None: for ever); None if its id is taken."""
    row = await database.fetchrow(
        "insert_api_key",
        shown.id,
        shown.sha256,
        name,
        list(scopes),
        good_for,
        allowance.batches_per_minute,
        allowance.images_per_day,
    )
    return _key(row) if row else None


async def keys(database: Database, id: str | None = None) -> list[ApiKey]:
    """All of them, oldest first, or the one with this id."""
    return [_key(row) for row in await database.fetch("api_keys", id)]


async def held(database: Database, id: str) -> Held | None:
    """The key with this id, as it is now."""
    row = await database.fetchrow("api_key", id)
    if row is None:
        return None
    allowance = Allowance(row["batches_per_minute"], row["images_per_day"])
    return Held(
        row["sha256"],
        row["name"],
        tuple(row["scopes"]),
        row["ended"],
        row["unnoted"],
        allowance,
    )


async def exist(database: Database) -> bool:
    """Whether there is one, revoked or not."""
    row = await database.fetchrow("api_key_exists")
    assert row is not None
    return bool(row["any"])


async def note_use(database: Database, id: str) -> None:
    """That it was used now."""
    await database.fetch("note_api_key", id)


async def revoke(database: Database, id: str) -> ApiKey | None:
    """Believe it no more; None if there is none."""
    row = await database.fetchrow("revoke_api_key", id)
    return _key(row) if row else None


def _key(row: Row) -> ApiKey:
    return ApiKey(
        id=row["id"],
        name=row["name"],
        scopes=tuple(row["scopes"]),
        created_at=row["created_at"],
        expires_at=row["expires_at"],
        revoked_at=row["revoked_at"],
        last_used_at=row["last_used_at"],
        allowance=Allowance(row["batches_per_minute"], row["images_per_day"]),
    )
