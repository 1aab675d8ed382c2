"""Deleting a stored image: its row says so first, then its file goes, then its copies.

The index stays taken, the batch stays as it is. A file that is still there when somebody was killed
is removed by the sweeper; a copy at a publisher by an errand, tried again until it is gone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import structlog

from safelight.core.errors import DatabaseAway, StoreTrouble, Unknown
from safelight.core.states import STORED
from safelight.core.wishes import check_delete
from safelight.database import images, removals
from safelight.database.bell import Bell
from safelight.database.connection import Database
from safelight.store import Store

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Remover:
    """Deletes images."""

    database: Database
    bell: Bell
    store: Store
    forget: Callable[[str], None] = lambda sha256: None  # what is remembered of a picture's bytes

    async def delete(self, id: str, *, publications: bool) -> None:
        """Delete a stored image, with its copies if asked; twice is as good as once.

        One that has failed or was canceled has nothing to delete and stays as it is.

        Raises:
            Unknown: there is no such image.
            Conflict: it is not finished (`not-finished`).
            DatabaseAway: nothing has happened.
        """
        async with self.database.transaction() as c:
            members = await images.lock_members(c, image=id)
            if not members:
                raise Unknown("there is no image with this id")
            check_delete(members[0].status)
            if members[0].status != STORED:
                return
            errand = await removals.delete(c, id, publications=publications)
        self.bell.ring(members[0].batch, ended=False, errand=errand)
        await self._remove_now(id)

    async def remove_files(self) -> None:
        """Remove the files of all deleted images. Raises `DatabaseAway`."""
        while left := await removals.files(self.database):
            if not await self._remove(left):
                return

    async def _remove_now(self, id: str) -> None:
        """At once, as far as that can be done; the sweeper does the rest."""
        try:
            found = await images.image(self.database, id)
            if found and found.file:
                self.forget(found.file.sha256)
                await self._remove({id: found.file.key})
        except DatabaseAway as away:
            log.info("file not removed yet, the sweeper will", image_id=id, reason=str(away))

    async def _remove(self, files: dict[str, str]) -> bool:
        """Whether the store took it."""
        gone: list[str] = []
        try:
            for id, key in files.items():
                await self.store.delete(key)
                gone.append(id)
        except StoreTrouble as trouble:
            log.warning("files of deleted images stay for now", reason=str(trouble))
        await removals.files_gone(self.database, gone)
        return len(gone) == len(files)
