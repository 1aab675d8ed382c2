"""The audit of copies at publishers, and of very many pictures, against the database."""

from __future__ import annotations

import os
import time
import tracemalloc
from collections import Counter
from pathlib import Path
from typing import Any
from uuid import uuid4

from safelight.database.connection import Database
from safelight.pipeline.auditing import Auditor, Finding
from safelight.pipeline.mending import Mender
from safelight.publishers.base import NotNow
from safelight.renderers.base import Answer, Fetched, Unfetched
from safelight.store import open_store
from tests.pipeline.folder_publisher import FolderPublisher
from tests.pipeline.many_images import FILLED, KEYS, link_all, picture, put
from tests.pipeline.test_removing import ask

COPIED = """
insert into publications (image_id, publisher, status, place, url, bytes, md5, sha256)
select id, publisher, 'uploaded', key, 'https://cdn.example/' || key, bytes,
       md5(left(md5(key), 7)), sha256
from images, unnest(array['cdn', 'mirror']) publisher
"""


async def filled(database: Database, users: int, each: int) -> list[str]:
    """Stored images of so many users; their keys, in order."""
    await ask(database, FILLED, users, each)
    return [key for (key,) in await ask(database, KEYS)]


async def nothing(link: str, limit: int) -> Answer:
    return Unfetched("no such link", gone=True)


class Stage:
    """A store and two publishers as folders, twelve stored images copied to both."""

    def __init__(self, database: Database, home: Path) -> None:
        self.database = database
        self.home = home
        self.store = open_store(None, home / "store")
        self.cdn = FolderPublisher("cdn", home / "cdn")
        self.mirror = FolderPublisher("mirror", home / "mirror")
        self.download = nothing
        self.keys: list[str] = []

    async def fill(self) -> None:
        self.keys = await filled(self.database, 2, 6)
        await ask(self.database, COPIED)
        for key in self.keys:
            put(self.home / "store", key, picture(key))
            self.cdn.put(key, picture(key))
            self.mirror.put(key, picture(key))

    async def audit(self, *, repair: bool = False, **options: Any) -> list[Finding]:
        mender = Mender(self.database, self.store, {}, self.download) if repair else None
        publishers = {"cdn": self.cdn, "mirror": self.mirror}
        auditor = Auditor(self.database, self.store, publishers, mender)
        for name, value in options.items():
            setattr(auditor, name, value)
        return [found async for found in auditor.findings()]

    async def publication(self, key: str, publisher: str = "cdn") -> Any:
        [row] = await ask(
            self.database,
            "select publications.status, publications.reason, count(token.id)"
            " from publications join images on images.id = image_id"
            " left join pgqueuer token on token.entrypoint = 'publish:' || publisher"
            " and token.payload = decode(replace(publications.id::text, '-', ''), 'hex')"
            " where key = $1 and publisher = $2 group by publications.id",
            key,
            publisher,
        )
        return row


def kinds(found: list[Finding]) -> Counter[str]:
    return Counter(one.kind for one in found)


async def test_twelve_faults_of_seven_kinds(database: Database, tmp_path: Path) -> None:
    """Pictures lost, cut and changed in the store, copies lost, cut and replaced at two publishers,
    rows of copies lost, leftovers: all are found, and all that can be is put right. What lies at a
    copy's place and is another picture is left alone, and its publication fails."""
    stage = Stage(database, tmp_path)
    await stage.fill()

    async def download(link: str, limit: int) -> Answer:
        path = tmp_path / "cdn" / link.removeprefix("https://cdn.example/")
        return Fetched(path.read_bytes()) if path.exists() else Unfetched("HTTP 404", gone=True)

    stage.download = download
    assert await stage.audit(deep=True) == []
    store, keys = tmp_path / "store", stage.keys
    for key in keys[0:2]:
        (store / key).unlink()
    for key, data in ((keys[2], b"pict"), (keys[3], b"Picture"), (keys[4], b"")):
        (store / key).unlink()
        (store / key).write_bytes(data)
    leftover = store / keys[0].replace("-", f"-{uuid4()}.png#", 1).partition("#")[0]
    leftover.write_bytes(b"left over")
    os.utime(leftover, (time.time() - 7200,) * 2)
    (tmp_path / "cdn" / keys[5]).unlink()
    (tmp_path / "mirror" / keys[5]).unlink()
    stage.mirror.put(keys[6], b"another picture")
    stage.cdn.put(keys[7], b"pictur")
    await ask(
        database,
        "delete from publications using images where images.id = image_id and key = any($1)"
        " and publisher = 'cdn'",
        keys[8:10],
    )
    wrong = Counter(
        {
            "missing": 2,
            "wrong-size": 2,
            "wrong-bytes": 1,
            "orphan": 1,
            "copy-missing": 2,
            "copy-different": 2,
            "copy-unlisted": 2,
        }
    )
    assert kinds(await stage.audit(deep=True)) == wrong
    found = await stage.audit(deep=True, repair=True)
    assert kinds(found) == wrong
    assert {one.kind for one in found if not one.repaired} == {"copy-different"}
    assert (await stage.publication(keys[5]))[::2] == ("pending", 1)
    assert (await stage.publication(keys[8]))[::2] == ("pending", 1)
    status, reason, tokens = await stage.publication(keys[7])
    assert (status, tokens) == ("failed", 0)
    assert "another picture" in reason
    assert (tmp_path / "mirror" / keys[6]).read_bytes() == b"another picture"
    told = await ask(database, "select type, data ->> 'publisher' from events order by 2")
    assert told == [("publication.failed", "cdn"), ("publication.failed", "mirror")]
    assert await stage.audit(deep=True) == []
    assert all((store / key).read_bytes() == picture(key) for key in keys)
    assert not leftover.exists()


async def test_wrong_copies_bring_nothing_back(database: Database, tmp_path: Path) -> None:
    """A copy that says it has the original's bytes, and has others, is not written."""
    stage = Stage(database, tmp_path)
    await stage.fill()
    (tmp_path / "store" / stage.keys[0]).unlink()

    async def lies(link: str, limit: int) -> Answer:
        return Fetched(b"Picture")

    stage.download = lies
    [found] = await stage.audit(repair=True)
    assert (found.kind, found.repaired) == ("missing", False)
    assert found.repair == "publisher cdn: other bytes; publisher mirror: other bytes"
    assert not (tmp_path / "store" / stage.keys[0]).exists()


async def test_what_happens_during_a_repair_counts(database: Database, tmp_path: Path) -> None:
    """While true bytes are fetched one image is deleted: its file does not come back. Under
    another key something else appears: it is not overwritten."""
    stage = Stage(database, tmp_path)
    await stage.fill()
    deleted, taken = stage.keys[:2]
    for key in (deleted, taken):
        (tmp_path / "store" / key).unlink()

    async def meanwhile(link: str, limit: int) -> Answer:
        key = link.removeprefix("https://cdn.example/")
        if key == deleted:
            await ask(database, "update images set deleted_at = now() where key = $1", key)
        else:
            put(tmp_path / "store", key, b"strange")
        return Fetched(picture(key))

    stage.download = meanwhile
    found = {one.about: one for one in await stage.audit(repair=True)}
    assert found[deleted].repair == "it was deleted meanwhile"
    assert not (tmp_path / "store" / deleted).exists()
    assert (found[taken].repaired, found[taken].repair) == (
        False,
        "something lies there by now: audit again",
    )
    assert (tmp_path / "store" / taken).read_bytes() == b"strange"


async def test_who_cannot_be_asked_is_told(database: Database, tmp_path: Path) -> None:
    """A publisher that is away, and one that stands in the settings no more."""
    stage = Stage(database, tmp_path)
    await stage.fill()
    stage.cdn.away.extend([NotNow("rate limited"), NotNow("rate limited")])
    only_cdn: dict[str, Any] = {"publishers": {"cdn": stage.cdn}}
    found = await stage.audit(repair=True, **only_cdn)
    assert [one.detail for one in found] == ["rate limited"] * 2 + [
        "12 copies: it is not in the settings"
    ]
    assert kinds(found) == {"unchecked": 3}
    assert await stage.audit(every_publisher=False, **only_cdn) == []
    assert await stage.audit(every_publisher=False, publishers={}) == []
    assert (await stage.publication(stage.keys[0]))[0] == "uploaded"
    assert 1 < stage.cdn.most_at_once <= 4


async def test_what_is_deleted_or_asked_to_go_is_not_missed(
    database: Database, tmp_path: Path
) -> None:
    stage = Stage(database, tmp_path)
    await stage.fill()
    gone, going, away = stage.keys[:3]
    await ask(database, "update images set deleted_at = now() where key = any($1)", stage.keys[:3])
    (tmp_path / "store" / gone).unlink()
    for key in (going, away):
        await ask(
            database,
            "update publications set remove_asked_at = case when $2 then now() end,"
            " removed_at = case when not $2 then now() end"
            " from images where images.id = image_id and key = $1",
            key,
            key == going,
        )
        (tmp_path / "cdn" / key).unlink()
        (tmp_path / "mirror" / key).unlink()
    assert await stage.audit(repair=True) == []
    # Nobody has removed the file for more than an hour.
    await ask(database, "update images set deleted_at = now() - interval '2 hours'")
    os.utime(tmp_path / "store" / going, (time.time() - 7200,) * 2)
    assert {one.detail for one in await stage.audit()} == {"its image was deleted"}


async def test_a_key_named_twice_is_told(database: Database, tmp_path: Path) -> None:
    """No row is deleted for it; the file that nobody names any more is an orphan."""
    stage = Stage(database, tmp_path)
    await stage.fill()
    one, other = stage.keys[:2]
    os.utime(tmp_path / "store" / other, (time.time() - 7200,) * 2)
    await ask(database, "update images set key = $1 where key = $2", one, other)
    found = await stage.audit(repair=True)
    assert kinds(found) == {"shared-key": 1, "orphan": 1}
    assert [found_one.about for found_one in found] == [one, other]
    assert await ask(database, "select count(*) from images") == [(12,)]


async def test_many_pictures_take_no_more_memory_than_a_few(
    database: Database, tmp_path: Path
) -> None:
    """Twelve thousand images: what is held at once is a few pages and the names in one folder."""
    keys = await filled(database, 30, 400)
    link_all(tmp_path / "store", keys)
    lost = keys[::1000]
    for key in lost:
        (tmp_path / "store" / key).unlink()
    store = open_store(None, tmp_path / "store")
    tracemalloc.start()
    auditor = Auditor(database, store, {})
    found = [one.about async for one in auditor.findings() if one.kind == "missing"]
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found == lost
    assert (auditor.counts.images, auditor.counts.objects) == (12_000, 12_000 - len(lost))
    assert most < 4_000_000, most
