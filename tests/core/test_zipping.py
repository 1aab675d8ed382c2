"""The layout of a ZIP, held against Python's own reader."""

from __future__ import annotations

import io
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Final
from zipfile import ZIP_STORED, BadZipFile, ZipFile
from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safelight.core.zipping import Entry, Measure, descriptor, directory_header, local_header

WHEN: Final = datetime(2026, 1, 2, 3, 4, 6, tzinfo=UTC)
GIB: Final = 1 << 30
_names = st.text(st.characters(exclude_characters="/\\\0", codec="utf-8"), min_size=1, max_size=40)
_moments = st.datetimes(timezones=st.just(UTC))


def archive(files: Mapping[str, bytes], modified: datetime = WHEN) -> bytes:
    """As the gateway puts one together."""
    measure, body, directory = Measure(), bytearray(), bytearray()
    for name, data in files.items():
        entry = Entry(name, len(data), modified)
        begins = measure.add(entry)
        assert begins == len(body)
        body += local_header(entry) + data + descriptor(entry, crc32(data))
        directory += directory_header(entry, crc32(data), begins)
    whole = bytes(body + directory + measure.ending())
    assert len(whole) == measure.length
    return whole


def read(content: Any) -> ZipFile:
    """An archive that is whole."""
    found = ZipFile(content)
    assert found.testzip() is None
    return found


@given(st.dictionaries(_names, st.binary(max_size=300), max_size=12), _moments)
def test_what_was_put_in_comes_out(files: dict[str, bytes], modified: datetime) -> None:
    """Names, bytes and moments, in their order; the length is known from names and sizes alone."""
    found = read(io.BytesIO(archive(files, modified)))
    assert found.namelist() == list(files)
    assert {name: found.read(name) for name in files} == files
    for info in found.infolist():
        assert info.compress_type == ZIP_STORED
        assert info.extra == b"", "what is small needs no ZIP64"
        assert info.flag_bits & 0x0808 == 0x0808
        assert info.external_attr >> 16 == 0o100644
        told = datetime(*info.date_time, tzinfo=UTC)
        year = min(max(modified.year, 1980), 2107)
        assert told.year == year
        if modified.year == year:
            assert timedelta() <= modified - told < timedelta(seconds=2)


def test_a_moment_is_told_in_utc() -> None:
    """Wherever it was written down: 01:30 in Yerevan is 21:30 of the day before."""
    there = datetime(2026, 3, 1, 1, 30, tzinfo=timezone(timedelta(hours=4)))
    [info] = read(io.BytesIO(archive({"a.png": b"a"}, there))).infolist()
    assert info.date_time == (2026, 2, 28, 21, 30, 0)


@pytest.mark.parametrize("many", [65_534, 65_535, 65_536, 70_000])
def test_as_many_entries_as_one_likes(many: int) -> None:
    """From 65,535 on the count stands in ZIP64, whose marker that number is."""
    content = archive({f"{number:05d}.png": b"%d" % number for number in range(many)})
    found = ZipFile(io.BytesIO(content))
    assert len(found.infolist()) == many
    assert found.read(f"{many - 1:05d}.png") == b"%d" % (many - 1)
    assert (b"PK\6\6" in content) is (many >= 65_535)


def test_files_behind_and_beyond_four_gibibytes(tmp_path: Path) -> None:
    """Written with holes where their bytes would be: what is large, and what only begins far
    behind, is found by 64 bits; what was before is as it was."""
    sizes = {"first": 7, "large": 5 * GIB, "limit": 0xFFFF_FFFF, "below": 0xFFFF_FFFE, "last": 9}
    measure, path = Measure(), tmp_path / "large.zip"
    entries = [Entry(name, size, WHEN) for name, size in sizes.items()]
    with path.open("wb") as file:
        begins = [measure.add(entry) for entry in entries]
        crcs = [crc32(b"x" * entry.size) if entry.size < 10 else 1 for entry in entries]
        for entry, at, crc in zip(entries, begins, crcs, strict=True):
            file.seek(at)
            file.write(local_header(entry))
            file.write(b"x" * entry.size if entry.size < 10 else b"")
            file.seek(at + len(local_header(entry)) + entry.size)
            file.write(descriptor(entry, crc))
        assert file.tell() == measure.files
        for entry, at, crc in zip(entries, begins, crcs, strict=True):
            file.write(directory_header(entry, crc, at))
        file.write(measure.ending())
        assert file.tell() == measure.length
    with ZipFile(path) as found:
        infos = {info.filename: info for info in found.infolist()}
        assert {name: info.file_size for name, info in infos.items()} == sizes
        assert [info.header_offset for info in infos.values()] == begins
        assert (found.read("first"), found.read("last")) == (b"x" * 7, b"x" * 9)
        with found.open("large") as opened:
            assert opened.read(100) == bytes(100)
        assert [infos[name].extract_version for name in sizes] == [20, 45, 45, 45, 45]


def test_half_an_archive_is_none() -> None:
    """What breaks off, wherever it does, is not taken for a whole one."""
    content = archive({"a.png": b"a" * 50, "b.png": b"b" * 50})
    for length in range(len(content)):
        with pytest.raises(BadZipFile):
            ZipFile(io.BytesIO(content[:length]))


def test_nothing_is_an_archive_as_well() -> None:
    assert read(io.BytesIO(archive({}))).namelist() == []


def test_a_name_has_its_limits() -> None:
    assert local_header(Entry("a" * 65_535, 1, WHEN)).endswith(b"a" * 65_535)
    with pytest.raises(ValueError, match="65535 bytes"):
        local_header(Entry("ä" * 32_768, 1, WHEN))
