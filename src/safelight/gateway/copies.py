"""Copies at publishers, as whoever runs them sees them and asks for them again."""

from __future__ import annotations

from collections.abc import Sequence

from safelight.core.errors import Conflict, Unknown
from safelight.database import batches, images, publications
from safelight.database.bell import Bell
from safelight.database.connection import Database
from safelight.database.publications import Standing
from safelight.gateway.views import PublisherState


class Copies:
    """All methods raise `DatabaseAway` when PostgreSQL does not answer."""

    def __init__(self, database: Database, bell: Bell, configured: Sequence[str]) -> None:
        self._database = database
        self._bell = bell
        self._configured = configured

    async def publishers(self) -> Sequence[PublisherState]:
        """Those of the settings, in their order, then others that images still name."""
        found = {one.publisher: one for one in await publications.standings(self._database)}
        named = [*self._configured, *sorted(found.keys() - set(self._configured))]
        return [self._state(name, found.get(name)) for name in named]

    async def retry_publisher(self, name: str) -> tuple[PublisherState, int]:
        """Try all its failed copies again; how it is then, and how many. Raises `Unknown`."""
        if name not in [one.name for one in await self.publishers()]:
            raise Unknown(f"there is no publisher {name[:64]!r}")
        asked = await publications.ask_again(self._database, publisher=name)
        self._bell.ring(errand=True)
        [state] = [one for one in await self.publishers() if one.name == name]
        return state, asked

    async def retry_image(self, id: str) -> None:
        """Have the failed copies of an image tried again. Raises `Unknown`, `Conflict`."""
        image = await images.image(self._database, id)
        if image is None:
            raise Unknown(f"there is no image {id}")
        await self._retry(await publications.ask_again(self._database, image=id), image.batch)

    async def retry_batch(self, id: str) -> None:
        """Have the failed copies of a batch's images tried again. Raises `Unknown`, `Conflict`."""
        if await batches.batch(self._database, id) is None:
            raise Unknown(f"there is no batch {id}")
        await self._retry(await publications.ask_again(self._database, batch=id), id)

    async def _retry(self, asked: int, batch: str) -> None:
        if not asked:
            detail = "only failed copies can be tried again, and none has failed"
            raise Conflict(detail, code="nothing-to-retry")
        self._bell.ring(batch, ended=False, errand=True)

    def _state(self, name: str, standing: Standing | None) -> PublisherState:
        return PublisherState(
            name=name,
            configured=name in self._configured,
            pending=standing.pending if standing else 0,
            uploaded=standing.uploaded if standing else 0,
            failed=standing.failed if standing else 0,
            reason=standing.reason if standing else None,
            oldest=standing.oldest if standing else None,
        )
