"""Statements about what was used up of quotas (`core.quotas`)."""

from __future__ import annotations

from collections.abc import Sequence

from safelight.core.quotas import Quota, Rates
from safelight.database.connection import Connection, sql


async def count(c: Connection, key: str, user: str, images: int, rates: Rates) -> Sequence[Quota]:
    """Count one order of so many images by this key, for this user; until commit nobody else counts
    for either. Nothing where nothing is limited; what the key has of its own wins."""
    return await _stand("count_quotas", c, key, user, images, rates)


async def peek(c: Connection, key: str, user: str, images: int, rates: Rates) -> Sequence[Quota]:
    """How they would stand with this order, as far as is known without waiting for others."""
    return await _stand("peek_quotas", c, key, user, images, rates)


async def _stand(
    name: str, c: Connection, key: str, user: str, images: int, rates: Rates
) -> Sequence[Quota]:
    limits = rates.batches_per_minute, rates.images_per_day, rates.images_per_user_per_day
    return [Quota(**dict(row)) for row in await c.fetch(sql(name), key, user, images, *limits)]
