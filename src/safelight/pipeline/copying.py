"""The bytes of a stored picture as they leave: without its texts, and known before they do."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from tempfile import SpooledTemporaryFile
from typing import Final

from safelight.core.records import StoredFile
from safelight.core.stripping import NoPng, Stripper
from safelight.store import CHUNK, Store

_IN_MEMORY: Final = 1024 * 1024  # bytes; what is larger lies in a file while it is copied


class Damaged(Exception):
    """What lies in the store is not what was stored."""


class SpooledCopy:
    """See `publishers.base.Copy`. Its bytes lie in memory or, where there are many, in a file that
    has no name and is gone with it."""

    def __init__(self) -> None:
        self.size = 0
        self._file = SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 - closed by `copied`
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._sha256 = hashlib.sha256()

    @property
    def md5(self) -> str:
        """Hex."""
        return self._md5.hexdigest()

    @property
    def sha256(self) -> str:
        """Hex."""
        return self._sha256.hexdigest()

    def write(self, piece: bytes) -> None:
        """More of it."""
        self.size += len(piece)
        self._md5.update(piece)
        self._sha256.update(piece)
        self._file.write(piece)

    async def pieces(self) -> AsyncIterator[bytes]:
        """From the beginning; one reader at a time."""
        self._file.seek(0)
        while piece := self._file.read(CHUNK):
            yield piece

    def close(self) -> None:
        """Forget the bytes."""
        self._file.close()


@asynccontextmanager
async def copied(store: Store, file: StoredFile, *, whole: bool) -> AsyncIterator[SpooledCopy]:
    """A copy of a stored picture; with `whole` with all it says about itself.

    Raises:
        Damaged: the store holds something else.
        StoreError: it cannot be read.
        OSError: no room for the copy on this machine.
    """
    copy = SpooledCopy()
    try:
        await _fill(copy, store, file, None if whole else Stripper())
        yield copy
    finally:
        copy.close()


async def _fill(copy: SpooledCopy, store: Store, file: StoredFile, strip: Stripper | None) -> None:
    read = hashlib.sha256()
    try:
        async for piece in store.stream(file.key):
            read.update(piece)
            copy.write(strip.feed(piece) if strip else piece)
        if strip:
            strip.close()
    except NoPng as error:
        raise Damaged(f"the picture in the store is damaged: {error}") from None
    if read.hexdigest() != file.sha256:
        raise Damaged("the picture in the store is not the one that was stored")
