"""Objects under keys, in any store that obstore knows."""

from __future__ import annotations

import errno
import re
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError
from obstore.store import ObjectStore

from safelight.core.errors import StoreTrouble

CHUNK = 256 * 1024
"""The most bytes `stream` holds at once."""
PAGE = 500
"""The most objects `walk` gives at once."""

_SEGMENT = re.compile(r"[A-Za-z0-9._-]{1,255}")
_FULL = re.compile(r"status code: 507|QuotaExceeded|StorageFull")
_SYSTEM_ERROR = re.compile(r"\(os error (\d+)\)")
_NO_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class StoreError(StoreTrouble):
    """Something is wrong with an object or its store."""


class KeyTaken(StoreError):
    """The key holds an object already."""


class KeyMissing(StoreError):
    """The key holds no object."""


class StoreFull(StoreError):
    """The store has no space left."""


class StoreAway(StoreError):
    """The store cannot be reached, or does not let us in."""


@dataclass(frozen=True, slots=True)
class Listed:
    """An object as a list shows it."""

    key: str
    bytes: int
    modified: float  # Unix seconds, on the store's clock


class Store:
    """Objects under keys, each written once but for those that are replaced. Safe to share between
    tasks."""

    def __init__(self, objects: ObjectStore, name: str) -> None:
        self.name = name  # how the operator knows it; without credentials
        self._objects = objects
        # A folder without which "not there" means nothing: the disk is not mounted.
        self._home: Path | None = None

    async def put(self, key: str, data: bytes, *, same_ok: bool = False) -> None:
        """Create an object: whole, lasting through a power cut, or not at all.

        With `same_ok` a key that holds these same bytes is as good as created (after a crash or
        a lost answer nobody knows whether the first try came through). Raises ValueError for a
        bad key, KeyTaken, StoreFull, StoreAway.
        """
        check(key)
        with translated(self.name):
            try:
                await self._create(key, data)
            except (AlreadyExistsError, FileExistsError):
                if not (same_ok and await self._holds(key, data)):
                    raise KeyTaken(f"{key} is taken already.") from None

    async def replace(self, key: str, data: bytes) -> None:
        """Put an object over an older one: whoever reads it finds the one or the other, whole.

        For what is no original, and for the audit, which mends damaged ones with proven bytes.
        Raises ValueError for a bad key, StoreFull, StoreAway.
        """
        check(key)
        with translated(self.name):
            await self._overwrite(key, data)

    async def identity(self) -> str:
        """What two processes find alike where they use the same store. Raises StoreAway."""
        return self.name

    async def get(self, key: str) -> bytes:
        """A whole object. Raises ValueError, KeyMissing, StoreAway."""
        check(key)
        with translated(self.name, key, self._home):
            found = await obstore.get_async(self._objects, key)
            return bytes(await found.bytes_async())

    async def size(self, key: str) -> int | None:
        """An object's size in bytes, None where there is none. Raises ValueError, StoreAway."""
        check(key)
        try:
            with translated(self.name, key, self._home):
                return (await obstore.head_async(self._objects, key))["size"]
        except KeyMissing:
            return None

    async def stream(
        self, key: str, start: int = 0, end: int | None = None
    ) -> AsyncGenerator[bytes, None]:
        """The bytes from `start` up to, not including, `end`, in pieces of at most CHUNK.

        Both must lie within the object. Raises ValueError, KeyMissing, StoreAway.
        """
        check(key)
        if start < 0 or (end is not None and end < start):
            raise ValueError(f"From {start} to {end} is no range of bytes.")
        if start == end:
            return
        with translated(self.name, key, self._home):
            async for piece in self._pieces(key, start, end):
                yield piece

    async def delete(self, key: str) -> None:
        """Remove an object; one that is not there is removed. Raises ValueError, StoreAway."""
        check(key)
        with suppress(KeyMissing), translated(self.name, key, self._home):
            await obstore.delete_async(self._objects, key)

    async def list(self, prefix: str = "") -> AsyncIterator[tuple[str, int]]:
        """All keys below a folder, in no order, with their sizes. Raises ValueError, StoreAway."""
        if prefix:
            check(prefix)
        with translated(self.name):
            async for page in obstore.list(self._objects, prefix=prefix or None):
                for found in page:
                    yield found["path"], found["size"]

    async def walk(self, prefix: str = "") -> AsyncIterator[Sequence[Listed]]:
        """All objects below a folder in pages, in the order of their keys; buckets list so.

        Raises ValueError, StoreAway.
        """
        if prefix:
            check(prefix)
        with translated(self.name):
            async for page in obstore.list(self._objects, prefix=prefix or None, chunk_size=PAGE):
                yield [
                    Listed(found["path"], found["size"], found["last_modified"].timestamp())
                    for found in page
                ]

    async def tidy(self, prefix: str) -> None:
        """Let go of what is left of a folder that nothing lies in any more."""
        check(prefix)

    async def _create(self, key: str, data: bytes) -> None:
        await obstore.put_async(self._objects, key, data, mode="create", use_multipart=False)

    async def _overwrite(self, key: str, data: bytes) -> None:
        await obstore.put_async(self._objects, key, data, mode="overwrite", use_multipart=False)

    async def _holds(self, key: str, data: bytes) -> bool:
        return await self.size(key) == len(data) and await self.get(key) == data

    async def _pieces(self, key: str, start: int, end: int | None) -> AsyncIterator[bytes]:
        options: obstore.GetOptions = {}
        if end is not None or start:
            options["range"] = (start, end) if end is not None else {"offset": start}
        found = await obstore.get_async(self._objects, key, options=options)
        async for buffer in found.stream(min_chunk_size=CHUNK // 2):
            whole = memoryview(buffer)
            for at in range(0, len(whole), CHUNK):
                yield bytes(whole[at : at + CHUNK])


def check(key: str) -> None:
    """Raise ValueError for a key that is not a plain relative path."""
    segments = key.split("/")
    plain = all(_SEGMENT.fullmatch(segment) for segment in segments)
    if len(key) > 512 or not plain or "." in segments or ".." in segments:
        rule = "at most 512 of A-Z a-z 0-9 . _ - /, no part empty, . or .., or longer than 255"
        raise ValueError(f"{key[:80]!r} is no key: {rule}.")


@contextmanager
def translated(name: str, key: str | None = None, home: Path | None = None) -> Iterator[None]:
    """Let only errors of ours out. What a server said is cut: it repeats parts of the request."""
    try:
        yield
    except (BaseError, OSError) as error:
        number = _number(error)
        missing = isinstance(error, FileNotFoundError) or number == errno.ENOTDIR
        away = "NoSuchBucket" in str(error) or (home and not home.is_dir())
        if missing and key is not None and not away:
            raise KeyMissing(f"There is no {key}.") from None
        if number in _NO_SPACE or _FULL.search(str(error)):
            raise StoreFull(f"The store {name} is full. Free some space.") from None
        said = re.split(r"[\n<]", re.sub(r"\w+://\S*", "", str(error)))[0]
        advice = "Check that it is there, its address and its credentials."
        raise StoreAway(f"The store {name} cannot be used ({said}). {advice}") from None


def _number(error: BaseError | OSError) -> int | None:
    said = _SYSTEM_ERROR.search(str(error))
    return int(said[1]) if said else getattr(error, "errno", None)
