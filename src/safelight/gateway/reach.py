"""Whether what is asked for is there for whoever asks: a stranger's batch is as good as none."""

from __future__ import annotations

from dataclasses import dataclass

from safelight.core.errors import Unknown
from safelight.core.rights import Rights
from safelight.database import owners
from safelight.database.connection import Database


@dataclass(frozen=True, slots=True)
class Reach:
    """What somebody reaches. All methods raise `DatabaseAway` when PostgreSQL does not answer."""

    database: Database
    rights: Rights

    async def batch(self, id: str) -> None:
        """Raises `Unknown` if somebody else's or none."""
        await self._check("batch", id, of_batch=True)

    async def image(self, id: str) -> None:
        """Raises `Unknown` if somebody else's or none."""
        await self._check("image", id, of_batch=False)

    async def _check(self, kind: str, id: str, *, of_batch: bool) -> None:
        if self.rights.everything:
            return
        owner = await owners.of(self.database, id, batch=of_batch)
        if owner is None or not self.rights.reaches(*owner):
            raise Unknown(f"there is no {kind} {id}")
