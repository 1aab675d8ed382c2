"""Packing: what is in a ZIP is settled before its first byte, and little of it is held."""

from __future__ import annotations

import tracemalloc
from pathlib import Path
from typing import Any, Final
from zipfile import ZipFile

import pytest

from safelight.core.errors import Gone, NotStored, StoreTrouble, Unknown
from safelight.core.rights import ANYBODY, Rights
from safelight.database.connection import Database
from safelight.gateway.browsing import Browsing
from safelight.gateway.packing import Packing, Parcel
from safelight.store import CHUNK, Store, open_store
from tests.database.series_rows import fill
from tests.pipeline.many_images import link_all

MANY: Final = 10_000
STATES: Final = "select index, key from images where status = 'stored' and deleted_at is null"


async def filled(database: Database, folder: Path, images: int) -> tuple[Store, dict[int, str]]:
    """A series of ann and mira with files of seven bytes; its store, and the keys by index."""
    await fill(database, "ann", "mira", images)
    async with database.session() as c:
        keys = {row["index"]: row["key"] for row in await c.fetch(STATES)}
    link_all(folder, list(keys.values()))
    return open_store(None, folder), keys


async def packed(
    database: Database, store: Store, indices: Any = None, rights: Rights = ANYBODY
) -> Parcel:
    packing = Packing(database, store, Browsing(database, rights))
    return await packing.pack("ann", "mira", indices, lambda index: f"{index:05d}.png")


async def written(parcel: Parcel, path: Path) -> list[int]:
    """It in a file; how long its pieces were."""
    lengths = []
    with path.open("wb") as file:
        async for piece in parcel.pieces():
            lengths.append(len(piece))
            file.write(piece)
    return lengths


async def test_ten_thousand_pictures(database: Database, tmp_path: Path) -> None:
    """As long as it was said to be; what is held of it does not come near what is in it."""
    store, keys = await filled(database, tmp_path / "store", MANY)
    tracemalloc.start()
    parcel = await packed(database, store)
    lengths = await written(parcel, tmp_path / "all.zip")
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert sum(lengths) == parcel.length == (tmp_path / "all.zip").stat().st_size
    assert max(lengths) < 2 * CHUNK
    assert most < 6_000_000, "the rows of one page, pieces, and 28 bytes a picture"
    with ZipFile(tmp_path / "all.zip") as archive:
        expected = [f"{index:05d}.png" for index in sorted(keys, reverse=True)]
        assert archive.namelist() == expected
        assert archive.testzip() is None
        assert archive.read(expected[-1]) == b"picture"


async def test_what_is_drawn_or_deleted_meanwhile(database: Database, tmp_path: Path) -> None:
    """A new picture is none of it; without one that was deleted it cannot be made."""
    store, _ = await filled(database, tmp_path / "store", 300)
    parcel = await packed(database, store)
    length = parcel.length
    async with database.session() as c:
        await c.execute("update images set deleted_at = now() where index = 5")
    with pytest.raises(StoreTrouble, match=r"00005\.png was deleted while it was packed"):
        await written(parcel, tmp_path / "broken.zip")
    async with database.session() as c:
        await c.execute("update images set deleted_at = null where index = 5")
        await c.execute("update images set status = 'stored' where index = 11")
    parcel = await packed(database, store, tuple(range(300, 27, -1)))
    assert parcel.length < length
    assert sum(await written(parcel, tmp_path / "some.zip")) == parcel.length


async def test_what_cannot_be_packed_is_refused_before_anything_is_read(
    database: Database, tmp_path: Path
) -> None:
    """By what it is: no image, deleted, not stored; a stranger learns none of it."""
    store, _ = await filled(database, tmp_path / "store", 30)
    for indices, refusal in (
        ((31, 30), Unknown),
        ((30, 20), Gone),
        ((30, 7), NotStored),
        ((31, 20, 7), Unknown),
        ((20, 7), Gone),
    ):
        with pytest.raises(refusal):
            await packed(database, store, indices)
        with pytest.raises(Unknown, match="no series of mira for ann"):
            await packed(database, store, indices, Rights("bob", users=frozenset({"bob"})))
    async with database.session() as c:
        await c.execute("update images set deleted_at = now() where status = 'stored'")
    with pytest.raises(NotStored, match="order some"):
        await packed(database, store)
