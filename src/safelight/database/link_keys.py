"""Statements about the keys that sign links and sessions."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Final

from safelight.core.keys import ALPHABET
from safelight.core.linking import KEY_BYTES, SigningKey
from safelight.database.connection import Database

_ID_LENGTH: Final = 8


async def believed(database: Database) -> Sequence[SigningKey]:
    """Those that are believed, the one that signs first; made if there is none."""
    rows = await database.fetch("link_keys")
    if not rows:
        await database.fetch("first_link_key", *_new())
        rows = await database.fetch("link_keys")
    return [SigningKey(row["id"], bytes(row["secret"])) for row in rows]


async def rotate(database: Database) -> str:
    """Make a new one and believe the others no more; its id."""
    id, secret = _new()
    await database.fetch("rotate_link_keys", id, secret)
    return id


def _new() -> tuple[str, bytes]:
    id = "".join(secrets.choice(ALPHABET) for _ in range(_ID_LENGTH))
    return id, secrets.token_bytes(KEY_BYTES)
