"""The layout of a ZIP whose sizes are known beforehand and whose checksums are not. Pure.

Files are stored as they are, for pictures do not get smaller. A file's CRC-32 stands behind it, in
a data descriptor, and once more in the directory at the end, so that nothing has to be read before
it is sent; flag 3 says so. All lengths follow from names and sizes. What the 16 or 32 bits of the
old fields cannot hold stands in those of ZIP64, and only then: a reader that does not know ZIP64
reads all that it can. The words are those of PKWARE's APPNOTE.TXT 6.3.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from struct import pack
from typing import Final

_MOST_ENTRIES: Final = 0xFFFF
_MOST_BYTES: Final = 0xFFFF_FFFF
_LONGEST_NAME: Final = 0xFFFF
_PLAIN, _ZIP64 = 20, 45  # the version of the format that a reader must know
_FLAGS: Final = 0x0808  # checksum and sizes follow the file; names are UTF-8
_STORED: Final = 0
_MADE_BY: Final = 3 << 8 | _ZIP64  # 3: what stands in the attributes is a Unix mode
_MODE: Final = 0o100644 << 16
_EXTRA: Final = 1  # the extra field of ZIP64
_FIRST_DAY: Final = datetime(1980, 1, 1, tzinfo=UTC)
_LAST_DAY: Final = datetime(2107, 12, 31, 23, 59, 58, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Entry:
    """A file in the archive."""

    name: str
    size: int  # bytes
    modified: datetime  # told in UTC, to two seconds, for the format knows no zones


@dataclass(slots=True)
class Measure:
    """How long an archive is, entry by entry, and where each begins."""

    entries: int = 0
    files: int = 0  # bytes of all entries; where the directory begins
    directory: int = 0  # bytes

    def add(self, entry: Entry) -> int:
        """Count an entry; where it begins."""
        begins = self.files
        self.entries += 1
        self.files += len(local_header(entry)) + entry.size + len(descriptor(entry, 0))
        self.directory += len(directory_header(entry, 0, begins))
        return begins

    def ending(self) -> bytes:
        """What stands behind the directory."""
        return _ending(self.entries, self.directory, self.files)

    @property
    def length(self) -> int:
        """Bytes of the whole archive, if this was all."""
        return self.files + self.directory + len(self.ending())


def local_header(entry: Entry) -> bytes:
    """What stands before a file."""
    name, large = _name(entry), entry.size >= _MOST_BYTES
    # The extra field says that the sizes behind the file will have 64 bits each.
    extra = pack("<HHQQ", _EXTRA, 16, 0, 0) if large else b""
    size = _MOST_BYTES if large else 0
    version = _ZIP64 if large else _PLAIN
    fixed = pack(
        "<4s5H3L2H",
        b"PK\3\4",
        version,
        _FLAGS,
        _STORED,
        *_moment(entry.modified),
        0,
        size,
        size,
        len(name),
        len(extra),
    )
    return fixed + name + extra


def descriptor(entry: Entry, crc: int) -> bytes:
    """What stands behind a file with this CRC-32."""
    form = "<4sLQQ" if entry.size >= _MOST_BYTES else "<4sLLL"
    return pack(form, b"PK\7\10", crc, entry.size, entry.size)


def directory_header(entry: Entry, crc: int, begins: int) -> bytes:
    """What the directory says of a file that begins there."""
    name = _name(entry)
    large = [
        value for value in (entry.size, entry.size, begins) if value >= _MOST_BYTES
    ]  # in this order, and only those
    extra = pack(f"<HH{len(large)}Q", _EXTRA, 8 * len(large), *large) if large else b""
    size = min(entry.size, _MOST_BYTES)
    fixed = pack(
        "<4s6H3L5H2L",
        b"PK\1\2",
        _MADE_BY,
        _ZIP64 if large else _PLAIN,
        _FLAGS,
        _STORED,
        *_moment(entry.modified),
        crc,
        size,
        size,
        len(name),
        len(extra),
        *(0, 0, 0),  # no comment, the first disk, no text
        _MODE,
        min(begins, _MOST_BYTES),
    )
    return fixed + name + extra


def _ending(entries: int, size: int, begins: int) -> bytes:
    parts = [b"PK\5\6", 0, 0, *(min(entries, _MOST_ENTRIES),) * 2]
    parts += [min(size, _MOST_BYTES), min(begins, _MOST_BYTES), 0]
    plain = pack("<4s4H2LH", *parts)
    if entries < _MOST_ENTRIES and max(size, begins) < _MOST_BYTES:
        return plain
    versions = (_MADE_BY, _ZIP64)
    record = pack("<4sQ2H2L4Q", b"PK\6\6", 44, *versions, 0, 0, entries, entries, size, begins)
    return record + pack("<4sLQL", b"PK\6\7", 0, begins + size, 1) + plain


def _name(entry: Entry) -> bytes:
    name = entry.name.encode()
    if len(name) > _LONGEST_NAME:
        raise ValueError(f"a name in an archive has at most {_LONGEST_NAME} bytes")
    return name


def _moment(at: datetime) -> tuple[int, int]:
    """Time and date as MS-DOS wrote them; what it could not write is the nearest it could."""
    at = min(max(at.astimezone(UTC), _FIRST_DAY), _LAST_DAY)
    time = at.hour << 11 | at.minute << 5 | at.second // 2
    return time, (at.year - 1980) << 9 | at.month << 5 | at.day
