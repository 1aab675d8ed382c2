"""What follows from deleting an image: its file, its copies at publishers, and in which order."""

from __future__ import annotations

import asyncio
import hashlib
import io
import shutil
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from PIL import Image as Picture

from safelight.database.bell import Bell
from safelight.database.connection import Database
from safelight.gateway.thumbnails import Thumbnails
from safelight.pipeline.removing import Remover
from safelight.pipeline.unpublishing import Removals
from safelight.publishers.base import NotNow
from safelight.store import KeyMissing, open_store
from safelight.worker.errands import Errands
from safelight.worker.sweeping import Sweeper
from tests.pipeline.folder_publisher import FolderPublisher
from tests.pipeline.test_arrows import Scene, scene_in

COPY = b"the copy"
MD5 = hashlib.md5(COPY).hexdigest()


async def ask(database: Database, statement: str, *arguments: object) -> Any:
    """The rows of a statement of the test's own."""
    async with database.session() as c:
        return [tuple(row) for row in await c.fetch(statement, *arguments)]


async def published(scene: Scene, status: str = "uploaded", **fields: object) -> str:
    """A publication of the scene's image at `cdn`; its id."""
    known = {"place": "ann/mira/1.png", "md5": MD5, "url": "https://cdn.example/1.png"} | fields
    [(id,)] = await ask(
        scene.database,
        "insert into publications (image_id, publisher, status, place, md5, url)"
        " values ($1, 'cdn', $2, $3, $4, $5) returning id",
        scene.image,
        status,
        *known.values(),
    )
    return str(id)


async def removal(database: Database) -> Any:
    """Whether the one copy is away, whether it is to be tried again, how often it was, and why."""
    [row] = await ask(
        database,
        "select removed_at is not null, remove_due_at is not null, remove_tries, remove_reason"
        " from publications",
    )
    return row


async def until(condition: Any, seconds: float = 20) -> None:
    over = asyncio.get_running_loop().time() + seconds
    while not await condition():
        assert asyncio.get_running_loop().time() < over, f"still not so after {seconds} s"
        await asyncio.sleep(0.05)


class Stage:
    """A remover, and a worker's errands for a publisher that is a folder."""

    def __init__(self, database: Database, home: Path) -> None:
        self.database = database
        self.bell = Bell(database, "test")
        self.store = open_store(None, home / "store")
        self.publisher = FolderPublisher("cdn", home / "cdn")
        self.publisher.put("ann/mira/1.png", COPY)
        self.remover = Remover(database, self.bell, self.store)
        self.file = home / "cdn" / "ann" / "mira" / "1.png"

    async def removed(self, seconds: float = 20) -> None:
        """Run the errands until the copy is away or given up."""

        async def over() -> bool:
            _, due, _, _ = await removal(self.database)
            return not due

        await self.run_until(over, seconds)

    async def run_until(self, condition: Any, seconds: float = 20) -> None:
        """Run the errands until something is so."""
        runner = Removals(self.database, self.publisher)
        running = asyncio.create_task(Errands(self.database, self.bell, runner, uuid4()).run())
        try:
            await until(condition, seconds)
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)


async def test_the_copy_goes_with_the_image_if_asked(database: Database, tmp_path: Path) -> None:
    """Without being asked it stays; asked later, it goes, though the image is deleted already."""
    stage, scene = Stage(database, tmp_path), await scene_in(database, "stored")
    await published(scene)
    await stage.remover.delete(scene.image, publications=False)
    assert await removal(database) == (False, False, 0, None)
    await stage.remover.delete(scene.image, publications=True)
    await stage.removed()
    assert not stage.file.exists()
    assert await removal(database) == (True, False, 1, None)


async def test_a_publisher_that_is_away_is_asked_again(database: Database, tmp_path: Path) -> None:
    stage, scene = Stage(database, tmp_path), await scene_in(database, "stored")
    await published(scene)
    stage.publisher.away.extend([NotNow("busy"), NotNow("busy", pause=0.1)])
    await stage.remover.delete(scene.image, publications=True)
    await stage.removed()
    assert not stage.file.exists()
    assert await removal(database) == (True, False, 3, None)


async def test_what_is_not_ours_any_more_stays(database: Database, tmp_path: Path) -> None:
    """Another picture lies at the place by now: it is left alone, and the row says why."""
    stage, scene = Stage(database, tmp_path), await scene_in(database, "stored")
    await published(scene)
    stage.publisher.put("ann/mira/1.png", b"somebody else's")
    await stage.remover.delete(scene.image, publications=True)
    await stage.removed()
    assert stage.file.read_bytes() == b"somebody else's"
    assert await removal(database) == (False, False, 1, "another picture lies there")


async def test_an_upload_nobody_confirmed_is_not_taken_for_ours(
    database: Database, tmp_path: Path
) -> None:
    """Its row has no hash: where nothing lies it is away, where something lies it stays."""
    stage, scene = Stage(database, tmp_path), await scene_in(database, "stored")
    await published(scene, "failed", md5=None)
    await stage.remover.delete(scene.image, publications=True)
    await stage.removed()
    assert stage.file.exists()
    gone, _, _, reason = await removal(database)
    assert not gone
    assert "never confirmed" in reason
    stage.file.unlink()
    await stage.remover.delete(scene.image, publications=True)
    await stage.removed()
    assert await removal(database) == (True, False, 1, None)


async def test_a_copy_that_waits_is_given_up_and_told(database: Database, tmp_path: Path) -> None:
    """The original it would be made of is gone; listeners hear that it failed. It never had a
    place, so nothing has to be taken away."""
    stage, scene = Stage(database, tmp_path), await scene_in(database, "stored")
    await published(scene, "pending", place=None, md5=None, url=None)
    await stage.remover.delete(scene.image, publications=True)
    [(status, reason)] = await ask(database, "select status, reason from publications")
    assert (status, reason) == ("failed", "the image was deleted")
    assert (await scene.events())[-1] == "publication.failed"
    assert await removal(database) == (True, False, 0, None)


async def test_who_uploads_just_now_is_let_end_first(database: Database, tmp_path: Path) -> None:
    """Else the copy would arrive behind the removal's back."""
    stage, scene = Stage(database, tmp_path), await scene_in(database, "stored")
    id = await published(scene)
    await ask(
        database,
        "update publications set claimed_by = $2, claimed_until = now() + interval '1 hour'"
        " where id = $1",
        id,
        uuid4(),
    )
    await stage.remover.delete(scene.image, publications=True)

    async def tokens_are_gone() -> bool:
        [(left,)] = await ask(
            database, "select count(*) from pgqueuer where entrypoint like 'unpublish:%'"
        )
        return bool(left == 0)

    await stage.run_until(tokens_are_gone)
    assert stage.file.exists()
    await ask(
        database,
        "update publications set claimed_until = now(),"
        " remove_due_at = now() - interval '1 minute'",
    )
    await stage.removed()
    assert not stage.file.exists()


async def test_the_file_goes_when_the_store_is_back(database: Database, tmp_path: Path) -> None:
    """The row says deleted though the store is away; the sweeper removes the file later."""
    stage, scene = Stage(database, tmp_path), await scene_in(database, "stored")
    [(key,)] = await ask(database, "select key from images")
    await stage.store.put(key, b"picture")
    home, away = tmp_path / "store", tmp_path / "away"
    home.rename(away)
    home.write_text("not a folder")
    await stage.remover.delete(scene.image, publications=False)
    waiting = "select deleted_at is not null, file_removed_at is null from images"
    assert await ask(database, waiting) == [(True, True)]
    await stage.remover.remove_files()
    assert await ask(database, waiting) == [(True, True)]
    home.unlink()
    shutil.move(away, home)
    await stage.remover.remove_files()
    assert await ask(database, waiting) == [(True, False)]
    assert await stage.store.size(key) is None


async def test_thumbnails_are_forgotten_with_the_picture(
    database: Database, tmp_path: Path
) -> None:
    """They lie in memory alone; after the deletion they would have to be made anew, of nothing."""
    stage, scene = Stage(database, tmp_path), await scene_in(database, "stored")
    [file] = [one.file for one in (await scene.now()).images]
    assert file is not None
    data = io.BytesIO()
    Picture.new("RGB", (64, 64), "red").save(data, "PNG")
    await stage.store.put(file.key, data.getvalue())
    thumbnails = Thumbnails(stage.store)
    small = [await thumbnails.of(file, width) for width in (16, 32)]
    assert [await thumbnails.of(file, width) for width in (16, 32)] == small
    remover = Remover(database, stage.bell, stage.store, thumbnails.forget)
    await remover.delete(scene.image, publications=False)
    with pytest.raises(KeyMissing):
        await thumbnails.of(file, 16)


async def test_originals_are_kept_as_long_as_the_settings_say(
    database: Database, tmp_path: Path
) -> None:
    """Of two old pictures the one that still waits to be copied is kept; a young one is kept; and
    copies stay where they are."""
    stage = Stage(database, tmp_path)
    old, waiting, young = [await scene_in(database, "stored") for _ in range(3)]
    await published(old)
    await published(waiting, "pending", place=None)
    aged = "update images set finished_at = now() - interval '31 days' where id = any($1)"
    await ask(database, aged, [old.image, waiting.image])
    await Sweeper(stage.remover, None).delete_old()
    deleted = "select id::text from images where deleted_at is not null"
    assert await ask(database, deleted) == []
    await Sweeper(stage.remover, 30).delete_old()
    assert await ask(database, f"{deleted} and file_removed_at is not null") == [(old.image,)]
    assert stage.file.exists()
    assert (await young.now()).images[0].deleted_at is None
