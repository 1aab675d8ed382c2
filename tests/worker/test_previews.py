"""What backends send as previews: made small, or dropped."""

from __future__ import annotations

import asyncio
import io
import itertools
import os
import struct
import time
import zlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from uuid import uuid4

import pytest
from PIL import Image

from safelight.database import previews
from safelight.database.bell import Bell
from safelight.database.connection import Database
from safelight.database.images import Work
from safelight.database.previews import MOST_BYTES
from safelight.database.progress import Progress
from safelight.database.stopping import stop
from safelight.pictures import BadPicture
from safelight.worker.lanes import Lane, Lanes
from safelight.worker.previews import Previews, small
from tests.pipeline.orders import Counter
from tests.pipeline.test_fairness import draw, lease
from tests.worker.test_lanes import lane as make_lane


def noise(width: int, height: int) -> Image.Image:
    return Image.frombytes("RGB", (width, height), os.urandom(width * height * 3))


def encoded(image: Image.Image, form: str = "JPEG", **options: object) -> bytes:
    target = io.BytesIO()
    image.save(target, form, **options)
    return target.getvalue()


def png_of_size(width: int, height: int) -> bytes:
    """A PNG that says it is as large as that, and is whole as far as can be seen."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = [(b"IHDR", header), (b"IDAT", zlib.compress(b"\0" * 1000)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        for name, body in parts
    )


@pytest.mark.parametrize("size", [(512, 512), (512, 128), (100, 512), (64, 64), (1, 512)])
@pytest.mark.parametrize("form", ["JPEG", "PNG"])
def test_a_preview_is_small_whatever_it_shows(size: tuple[int, int], form: str) -> None:
    """Noise is what compresses worst, and what the first steps of a rendering look like."""
    made = small(encoded(noise(*size), form))
    assert len(made) <= MOST_BYTES
    with Image.open(io.BytesIO(made)) as image:
        assert image.format == "WEBP"
        assert max(image.size) <= 320
        assert image.width <= size[0]
        assert image.height <= size[1]


BAD = {
    "nothing": b"",
    "a page": b"<!doctype html><p>not now",
    "half of it": encoded(noise(64, 64))[:-200],
    "a start": b"\xff\xd8\xff",
    "noise": b"\x89PNG\r\n\x1a\n" + bytes(range(256)),
    "a gif": encoded(Image.new("RGB", (8, 8)), "GIF"),
    "a bomb": png_of_size(50_000, 50_000),
    "too large": png_of_size(3_000, 3_000),
    "a thousand scans": encoded(noise(64, 64))[:-2] + b"\xff\xda" * 1_000 + b"\xff\xd9",
}


@pytest.mark.parametrize("what", BAD)
def test_what_is_no_small_whole_picture_is_dropped(what: str) -> None:
    """Before it is decoded, where its size alone would hurt."""
    began = time.process_time()
    with pytest.raises(BadPicture):
        small(BAD[what])
    assert time.process_time() - began < 2


@dataclass
class Studio:
    """An image that is drawn, and the previews of the worker that has it drawn."""

    database: Database
    bell: Bell
    lane: Lane
    work: Work
    previews: Previews

    async def shown(self) -> bytes | None:
        """What whoever looks sees."""
        found = await previews.of_image(self.database, self.work.image)
        assert found is not None
        return found.picture

    async def offered_until_shown(self, frame: bytes) -> bytes:
        """Offers it again and again, as a backend does."""
        async with asyncio.timeout(30):
            while (picture := await self.shown()) is None:
                self.previews.offer(self.work, frame)
                await asyncio.sleep(0.05)
        return picture


@pytest.fixture
async def studio(database: Database) -> AsyncIterator[Studio]:
    counter = Counter(database)
    await lease(database)
    await counter.accept(quantity=1)
    work = (await draw(database)).work
    assert work is not None
    lane = make_lane("b1")
    lane.open[work.prompt_id] = work
    made = Previews(database, counter.bell, Lanes([lane]))
    running = [asyncio.create_task(loop()) for loop in (made.look, made.make)]
    yield Studio(database, counter.bell, lane, work, made)
    assert await stop(*running) == []


GOOD = encoded(Image.new("RGB", (512, 256), "red"))


async def test_nothing_is_made_until_somebody_watches(studio: Studio) -> None:
    """What is offered before is dropped; then a small picture is kept and its number told, behind
    the latest progress. What a backend sends beside pictures harms nobody."""
    for _ in range(20):
        studio.previews.offer(studio.work, GOOD)
        await asyncio.sleep(0.02)
    assert await studio.shown() is None
    studio.bell.tell(Progress(studio.work.batch, studio.work.image, 3, 20))
    await previews.watch(studio.database, [studio.work.batch], 60)
    for frame in BAD.values():
        studio.previews.offer(studio.work, frame)
    with Image.open(io.BytesIO(await studio.offered_until_shown(GOOD))) as picture:
        assert picture.size == (320, 160)
    async with asyncio.timeout(30):
        while not (told := studio.bell.latest(studio.work.image)) or not told.preview:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    found = await previews.of_image(studio.database, studio.work.image)
    assert found is not None
    assert told == Progress(studio.work.batch, studio.work.image, 3, 20, found.number)


async def test_nothing_of_it_stays(studio: Studio) -> None:
    """Of an image that is not dispatched any more nothing is shown in the same moment and nothing
    kept a little later; and what is still on its way is not kept at all."""
    await previews.watch(studio.database, [studio.work.batch], 60)
    await studio.offered_until_shown(GOOD)
    async with studio.database.session() as c:
        await c.execute("update images set status = 'queued' where id = $1", studio.work.image)
    assert await studio.shown() is None
    prompt_id, small_one = studio.work.prompt_id, small(GOOD)
    assert await previews.put(studio.database, studio.work.image, prompt_id, small_one) is None
    del studio.lane.open[prompt_id]
    async with asyncio.timeout(30), studio.database.session() as c:
        while await c.fetchval("select count(*) from previews"):  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def test_numbers_rise_and_wishes_run_out(studio: Studio) -> None:
    """Each preview has a higher number than the one before, also within a millisecond; a wish that
    nobody renews is none."""
    image, prompt_id = studio.work.image, studio.work.prompt_id
    numbers = [await previews.put(studio.database, image, prompt_id, b"x") for _ in range(50)]
    assert None not in numbers
    assert numbers == sorted(set(numbers), key=lambda number: number or 0)
    batch = studio.work.batch
    await previews.watch(studio.database, [batch], 60)
    await previews.watch(studio.database, [batch], 1)  # another process: the longer one counts
    assert await previews.watched(studio.database, [batch, str(uuid4())]) == {batch}
    async with studio.database.session() as c:
        await c.execute("update watches set until = now() - interval '2 minutes'")
    assert await previews.watched(studio.database, [batch]) == set()
    await previews.forget(studio.database)
    async with studio.database.session() as c:
        assert await c.fetchval("select count(*) from watches") == 0


async def test_of_an_image_nobody_hears_more_than_twice_a_second(database: Database) -> None:
    """Steps and previews together; what comes too soon waits, and the last of it is heard. What an
    image has left when it ends is not."""
    bell = Bell(database, "me")
    heard: list[tuple[float, Progress]] = []
    clock = asyncio.get_running_loop().time
    with bell.hearing("b", lambda one: heard.append((clock(), one))):
        began = clock()
        step = 0
        while clock() - began < 1.2:
            step += 1
            bell.tell(Progress("b", "i", step, 99, preview=step))
            bell.tell(Progress("b", "other", step, 99))
            latest = bell.latest("i")
            assert latest is not None
            assert latest.step == step
            await asyncio.sleep(0.03)
        async with asyncio.timeout(30):
            while [one.step for _, one in heard if one.image == "i"][-1] < step:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        times = [at for at, one in heard if one.image == "i"]
        assert all(after - before >= 0.49 for before, after in itertools.pairwise(times))
        bell.tell(Progress("b", "i", 98, 99))
        bell.tell(Progress("b", "i", 99, 99))
        bell.forget("i")
        assert bell.latest("i") is None
        await asyncio.sleep(0.6)
    assert 99 not in [one.step for _, one in heard]
