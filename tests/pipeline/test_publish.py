"""Copies as the database and the errands of a worker carry them, to publishers of every temper."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from PIL import Image

from safelight.core.errors import Conflict, Unknown
from safelight.core.records import Batch, Publication, StoredFile
from safelight.database import batches, events, publications
from safelight.database.bell import Bell
from safelight.database.connection import Database
from safelight.database.stopping import stop
from safelight.gateway.copies import Copies
from safelight.pictures import inspect
from safelight.pipeline import stream
from safelight.pipeline.closing import Closer
from safelight.pipeline.hub import Hub
from safelight.pipeline.publish import Publish
from safelight.publishers.base import (
    Copy,
    Item,
    Missing,
    NotNow,
    Outcome,
    Refused,
    Removed,
    Uploaded,
)
from safelight.store import Store, open_store
from safelight.worker.errands import Errands
from tests.pipeline.orders import Counter
from tests.pipeline.test_fairness import draw, lease

ME = UUID(int=1)


@dataclass
class Shelf:
    """A publisher with a temper: it gives the answers it was told to, then keeps what it gets."""

    name: str = "shelf"
    answers: list[Outcome | BaseException] = field(default_factory=list)
    lies: dict[str, bytes] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    prefix: str = "there"
    hold: asyncio.Event | None = None
    closed: bool = False

    def place(self, item: Item) -> str:
        return f"{self.prefix}/{item.user}/{item.name}"

    async def publish(self, place: str, item: Item, copy: Copy) -> Outcome:
        self.calls.append(place)
        if self.hold:
            await self.hold.wait()
        if self.answers:
            answer = self.answers.pop(0)
            if isinstance(answer, BaseException):
                raise answer
            return answer
        existed = place in self.lies
        self.lies[place] = b"".join([piece async for piece in copy.pieces()])
        return Uploaded(f"https://cdn.example/{place}", existed)

    async def look(self, place: str) -> Missing:
        return Missing()

    async def remove(self, place: str, md5: str) -> Removed:
        return Removed()

    async def write_index(self, user: str, character: str, highest: int) -> Outcome:
        return Refused("no")

    async def close(self) -> None:
        self.closed = True


@dataclass
class Scene:
    """A store, a shelf, and orders whose images are stored at once."""

    database: Database
    store: Store
    shelf: Shelf
    bell: Bell
    schedule: tuple[float, ...] = (0.01, 0.01)

    async def stored(self, quantity: int = 1, publishers: tuple[str, ...] = ("shelf",)) -> Batch:
        """A batch that is completed, its copies pending."""
        batch = await Counter(self.database, publishers=publishers).accept(quantity=quantity)
        for _ in range(quantity):
            work = (await draw(self.database)).work
            assert work is not None
            data = picture()
            looked = inspect(data, max_pixels=10_000, max_bytes=1_000_000)
            key = f"ann/mira/{work.index:05d}-{work.prompt_id}.png"
            await self.store.put(key, data)
            file = StoredFile(
                key, len(data), "image/png", 40, 30, looked.sha256, looked.pixels_sha256
            )
            assert not await Closer(self.database, self.bell).store(work, file)
        return await self.now(batch)

    async def now(self, batch: Batch) -> Batch:
        found = await batches.batch(self.database, batch.id)
        assert found is not None
        return found

    def publish(self, **changes: Any) -> Publish:
        fields: dict[str, Any] = {"schedule": self.schedule, "share": lambda: 0.5, **changes}
        return Publish(self.database, self.bell, self.store, self.shelf, ME, **fields)

    async def run(self, until: Callable[[], Any], **changes: Any) -> None:
        """Let the errands be run until this is so."""
        errands = Errands(self.database, self.bell, self.publish(**changes), ME)
        running = asyncio.create_task(errands.run())
        try:
            async with asyncio.timeout(10):
                while not await until():
                    if running.done():
                        await running
                    await asyncio.sleep(0.01)
        finally:
            await stop(running)

    async def ended(self, batch: Batch) -> bool:
        """Whether none of its copies is pending."""
        found = [p.status for image in (await self.now(batch)).images for p in image.publications]
        return "pending" not in found

    async def only(self, batch: Batch) -> Publication:
        """What is told of the only copy of the only image."""
        [image] = (await self.now(batch)).images
        [publication] = image.publications
        return publication

    async def told(self, batch: Batch) -> list[str]:
        return [event.type for event in await events.of_batch(self.database, batch.id, 0, 1000)]


def picture() -> bytes:
    """A small picture unlike any other, which says something private."""
    to = BytesIO()
    image = Image.frombytes("RGB", (40, 30), (uuid4().bytes * 225)[: 40 * 30 * 3])
    image.save(to, "PNG", pnginfo=private())
    return to.getvalue()


def private() -> Any:
    from PIL.PngImagePlugin import PngInfo

    said = PngInfo()
    said.add_text("prompt", "a private prompt")
    return said


@pytest.fixture
async def scene(database: Database, tmp_path: Path) -> Scene:
    await lease(database)
    store = open_store(None, tmp_path / "store")
    return Scene(database, store, Shelf(), Bell(database, "test"))


async def test_copies_are_pending_from_the_beginning_and_uploaded_after_all(scene: Scene) -> None:
    """Before the images are stored, their answer lists each publisher; the batch is complete before
    anything was sent; then every copy has its place and tells an event."""
    batch = await scene.stored(2)
    publishers = ("shelf", "other")
    ordered = await Counter(scene.database, publishers=publishers).accept(quantity=2)
    waiting = (Publication("shelf", "pending"), Publication("other", "pending"))
    assert [image.publications for image in ordered.images] == [waiting, waiting]
    assert batch.status == "completed"
    assert scene.shelf.calls == []
    await scene.run(lambda: scene.ended(batch))
    now = await scene.now(batch)
    for image in now.images:
        [one] = image.publications
        assert one.status == "uploaded"
        assert one.url == f"https://cdn.example/there/ann/ann_mira_image_{image.index:05d}_.png"
    told = await scene.told(batch)
    assert told.count("publication.uploaded") == 2
    assert told.index("batch.completed") < told.index("publication.uploaded")
    assert len(scene.shelf.calls) == 2


async def test_what_leaves_says_nothing_unless_it_may(scene: Scene) -> None:
    """The prompt in the PNG stays in the store; with `keep_metadata` the copy is the original."""
    for keep in (False, True):
        batch = await scene.stored()
        await scene.run(partial(scene.ended, batch), keep_metadata=keep)
        [image] = (await scene.now(batch)).images
        assert image.file is not None
        left = scene.shelf.lies[scene.shelf.calls[-1]]
        assert (b"private" in left) == keep
        original = await scene.store.get(image.file.key)
        assert b"private" in original
        assert (left == original) == keep
        assert Image.open(BytesIO(left)).tobytes() == Image.open(BytesIO(original)).tobytes()


async def test_a_publisher_in_trouble_is_asked_again_until_it_takes_the_copy(scene: Scene) -> None:
    scene.shelf.answers = [NotNow("502 of the far side"), NotNow("busy", pause=0.05)]
    batch = await scene.stored()
    await scene.run(lambda: scene.ended(batch))
    assert (await scene.only(batch)).status == "uploaded"
    assert len(scene.shelf.calls) == 3
    assert "publication.failed" not in await scene.told(batch)


async def test_while_it_is_pending_the_answer_says_what_the_trouble_is(scene: Scene) -> None:
    scene.shelf.answers = [NotNow("502 of the far side")]
    batch = await scene.stored()

    async def tried() -> bool:
        return (await scene.only(batch)).reason is not None

    await scene.run(tried, schedule=(60.0,))
    told = await scene.only(batch)
    assert told == Publication("shelf", "pending", None, "502 of the far side")


async def test_what_was_tried_for_too_long_has_failed_and_says_why(scene: Scene) -> None:
    """Two waits are three tries; then it is told, and somebody may ask again."""
    scene.shelf.answers = [NotNow("502 of the far side")] * 3
    batch = await scene.stored()
    await scene.run(lambda: scene.ended(batch))
    told = await scene.only(batch)
    assert told.status == "failed"
    assert told.reason == "502 of the far side (tried 3 times)"
    assert (await scene.told(batch))[-1] == "publication.failed"
    copies = Copies(scene.database, scene.bell, ("shelf",))
    await copies.retry_batch(batch.id)
    assert (await scene.only(batch)).status == "pending"
    await scene.run(lambda: scene.ended(batch))
    assert (await scene.only(batch)).status == "uploaded"
    with pytest.raises(Conflict, match="none has failed"):
        await copies.retry_image(batch.images[0].id)


async def test_a_refusal_is_the_end_at_once(scene: Scene) -> None:
    scene.shelf.answers = [Refused("another picture lies there")]
    batch = await scene.stored()
    await scene.run(lambda: scene.ended(batch))
    assert await scene.only(batch) == Publication(
        "shelf", "failed", None, "another picture lies there"
    )
    assert len(scene.shelf.calls) == 1


async def test_all_of_a_publisher_are_tried_again_and_counted(scene: Scene) -> None:
    """Those of other publishers are left alone; an unknown one is unknown."""
    scene.shelf.answers = [Refused("wrong key")] * 3
    batch = await scene.stored(3, ("shelf", "gone"))
    copies = Copies(scene.database, scene.bell, ("shelf",))

    async def refused() -> bool:
        return (await copies.publishers())[0].failed == 3

    await scene.run(refused)
    shelf, gone = await copies.publishers()
    assert (shelf.configured, shelf.failed, shelf.reason) == (True, 3, "wrong key")
    assert (gone.name, gone.configured, gone.pending) == ("gone", False, 3)
    assert gone.oldest is not None
    state, asked = await copies.retry_publisher("shelf")
    assert (asked, state.pending, state.failed) == (3, 3, 0)
    assert (await copies.retry_publisher("gone"))[1] == 0
    for name in ("nobody", "\0"):
        with pytest.raises(Unknown):
            await copies.retry_publisher(name)

    async def uploaded() -> bool:
        return (await copies.publishers())[0].uploaded == 3

    await scene.run(uploaded)
    assert sorted(scene.shelf.lies) == sorted(
        f"there/ann/ann_mira_image_{image.index:05d}_.png" for image in batch.images
    )


async def test_its_place_is_chosen_once_for_ever(scene: Scene) -> None:
    """The template was changed after a try whose answer was lost: the copy keeps its old place."""
    scene.shelf.answers = [NotNow("the answer was lost")]
    batch = await scene.stored()

    async def tried() -> bool:
        return bool((await scene.only(batch)).reason)

    await scene.run(tried, schedule=(60.0,))
    scene.shelf.prefix = "elsewhere"
    # A worker that begins anew does not wait out what another one waited for.
    await scene.run(lambda: scene.ended(batch))
    assert scene.shelf.calls == ["there/ann/ann_mira_image_00001_.png"] * 2


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (lambda data: data[:-20], "damaged"),
        (lambda data: picture(), "not the one"),
        (None, "no ann"),
    ],
)
async def test_what_is_damaged_in_the_store_never_leaves(
    scene: Scene, harm: Callable[[bytes], bytes] | None, said: str
) -> None:
    batch = await scene.stored()
    [image] = batch.images
    assert image.file is not None
    data = await scene.store.get(image.file.key)
    await scene.store.delete(image.file.key)
    if harm:
        await scene.store.put(image.file.key, harm(data))
    await scene.run(lambda: scene.ended(batch))
    told = await scene.only(batch)
    assert told.status == "failed"
    assert said in str(told.reason)
    assert "safelight audit --repair" in str(told.reason)
    assert scene.shelf.calls == []


async def test_an_errand_that_breaks_is_taken_up_again(scene: Scene) -> None:
    """A fault of ours in a publisher is logged, its claim runs out, and the copy is made then."""
    scene.shelf.answers = [RuntimeError("a fault of ours")]
    batch = await scene.stored()

    async def broken() -> bool:
        return bool(scene.shelf.calls)

    await scene.run(broken)
    await run_out(scene.database)
    await scene.run(lambda: scene.ended(batch))
    assert (await scene.only(batch)).status == "uploaded"


async def test_a_worker_that_stops_gives_back_what_it_has_begun(scene: Scene) -> None:
    """The upload hangs; the worker is stopped; the next one tries at once, and that was no try."""
    scene.shelf.hold = asyncio.Event()
    batch = await scene.stored()

    async def hanging() -> bool:
        return bool(scene.shelf.calls)

    await scene.run(hanging)
    scene.shelf.hold = None
    async with scene.database.session() as c:
        row = await c.fetchrow("select tries, claimed_by from publications")
    assert dict(row) == {"tries": 0, "claimed_by": None}
    await scene.run(lambda: scene.ended(batch))
    assert len(scene.shelf.calls) == 2


async def test_no_more_than_its_room_at_once_and_claims_are_renewed(scene: Scene) -> None:
    """Six copies, two at once; another worker finds none of the two to be claimed."""
    scene.shelf.hold = asyncio.Event()
    batch = await scene.stored(6)

    async def hanging() -> bool:
        return len(scene.shelf.calls) == 2

    async def more() -> bool:
        await asyncio.sleep(0.3)
        assert len(scene.shelf.calls) == 2
        async with scene.database.session() as c:
            claimed = await c.fetch("select id::text from publications where claimed_by = $1", ME)
        for row in claimed:
            async with scene.database.transaction() as c:
                assert await publications.claim(c, row["id"], uuid4(), 15) is None
        await publications.renew(scene.database, [row["id"] for row in claimed], ME, 15)
        assert scene.shelf.hold is not None
        scene.shelf.hold.set()
        return len(claimed) == 2

    async def both() -> bool:
        return await hanging() and await more()

    await scene.run(both, room=2)
    await scene.run(lambda: scene.ended(batch), room=2)


async def test_two_workers_that_try_the_same_copy_tell_one_event(scene: Scene) -> None:
    """A frozen worker wakes when another one has uploaded its copy."""
    scene.shelf.hold = asyncio.Event()
    batch = await scene.stored()
    frozen = scene.publish()
    async with scene.database.transaction() as c:
        [row] = await c.fetch("select id::text from publications")
        claimed = await frozen.claim(c, row["id"], ME)
    assert claimed is not None
    waking = asyncio.create_task(frozen.carry(claimed))
    await run_out(scene.database)
    scene.shelf.hold.set()
    await scene.run(lambda: scene.ended(batch))
    await waking
    assert (await scene.told(batch)).count("publication.uploaded") == 1


async def test_a_copy_of_a_deleted_image_is_nobodys(scene: Scene) -> None:
    batch = await scene.stored()
    async with scene.database.session() as c:
        await c.execute("update images set deleted_at = now()")
        [row] = await c.fetch("select id::text from publications")
    async with scene.database.transaction() as c:
        assert await publications.claim(c, row["id"], ME, 15) is None
    assert (await scene.only(batch)).status == "pending"


async def test_a_listener_hears_of_copies_and_is_let_go(scene: Scene) -> None:
    """Whoever asks again after the batch has ended hears what became of its copies, and then the
    stream ends, wherever it was taken up."""
    scene.shelf.answers = [Refused("no")]
    batch = await scene.stored(2)
    await scene.run(lambda: scene.ended(batch))
    everything = await scene.told(batch)
    hub = Hub(scene.database, scene.bell, 1)
    for after in range(len(everything) + 1):
        if after == len(everything):
            break
        async with asyncio.timeout(10):
            heard = [
                told.type
                async for told in stream.of_batch(hub, batch.id, after)
                if told is not None and not isinstance(told, stream.Reset)
                if hasattr(told, "type")
            ]
        assert heard == everything[after:]


async def run_out(database: Database) -> None:
    """Every claim has run out, and tokens that were on their way have been lost."""
    async with database.session() as c:
        await c.execute(
            "update publications set claimed_until = now() - interval '1 second',"
            " due_at = now() - interval '10 seconds' where status = 'pending'"
        )
        await c.execute("delete from pgqueuer")
