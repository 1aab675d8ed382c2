"""Statements about what was used up of quotas (`core.quotas`)."""

from __future__ import annotations

from collections.abc import Sequence

from safelight.core.quotas import Quota, Rates
from safelight.database.connection import Connection, sql


async def count(c: Connection, key: str, user: str, images: int, rates: Rates) -> Sequence[Quota]:
    """Count one order of so many images by this key, for this user; until commit nobody else counts
    for either. Nothing where nothing is limited; what the key has of its own wins."""
    rows = await c.fetch(
        sql("count_quotas"),
        key,
        user,
        images,
        rates.batches_per_minute,
        rates.images_per_day,
        rates.images_per_user_per_day,
    )
    return [Quota(**dict(row)) for row in rows]
