"""Looking through series: which there are, and which of their images are how."""

from __future__ import annotations

from dataclasses import dataclass

from safelight.core.errors import Unknown
from safelight.core.rights import Rights
from safelight.core.selecting import Filters, Matched
from safelight.database import batches, series
from safelight.database.connection import Database
from safelight.gateway.cursors import read_series_cursor, series_cursor
from safelight.gateway.views import Page, Series, page_of


@dataclass(frozen=True, slots=True)
class Browsing:
    """Every method of one series raises `Unknown` for a stranger's, and all `DatabaseAway`."""

    database: Database
    rights: Rights

    async def one(self, user: str, character: str) -> Series:
        """A series nobody ordered from has highest 0."""
        self.check(user, character)
        return Series(user, character, *await batches.series(self.database, user, character))

    async def images(
        self,
        user: str,
        character: str,
        filters: Filters,
        *,
        before: int | None = None,
        limit: int = 50,
    ) -> Page:
        """Images of a series, highest index first, below `before`."""
        self.check(user, character)
        found = await series.images(self.database, user, character, filters, before, limit + 1)
        return page_of(found, limit, lambda image: str(image.index))

    async def indices(self, user: str, character: str, filters: Filters) -> Matched:
        """Which indices of a series match, all of them."""
        self.check(user, character)
        return await series.indices(self.database, user, character, filters)

    async def all(
        self,
        *,
        user: str | None = None,
        character: str | None = None,
        limit: int = 50,
        cursor: str | None = None,
    ) -> Page:
        """Series with images, those first that were ordered from last. Raises `Invalid` for a bad
        cursor."""
        after = read_series_cursor(cursor) if cursor is not None else None
        if "\0" in f"{user}{character}":
            return Page([], None)  # PostgreSQL keeps no NUL
        asked = series.Asked(user, character, after, limit + 1)
        found = await series.listed(self.database, asked, self.rights)
        return page_of(found, limit, series_cursor)

    def check(self, user: str, character: str) -> None:
        """Whether whoever asks reaches this series."""
        if not self.rights.reaches(user, character):
            raise Unknown(f"there is no series of {character} for {user}")
