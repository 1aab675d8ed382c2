"""Pictures of a series as one ZIP, made while it is read.

What is in it is settled before its first byte, and so is its length. Nothing of it is kept but a
few numbers a picture: names, lengths and places follow from them, and where the files lie is asked
for as they come up. What cannot be gone on with raises, and then its length was never reached.
"""

from __future__ import annotations

from array import array
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from zlib import crc32

from safelight.core import zipping
from safelight.core.errors import NotStored, StoreTrouble
from safelight.core.numbering import INDEX_LIMIT
from safelight.core.selecting import check_files
from safelight.core.zipping import Entry, Measure
from safelight.database import series
from safelight.database.connection import Database
from safelight.database.series import Held
from safelight.gateway.browsing import Browsing
from safelight.store import CHUNK, Store

_ROWS: Final = 2_000  # asked for at once while the contents are settled
_KEYS: Final = 100  # asked for at once while it is read


@dataclass(frozen=True, slots=True)
class Packing:
    """Packs what somebody reaches."""

    database: Database
    store: Store
    browsing: Browsing

    async def pack(
        self, user: str, character: str, indices: Sequence[int] | None, name: Callable[[int], str]
    ) -> Parcel:
        """The pictures with these indices, or all there are; `name` says how one is called.

        Raises:
            Unknown: a stranger's series, or there is no image with one of the indices.
            Gone: one of them was deleted.
            NotStored: one of them is not stored; or nothing of the series is.
            DatabaseAway: nothing has begun.
        """
        self.browsing.check(user, character)
        parcel = Parcel(self.database, self.store, user, character, name)
        if indices is None:
            await self._take_all(parcel, user, character)
        else:
            known, held = await series.numbered_files(self.database, user, character, indices)
            check_files(indices, known)
            parcel.take(held)
        return parcel

    async def _take_all(self, parcel: Parcel, user: str, character: str) -> None:
        below = INDEX_LIMIT
        while rows := await series.stored_files(self.database, user, character, below, _ROWS):
            parcel.take(rows)
            below = rows[-1].index
        if parcel.empty:
            refusal = NotStored(
                f"{user} has no picture of {character} that is stored and was not deleted; order "
                "some, or come back when they are drawn"
            )
            refusal.retry_after = None  # there may be nothing to wait for
            raise refusal


class Parcel:
    """A ZIP of so many bytes. An entry's data is its index, its size, when it was stored and, once
    it was read, its CRC-32: 28 bytes."""

    def __init__(
        self,
        database: Database,
        store: Store,
        user: str,
        character: str,
        name: Callable[[int], str],
    ) -> None:
        self._database = database
        self._store = store
        self._series = (user, character)
        self._name = name
        self._indices = array("q")
        self._sizes = array("q")
        self._moments = array("q")
        self._crcs = array("I")
        self._measure = Measure()

    def take(self, files: Iterable[Held]) -> None:
        """These are in it, too."""
        for file in files:
            self._indices.append(file.index)
            self._sizes.append(file.bytes)
            self._moments.append(file.stored_at)
            self._measure.add(self._entry(len(self._indices) - 1))

    @property
    def empty(self) -> bool:
        """Whether nothing is in it."""
        return not self._indices

    @property
    def length(self) -> int:
        """Bytes."""
        return self._measure.length

    async def pieces(self) -> AsyncGenerator[bytes, None]:
        """All of it, once, in pieces of some 256 kB. Raises `StoreTrouble`, `DatabaseAway`."""
        gathered = bytearray()
        async with aclosing(self._parts()) as parts:
            async for part in parts:
                gathered += part
                if len(gathered) >= CHUNK:
                    yield bytes(gathered)
                    gathered.clear()
        yield bytes(gathered)

    async def _parts(self) -> AsyncGenerator[bytes, None]:
        for begin in range(0, len(self._indices), _KEYS):
            places = range(begin, min(begin + _KEYS, len(self._indices)))
            indices = [self._indices[place] for place in places]
            keys = await series.file_keys(self._database, *self._series, indices)
            for place in places:
                file = self._file(self._entry(place), keys.get(self._indices[place]))
                async with aclosing(file) as parts:
                    async for part in parts:
                        yield part
        for part in self._directory():
            yield part

    async def _file(self, entry: Entry, key: str | None) -> AsyncGenerator[bytes, None]:
        if key is None:
            raise StoreTrouble(f"{entry.name} was deleted while it was packed")
        yield zipping.local_header(entry)
        crc, left = 0, entry.size
        async with aclosing(self._store.stream(key, 0, entry.size)) as pieces:
            async for piece in pieces:
                crc, left = crc32(piece, crc), left - len(piece)
                yield piece
        if left:
            raise StoreTrouble(f"{left} bytes of {key} are missing")
        self._crcs.append(crc)
        yield zipping.descriptor(entry, crc)

    def _directory(self) -> Iterable[bytes]:
        measure = Measure()
        for place, crc in enumerate(self._crcs):
            entry = self._entry(place)
            yield zipping.directory_header(entry, crc, measure.add(entry))
        yield measure.ending()

    def _entry(self, place: int) -> Entry:
        moment = datetime.fromtimestamp(self._moments[place], UTC)
        return Entry(self._name(self._indices[place]), self._sizes[place], moment)
