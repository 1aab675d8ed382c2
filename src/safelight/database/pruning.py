"""What is forgotten, in small bites."""

from __future__ import annotations

from dataclasses import dataclass

from safelight.database.connection import Database, sql

_BITE = 5_000
_QUOTAS = 2  # days; none of their windows is longer than one
_CALLS = 2  # hours; nobody asks for older ones


@dataclass(frozen=True, slots=True)
class Retention:
    """How long what has ended is remembered."""

    events: int = 30  # days
    attempts: int = 90  # days
    idempotency_keys: int = 24  # hours


async def prune(database: Database, retention: Retention) -> None:
    """Delete what is older, including the engine's log. Raises `DatabaseAway`."""
    while (gone := await database.fetchrow("prune_events", retention.events, _BITE)) and gone[0]:
        pass
    await _bite_by_bite(database, "prune_deliveries", retention.events)
    await _bite_by_bite(database, "prune_attempts", retention.attempts)
    await _bite_by_bite(database, "prune_idempotency_keys", retention.idempotency_keys)
    await _bite_by_bite(database, "prune_quotas", _QUOTAS)
    await _bite_by_bite(database, "prune_calls", _CALLS)
    await database.fetch("prune_engine")


async def _bite_by_bite(database: Database, name: str, age: int) -> None:
    while True:
        async with database.session() as c:
            done = await c.execute(sql(name), age, _BITE)
        if int(done.split()[-1]) < _BITE:
            return
