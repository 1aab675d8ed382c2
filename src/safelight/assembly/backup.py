"""Backup and restore: the database, and if asked the store, as one file and back."""

from __future__ import annotations

import zlib
from array import array
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Final, TypeAlias

import msgspec

from safelight import __version__
from safelight.assembly import archive
from safelight.assembly.archive import BadBackup, Writer
from safelight.assembly.parts import bare_database, opened_store
from safelight.core.naming import read_store_key
from safelight.database import dumping, restoring
from safelight.database.connection import Connection
from safelight.database.dumping import Table
from safelight.database.migrations import migrate, migrations
from safelight.database.restoring import Content, Restored, Series
from safelight.settings import Settings
from safelight.store import KeyMissing, KeyTaken, Store

_CHUNK: Final = 4 << 20  # bytes of rows in one member

# What is being done, and how much of it: told again and again.
Progress: TypeAlias = Callable[[str, int], None]
# Series -> the indices of the pictures that the store has of it.
Pictures: TypeAlias = Mapping[Series, "array[int]"]


class _Manifest(msgspec.Struct, frozen=True):
    version: str
    created_at: datetime
    migrations: dict[int, str]
    tables: list[Table]
    rows: dict[str, int]
    sequences: dict[str, int]
    batches: int
    images: int
    pictures: int | None  # in the file; None: without the store


@dataclass(frozen=True, slots=True)
class Summary:
    """What a backup holds."""

    version: str
    created_at: str
    batches: int
    images: int
    pictures: int | None  # in the file; None: the store is not in it


@dataclass(frozen=True, slots=True)
class Raised:
    """A series that goes on above what the backup knows."""

    user: str
    character: str
    holes: tuple[int, int]  # first and last index that no row has any more
    pictures: int  # that the store has of these indices


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a restore did."""

    summary: Summary
    lost_images: int  # that the database had before
    again: int  # images whose attempt was void: they are drawn again
    raised: Sequence[Raised]
    orphans: int  # pictures in the store that no row knows


async def backup(
    settings: Settings, path: Path, *, with_store: bool, progress: Progress
) -> Summary:
    """Write a backup of the running system.

    Raises:
        Unwritten: the file cannot be written.
        SettingsError, DatabaseAway, StoreError.
    """
    with archive.writing(path) as writer:
        async with bare_database(settings) as database, dumping.snapshot(database) as c:
            manifest = await _dump(c, writer, progress)
        if with_store:
            # After the database: what is in the store by then has everything the rows name.
            kept = await _add_store(opened_store(settings), writer, progress)
            manifest = msgspec.structs.replace(manifest, pictures=kept)
        writer.finish(msgspec.to_builtins(manifest))
    return _summary(manifest)


async def restore(settings: Settings, path: Path, *, force: bool, progress: Progress) -> Outcome:
    """Verify a backup, then put it in the place of what is there.

    Raises:
        BadBackup: the file is not whole, or of a newer version.
        NotEmpty: the database has images, and `force` was not said.
        SettingsError, DatabaseAway, StoreError.
    """
    progress("verifying", 0)
    manifest = await _read(path)
    content = _content(manifest)
    store = opened_store(settings)
    async with bare_database(settings) as database:
        await migrate(database)
        if manifest.pictures is not None:
            await restoring.refuse_full(database, force=force)
            await _bring_back(store, path, progress)
        pictures = await _pictures(store, progress)
        progress("restoring", 0)
        try:
            done = await restoring.restore(
                database, content, _rows(path, progress), _highest(pictures), force=force
            )
        except restoring.Unfit as unfit:
            raise BadBackup(str(unfit)) from None
    raised = _raised(done, pictures)
    orphans = sum(one.pictures for one in raised)
    return Outcome(_summary(manifest), done.lost_images, done.void_attempts, raised, orphans)


async def _dump(c: Connection, writer: Writer, progress: Progress) -> _Manifest:
    began = datetime.now(UTC)
    tables = await dumping.tables(c)
    rows = {}
    for table in tables:
        chunks = _Chunks(writer, table.name, progress)
        rows[table.name] = await dumping.copy_out(c, table, chunks.take)
        chunks.end()
    return _Manifest(
        version=__version__,
        created_at=began,
        migrations=await dumping.applied(c),
        tables=tables,
        rows=rows,
        sequences=await dumping.sequences(c, tables),
        batches=rows.get("batches", 0),
        images=rows.get("images", 0),
        pictures=None,
    )


class _Chunks:
    """The rows of one table as members of a few MiB."""

    def __init__(self, writer: Writer, table: str, progress: Progress) -> None:
        self._writer = writer
        self._table = table
        self._progress = progress
        self._held = bytearray()
        self._count = 0

    async def take(self, piece: bytes) -> None:
        self._held += piece
        if len(self._held) >= _CHUNK:
            self._put()

    def end(self) -> None:
        # Also an empty one: whoever restores it meets every table.
        if self._held or not self._count:
            self._put()

    def _put(self) -> None:
        name = f"tables/{self._table}/{self._count:05d}.gz"
        self._writer.add(name, zlib.compress(self._held, 1))
        self._count += 1
        self._held.clear()
        self._progress(f"table {self._table}", self._count)


async def _add_store(store: Store, writer: Writer, progress: Progress) -> int:
    count = 0
    async for key, _ in store.list():
        if read_store_key(key) is None:
            continue
        try:
            data = await store.get(key)
        except KeyMissing:
            continue  # swept between the list and now
        writer.add(f"store/{key}", data)
        count += 1
        progress("pictures", count)
    return count


async def _read(path: Path) -> _Manifest:
    told = await archive.verify(path)
    try:
        manifest = msgspec.convert(told, _Manifest, strict=False)
    except msgspec.ValidationError as error:
        raise BadBackup(f"its manifest is not as ours are: {error}") from None
    known = {one.number: one.sha256 for one in migrations()}
    newer = manifest.migrations.keys() - known.keys()
    if newer:
        raise BadBackup(
            f"it was made by Safelight {manifest.version}, whose schema has migration "
            f"{max(newer)}: install that version"
        )
    if any(known[number] != sha256 for number, sha256 in manifest.migrations.items()):
        raise BadBackup("it was made by a version whose schema is not one of ours")
    return manifest


def _content(manifest: _Manifest) -> Content:
    return Content(manifest.migrations, manifest.tables, manifest.sequences)


def _summary(manifest: _Manifest) -> Summary:
    created = manifest.created_at.isoformat(timespec="seconds")
    return Summary(manifest.version, created, manifest.batches, manifest.images, manifest.pictures)


async def _bring_back(store: Store, path: Path, progress: Progress) -> None:
    count = 0
    for name, file in archive.pieces(path):
        folder, _, key = name.partition("/")
        if folder != "store":
            continue
        if read_store_key(key) is None:
            raise BadBackup(f"{key[:80]!r} is no picture of ours")
        try:
            await store.put(key, file.read(), same_ok=True)
        except KeyTaken:
            pass  # what is there was never overwritten, and is not now
        count += 1
        progress("pictures", count)


async def _pictures(store: Store, progress: Progress) -> Pictures:
    found: dict[Series, array[int]] = defaultdict(lambda: array("q"))
    count = 0
    async for key, _ in store.list():
        if named := read_store_key(key):
            user, character, index = named
            found[user, character].append(index)
            count += 1
            progress("looking at the store", count)
    return found


def _highest(pictures: Pictures) -> dict[Series, int]:
    return {series: max(indices) for series, indices in pictures.items()}


async def _rows(path: Path, progress: Progress) -> AsyncIterator[tuple[str, AsyncIterator[bytes]]]:
    """Tables in the order of the file, each with its rows."""
    members = _Members(archive.pieces(path))
    while table := members.table():
        progress(f"table {table}", 0)
        yield table, members.rows_of(table)


class _Members:
    """The members of a backup, with one look ahead."""

    def __init__(self, members: Iterator[tuple[str, IO[bytes]]]) -> None:
        self._members = members
        self._ahead = next(members, None)

    def table(self) -> str | None:
        """The table whose rows come next."""
        parts = self._ahead[0].split("/") if self._ahead else []
        return parts[1] if len(parts) == 3 and parts[0] == "tables" else None

    async def rows_of(self, table: str) -> AsyncIterator[bytes]:
        """Its rows, to the last."""
        while self._ahead and self.table() == table:
            for piece in archive.unpacked(self._ahead[1]):
                yield piece
            self._ahead = next(self._members, None)


def _raised(done: Restored, pictures: Pictures) -> list[Raised]:
    found = []
    for (user, character), now in sorted(done.after.items()):
        before = done.before.get((user, character), 0)
        if now > before:
            kept = pictures.get((user, character), array("q"))
            unknown = sum(index > before for index in kept)
            found.append(Raised(user, character, (before + 1, now), unknown))
    return found
