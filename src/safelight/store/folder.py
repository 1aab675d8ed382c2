"""A local folder as a store. What obstore does not do there: sync, and read in large pieces."""

from __future__ import annotations

import asyncio
import os
import secrets
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path

from obstore.store import LocalStore

from safelight.store.objects import CHUNK, PAGE, Listed, Store, check, translated

_DRAFTS = "#drafts"  # No key has a "#", and listing passes over files ending in "#" and digits.
_TOKEN = "#store#1"  # not listed either
_DRAFT_LIVES = 3600.0  # s
_FOLDERS_KNOWN = 10_000
_SMALL = 256 * 1024  # bytes


class FolderStore(Store):
    """A local folder. What obstore does not do here: sync, and read in large pieces."""

    def __init__(self, folder: Path) -> None:
        with translated(str(folder)):
            _make(folder)
            drafts = folder / _DRAFTS
            drafts.mkdir(exist_ok=True)
            _sweep(drafts)
            super().__init__(LocalStore(folder), str(folder))
        self._folder = folder
        self._home = self._drafts = drafts
        self._lasting: set[Path] = set()

    async def _create(self, key: str, data: bytes) -> None:
        # A link is refused where the name exists; a rename would replace what is there.
        await asyncio.to_thread(self._write, self._folder / key, data, os.link)

    async def _overwrite(self, key: str, data: bytes) -> None:
        await asyncio.to_thread(self._write, self._folder / key, data, os.replace)

    async def identity(self) -> str:
        """A token that lies in the folder, so that a shared one is the same on every machine."""
        with translated(self.name):
            return await asyncio.to_thread(self._token)

    def _token(self) -> str:
        path = self._folder / _TOKEN
        if not path.exists():
            with suppress(FileExistsError):
                self._write(path, secrets.token_hex(16).encode(), os.link)
        return path.read_text("ascii", errors="replace")[:64].strip()

    async def list(self, prefix: str = "") -> AsyncIterator[tuple[str, int]]:
        with translated(self.name):
            await asyncio.to_thread(self._drafts.stat)
        async for found in super().list(prefix):
            yield found

    async def walk(self, prefix: str = "") -> AsyncIterator[Sequence[Listed]]:
        if prefix:
            check(prefix)
        with translated(self.name):
            await asyncio.to_thread(self._drafts.stat)
            walking = _walk(self._folder, f"{prefix}/" if prefix else "")
            while page := await asyncio.to_thread(list, islice(walking, PAGE)):
                yield page

    async def tidy(self, prefix: str) -> None:
        check(prefix)
        with translated(self.name):
            await asyncio.to_thread(_remove_empty, self._folder / prefix)

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

    def _write(self, target: Path, data: bytes, name: Callable[[Path, Path], None]) -> None:
        draft = self._drafts / f"draft#{secrets.randbits(63)}"
        self._prepare(target.parent)
        try:
            with draft.open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            name(draft, target)
        finally:
            draft.unlink(missing_ok=True)
            # Also where it exists: its writer may have been killed before this.
            sync_names(target.parent)

    def _prepare(self, folder: Path) -> None:
        """Make a folder; its name and those above must last, whoever made them."""
        if folder in self._lasting and folder.exists():
            return
        made = self._folder
        for part in folder.relative_to(self._folder).parts:
            with suppress(FileExistsError):
                (made / part).mkdir()
            sync_names(made)
            made /= part
        if len(self._lasting) >= _FOLDERS_KNOWN:
            self._lasting.clear()
        self._lasting.add(folder)


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


def _walk(root: Path, below: str) -> Iterator[Listed]:
    """What lies there, one folder in memory at a time. What goes meanwhile is passed over."""
    for name in _names(root / below):
        if name.endswith("/"):
            yield from _walk(root, below + name)
            continue
        with suppress(FileNotFoundError):
            found = (root / below / name).stat()
            yield Listed(below + name, found.st_size, found.st_mtime)


def _names(folder: Path) -> list[str]:
    """In the order of keys: the name of a folder counts with its slash."""
    try:
        with os.scandir(folder) as entries:
            ours = [entry for entry in entries if "#" not in entry.name]
            return sorted(entry.name + "/" * entry.is_dir() for entry in ours)
    except (FileNotFoundError, NotADirectoryError):
        return []


def _remove_empty(folder: Path) -> None:
    """Folders that hold nothing, from the bottom up."""
    for path, _, _ in os.walk(folder, topdown=False):
        with suppress(OSError):
            os.rmdir(path)


def _make(folder: Path) -> None:
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for path in missing:
        with suppress(PermissionError):
            sync_names(path.parent)


def sync_names(folder: Path) -> None:
    """Make the names in a folder last through a power cut. Raises OSError."""
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
