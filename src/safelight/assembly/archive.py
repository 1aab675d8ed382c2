"""A backup as one file: a tar of small members, whole or refused.

    tables/NAME/00000.gz   rows as text, compressed, in pieces of a few MiB
    store/KEY              a picture
    manifest-SHA256.json   last: what the others hold, and the SHA-256 of all of them

The manifest's name holds its own SHA-256, so any flipped bit and any missing end is found.
"""

from __future__ import annotations

import asyncio
import hashlib
import io
import os
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import IO, Any, Final
from uuid import uuid4

import msgspec

from safelight.store.folder import sync_names

FORMAT: Final = 1
_PIECE: Final = 1 << 20  # bytes read at once
_MANIFEST_MOST: Final = 16 << 20  # bytes


class BadBackup(Exception):
    """The file is no whole backup; the message says why."""


class Unwritten(Exception):
    """The file cannot be written; the message says why."""


class Writer:
    """Adds members, and the manifest at the end."""

    def __init__(self, file: IO[bytes]) -> None:
        self._tar = tarfile.open(fileobj=file, mode="w|")  # noqa: SIM115 - see `close`
        self._digest = hashlib.sha256()

    def add(self, name: str, data: bytes) -> None:
        """One more member."""
        _note(self._digest, name, len(data))
        self._digest.update(data)
        self._add(name, data)

    def finish(self, manifest: dict[str, Any]) -> None:
        """The last member; nothing can be added after it."""
        told = {"format": FORMAT, **manifest, "sha256": self._digest.hexdigest()}
        data = msgspec.json.format(msgspec.json.encode(told), indent=2)
        self._add(f"manifest-{hashlib.sha256(data).hexdigest()}.json", data)

    def close(self) -> None:
        """Write what is still held back; without a manifest it is no backup."""
        with _told():
            self._tar.close()

    def _add(self, name: str, data: bytes) -> None:
        member = tarfile.TarInfo(name)
        member.size = len(data)
        member.mode = 0o600
        with _told():
            self._tar.addfile(member, io.BytesIO(data))
        _forget_members(self._tar)


@contextmanager
def writing(path: Path) -> Iterator[Writer]:
    """A file that appears under its name when it is whole and on disk, and not before.

    Raises Unwritten.
    """
    part = path.with_name(f".{path.name}.{uuid4().hex}.part")
    try:
        with _told():
            descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                with closing(Writer(file)) as writer:
                    yield writer
                file.flush()
                os.fsync(descriptor)
            part.replace(path)
            sync_names(path.parent)
    finally:
        part.unlink(missing_ok=True)


async def verify(path: Path) -> dict[str, Any]:
    """Read it to the end; its manifest. Raises BadBackup."""
    digest = hashlib.sha256()
    for member, file in _members(path):
        await asyncio.sleep(0)  # Ctrl-C
        if member.name.startswith("manifest-"):
            return _manifest(member, file, digest.hexdigest())
        _note(digest, member.name, member.size)
        size = 0
        while piece := file.read(_PIECE):
            digest.update(piece)
            size += len(piece)
        if size != member.size:
            raise BadBackup("it ends in the middle")
    raise BadBackup("its end is missing")


def pieces(path: Path) -> Iterator[tuple[str, IO[bytes]]]:
    """Every member before the manifest, in order, each to be read before the next."""
    for member, file in _members(path):
        if member.name.startswith("manifest-"):
            return
        yield member.name, file


def unpacked(file: IO[bytes]) -> Iterator[bytes]:
    """What was compressed, in pieces. Raises BadBackup."""
    unpacking = zlib.decompressobj()
    try:
        while packed := file.read(_PIECE):
            while packed:
                yield unpacking.decompress(packed, _PIECE)
                packed = unpacking.unconsumed_tail
    except zlib.error as error:
        raise BadBackup(f"its rows cannot be unpacked: {error}") from None


def _members(path: Path) -> Iterator[tuple[tarfile.TarInfo, IO[bytes]]]:
    try:
        with tarfile.open(path, "r|") as tar:
            for member in tar:
                file = tar.extractfile(member) if member.isreg() else None
                if file is None:
                    raise BadBackup("it holds something that is no plain file")
                yield member, file
                _forget_members(tar)
    except (tarfile.TarError, EOFError, OSError) as error:
        raise BadBackup(f"it cannot be read ({error})") from None


def _manifest(member: tarfile.TarInfo, file: IO[bytes], digest: str) -> dict[str, Any]:
    if member.size > _MANIFEST_MOST:
        raise BadBackup("its manifest is too long")
    data = file.read()
    if member.name != f"manifest-{hashlib.sha256(data).hexdigest()}.json":
        raise BadBackup("its manifest is damaged")
    told = msgspec.json.decode(data)
    if not isinstance(told, dict) or told.get("format") != FORMAT:
        raise BadBackup("it was made by another version, which writes backups differently")
    if told.get("sha256") != digest:
        raise BadBackup("its checksum is wrong: it was changed after it was made")
    return told


@contextmanager
def _told() -> Iterator[None]:
    """What the disk says must not be taken for what the database says."""
    try:
        yield
    except OSError as error:
        raise Unwritten(error.strerror or str(error)) from error


def _note(digest: Any, name: str, size: int) -> None:
    digest.update(f"{len(name)}:{name}:{size}:".encode())


def _forget_members(tar: Any) -> None:
    """Else it remembers every one, for a look back that nobody takes."""
    tar.members.clear()
