"""Where the originals are kept: a local folder, or a bucket of S3, Google or Azure.

    store = open_store(None, Path("originals"))
    await store.put("mira/opal-fever/00001-1f0c….png", data)
    data = await store.get("mira/opal-fever/00001-1f0c….png")

Every key is written once and never again. Errors, by who must act:

    StoreError
      KeyTaken       the caller: the key holds an object already
      KeyMissing     the caller: the key holds none
      StoreFull      the operator: no space left, or a quota is used up
      StoreAway      the operator, or time: not reachable, or access denied
"""

from __future__ import annotations

import asyncio
import errno
import os
import re
import secrets
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from urllib.parse import unquote, urlsplit

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError
from obstore.store import LocalStore, ObjectStore, from_url

from safelight.core.errors import StoreTrouble

CHUNK = 256 * 1024
"""The most bytes `stream` holds at once."""

_SEGMENT = re.compile(r"[A-Za-z0-9._-]{1,255}")
_SMALL = 64 * 1024
_FULL = re.compile(r"status code: 507|QuotaExceeded|StorageFull")
_SYSTEM_ERROR = re.compile(r"\(os error (\d+)\)")
_NO_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_DRAFTS = "#drafts"  # No key has a "#", and listing passes over files ending in "#" and digits.
_DRAFT_LIVES = 3600.0
_FOLDERS_KNOWN = 10_000


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


def open_store(url: str | None, folder: Path) -> Store:
    """The store a URL names: `s3://bucket/prefix`, `gs://…`, `az://…`, `file:///folder`.

    None is the local `folder`. Buckets take their credentials and endpoint from the environment
    (`AWS_…`, `GOOGLE_…`, `AZURE_…`). Raises ValueError for another URL, StoreAway where the
    folder cannot be made or the credentials are not complete.
    """
    parts = urlsplit(url or "")
    if parts.scheme in ("s3", "gs", "az") and parts.netloc:
        name = f"{parts.scheme}://{parts.hostname}{parts.path}"
        with _translated(name):
            patience = timedelta(seconds=10)
            objects = from_url(str(url), retry_config={"max_retries": 3, "retry_timeout": patience})
            return Store(objects, name)
    if parts.scheme == "file" and not parts.netloc and parts.path.startswith("/"):
        folder = Path(unquote(parts.path))
    elif url:
        raise ValueError("A store is s3://bucket/prefix, gs://…, az://…, or file:///folder.")
    return _FolderStore(folder.absolute())


class Store:
    """Objects under keys, each written once. Safe to share between tasks."""

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
        _check(key)
        with _translated(self.name):
            try:
                await self._create(key, data)
            except (AlreadyExistsError, FileExistsError):
                if not (same_ok and await self._holds(key, data)):
                    raise KeyTaken(f"{key} is taken already.") from None

    async def get(self, key: str) -> bytes:
        """A whole object. Raises ValueError, KeyMissing, StoreAway."""
        _check(key)
        with _translated(self.name, key, self._home):
            found = await obstore.get_async(self._objects, key)
            return bytes(await found.bytes_async())

    async def size(self, key: str) -> int | None:
        """An object's size in bytes, None where there is none. Raises ValueError, StoreAway."""
        _check(key)
        try:
            with _translated(self.name, key, self._home):
                return (await obstore.head_async(self._objects, key))["size"]
        except KeyMissing:
            return None

    async def stream(
        self, key: str, start: int = 0, end: int | None = None
    ) -> AsyncIterator[bytes]:
        """The bytes from `start` up to, not including, `end`, in pieces of at most CHUNK.

        Both must lie within the object. Raises ValueError, KeyMissing, StoreAway.
        """
        _check(key)
        if start < 0 or (end is not None and end < start):
            raise ValueError(f"From {start} to {end} is no range of bytes.")
        if start == end:
            return
        with _translated(self.name, key, self._home):
            async for piece in self._pieces(key, start, end):
                yield piece

    async def delete(self, key: str) -> None:
        """Remove an object; one that is not there is removed. Raises ValueError, StoreAway."""
        _check(key)
        with suppress(KeyMissing), _translated(self.name, key, self._home):
            await obstore.delete_async(self._objects, key)

    async def list(self, prefix: str = "") -> AsyncIterator[tuple[str, int]]:
        """All keys below a folder, in no order, with their sizes. Raises ValueError, StoreAway."""
        if prefix:
            _check(prefix)
        with _translated(self.name):
            async for page in obstore.list(self._objects, prefix=prefix or None):
                for found in page:
                    yield found["path"], found["size"]

    async def _create(self, key: str, data: bytes) -> None:
        await obstore.put_async(self._objects, key, data, mode="create", use_multipart=False)

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


class _FolderStore(Store):
    """A local folder. What obstore does not do here: sync, and read in large pieces."""

    def __init__(self, folder: Path) -> None:
        with _translated(str(folder)):
            _make(folder)
            drafts = folder / _DRAFTS
            drafts.mkdir(exist_ok=True)
            _sweep(drafts)
            super().__init__(LocalStore(folder), str(folder))
        self._folder = folder
        self._home = self._drafts = drafts
        self._lasting: set[Path] = set()

    async def _create(self, key: str, data: bytes) -> None:
        await asyncio.to_thread(self._write, self._folder / key, data)

    async def list(self, prefix: str = "") -> AsyncIterator[tuple[str, int]]:
        with _translated(self.name):
            await asyncio.to_thread(self._drafts.stat)
        async for found in super().list(prefix):
            yield found

    async def _pieces(self, key: str, start: int, end: int | None) -> AsyncIterator[bytes]:
        # Each piece opens the file anew: it never changes, and nothing is left open.
        while end is None or start < end:
            want = CHUNK if end is None else min(CHUNK, end - start)
            path = self._folder / key
            piece = _read_cached(path, start, want)
            if piece is None:
                piece = await asyncio.to_thread(_read, path, start, want)
            if not piece:
                break
            start += len(piece)
            yield piece

    def _write(self, target: Path, data: bytes) -> None:
        draft = self._drafts / f"draft#{secrets.randbits(63)}"
        self._prepare(target.parent)
        try:
            with draft.open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            # A link is refused where the name exists; a rename would replace what is there.
            os.link(draft, target)
        finally:
            draft.unlink(missing_ok=True)
            # Also where it exists: its writer may have been killed before this.
            _sync(target.parent)

    def _prepare(self, folder: Path) -> None:
        """Make a folder; its name and those above must last, whoever made them."""
        if folder in self._lasting and folder.exists():
            return
        made = self._folder
        for part in folder.relative_to(self._folder).parts:
            with suppress(FileExistsError):
                (made / part).mkdir()
            _sync(made)
            made /= part
        if len(self._lasting) >= _FOLDERS_KNOWN:
            self._lasting.clear()
        self._lasting.add(folder)


def _check(key: str) -> None:
    """Raise ValueError for a key that is not a plain relative path."""
    segments = key.split("/")
    plain = all(_SEGMENT.fullmatch(segment) for segment in segments)
    if len(key) > 512 or not plain or "." in segments or ".." in segments:
        rule = "at most 512 of A-Z a-z 0-9 . _ - /, no part empty, . or .., or longer than 255"
        raise ValueError(f"{key[:80]!r} is no key: {rule}.")


def _read_cached(path: Path, start: int, size: int) -> bytes | None:
    """What lies in memory anyway needs no thread; None where the disk would have to be asked."""
    if size > _SMALL or not hasattr(os, "RWF_NOWAIT"):
        return None
    piece = bytearray(size)
    with path.open("rb", buffering=0) as file, suppress(OSError):
        if os.preadv(file.fileno(), [piece], start, os.RWF_NOWAIT) == size:
            return bytes(piece)
    return None


def _read(path: Path, start: int, size: int) -> bytes:
    with path.open("rb", buffering=0) as file:
        file.seek(start)
        return file.read(size)


@contextmanager
def _translated(name: str, key: str | None = None, home: Path | None = None) -> Iterator[None]:
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


def _make(folder: Path) -> None:
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for path in missing:
        with suppress(PermissionError):
            _sync(path.parent)


def _sync(folder: Path) -> None:
    """Make the names in a folder last through a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sweep(drafts: Path) -> None:
    """Remove what killed writers left behind."""
    for draft in drafts.iterdir():
        with suppress(FileNotFoundError):
            if draft.stat().st_mtime < time.time() - _DRAFT_LIVES:
                draft.unlink()
