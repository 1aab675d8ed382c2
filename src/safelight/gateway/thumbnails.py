"""Thumbnails, made when somebody asks, kept in memory as long as there is room."""

from __future__ import annotations

from collections import OrderedDict
from functools import partial
from typing import Final

from safelight.core.errors import StoreTrouble
from safelight.core.records import StoredFile
from safelight.gateway.making import Making
from safelight.pictures import BadPicture, thumbnail
from safelight.store import Store

_ROOM: Final = 16 * 1024 * 1024  # bytes


class Thumbnails:
    """A cache by picture and width."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._made: OrderedDict[tuple[str, int], bytes] = OrderedDict()
        self._held = 0
        self._making = Making()

    async def of(self, file: StoredFile, width: int) -> bytes:
        """A WebP at most `width` pixels wide. Raises `StoreError`, ValueError for the width."""
        key = (file.sha256, width)
        if key in self._made:
            self._made.move_to_end(key)
            return self._made[key]
        read = partial(self._store.get, file.key)
        try:
            made = await self._making.of(read, partial(thumbnail, width=width))
        except BadPicture as bad:
            raise StoreTrouble(f"no thumbnail can be made of {file.key}: {bad}") from None
        self._keep(key, made)
        return made

    def forget(self, sha256: str) -> None:
        """Let go of all small copies of a picture."""
        for key in [key for key in self._made if key[0] == sha256]:
            self._held -= len(self._made.pop(key))

    def _keep(self, key: tuple[str, int], made: bytes) -> None:
        self._held += len(made) - len(self._made.get(key, b""))
        self._made[key] = made
        while self._held > _ROOM:
            _, dropped = self._made.popitem(last=False)
            self._held -= len(dropped)
