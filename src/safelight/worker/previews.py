"""Previews: how images look while our backends draw them, for whoever watches, wherever that is.

Backends send far more of them than anybody sees. Of an image one a second is made small and kept,
and only while somebody listens to its batch (`pipeline.watching`): the rest is not even decoded.
What a backend sends is anybody's bytes: what is not a small whole picture is dropped.
"""

from __future__ import annotations

import asyncio
from typing import Final

import msgspec
import structlog

from safelight.core.errors import DatabaseAway
from safelight.database import previews
from safelight.database.bell import Bell
from safelight.database.connection import Database
from safelight.database.images import Work
from safelight.pictures import BadPicture, thumbnail
from safelight.worker.lanes import Lanes

log = structlog.get_logger()

LOOK_EVERY: Final = 1.0  # s between two looks who watches
MADE_EVERY: Final = 1.0  # s between two previews of one image
FORGET_EVERY: Final = 10.0  # s
MOST_PIXELS: Final = 2_048 * 2_048  # of what a backend sends
_MOST_SCANS: Final = 100  # a decoder goes over the whole picture for each
# Side in pixels and quality, until it is small enough.
_SIZES: Final = ((320, 75), (320, 40), (224, 30), (128, 20))


class Previews:
    """One per worker. What it makes it makes one after the other, in a thread."""

    def __init__(self, database: Database, bell: Bell, lanes: Lanes) -> None:
        self._database = database
        self._bell = bell
        self._lanes = lanes
        self._watched: set[str] = set()  # batches
        self._made: dict[str, float] = {}  # prompt → when its latest was begun, loop time
        self._frames: dict[str, tuple[Work, bytes]] = {}  # prompt → what is to be made
        self._offered = asyncio.Event()

    def offer(self, work: Work, frame: bytes) -> None:
        """What a backend has sent of an open attempt; mostly nobody wants it."""
        now = asyncio.get_running_loop().time()
        last = self._made.get(work.prompt_id, float("-inf"))
        if work.batch in self._watched and now - last >= MADE_EVERY:
            self._frames[work.prompt_id] = work, frame
            self._offered.set()

    async def make(self) -> None:
        """For ever: make what was offered."""
        while True:
            await self._offered.wait()
            self._offered.clear()
            while self._frames:
                prompt_id = next(iter(self._frames))
                work, frame = self._frames.pop(prompt_id)
                self._made[prompt_id] = asyncio.get_running_loop().time()
                await self._make(work, frame)

    async def _make(self, work: Work, frame: bytes) -> None:
        try:
            picture = await asyncio.to_thread(small, frame)
            number = await previews.put(self._database, work.image, work.prompt_id, picture)
        except BadPicture as bad:
            log.debug("preview dropped", image_id=work.image, reason=bad.detail)
            return
        except DatabaseAway as away:
            log.debug("preview not kept", image_id=work.image, reason=str(away))
            return
        if number is None or work.prompt_id not in self._open():
            return
        if (known := self._bell.latest(work.image)) is not None:
            self._bell.tell(msgspec.structs.replace(known, preview=number))

    async def look(self) -> None:
        """For ever: look who watches, and forget what has ended."""
        clock = asyncio.get_running_loop().time
        forgot = float("-inf")
        while True:
            drawn = self._open()
            had = bool(self._made)
            for kept in (self._made, self._frames):
                for gone in kept.keys() - drawn.keys():
                    kept.pop(gone, None)
            try:
                self._watched = await self._who_watches({work.batch for work in drawn.values()})
                if had or clock() - forgot >= FORGET_EVERY:
                    await previews.forget(self._database)
                    forgot = clock()
            except DatabaseAway as away:
                log.debug("nobody says who watches", reason=str(away))
            await asyncio.sleep(LOOK_EVERY)

    async def _who_watches(self, batches: set[str]) -> set[str]:
        return await previews.watched(self._database, sorted(batches)) if batches else set()

    def _open(self) -> dict[str, Work]:
        return {work.prompt_id: work for lane in self._lanes for work in lane.open.values()}


def small(frame: bytes) -> bytes:
    """A WebP of at most 320 x 320 pixels and `previews.MOST_BYTES`. Raises BadPicture."""
    if frame.count(b"\xff\xda") > _MOST_SCANS:
        raise BadPicture("damaged", f"It has over {_MOST_SCANS} scans.")
    for side, quality in _SIZES:
        made = thumbnail(frame, side, side, quality, MOST_PIXELS)
        if len(made) <= previews.MOST_BYTES:
            return made
    raise BadPicture("too-many-bytes", "It does not become small enough.")
