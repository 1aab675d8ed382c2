"""Every arrow of the state machine as the database takes it, and every other refused by it."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from safelight.core.records import Batch, ImageError, Plan, StoredFile
from safelight.core.states import ARROWS, STATES, Forbidden, arrow
from safelight.database import arrows, batches, images, leases
from safelight.database.arrows import Driver, NewSeed
from safelight.database.connection import Connection, Database
from safelight.database.images import Work
from safelight.worker.reconcile import CHANCE_AFTER
from tests.pipeline.orders import Counter

DRIVER = Driver("b1", epoch=1, slot=0)
ERROR = ImageError("execution-failed", "it broke")
TAKE_THEIR_LOCKS = ("dispatch", "keep", "take back")


def stored_file(pixels: str = "p1") -> StoredFile:
    """A file as the store would have it."""
    return StoredFile(f"ann/mira/{uuid4()}.png", 100, "image/png", 64, 64, "s", pixels)


@dataclass
class Scene:
    """One batch of one image and a leased backend."""

    database: Database
    batch: str
    image: str
    prompt_id: str = ""

    async def lease(self) -> None:
        async with self.database.session() as c:
            await c.execute(
                "insert into backends (name, url, pool, slots, epoch, lease_until)"
                " values ('b1', 'u', 'default', 2, 1, now() + interval '1 hour')"
                " on conflict do nothing"
            )

    async def take(self, name: str) -> Any:
        """Take an arrow by its name; what it answered."""
        async with self.database.transaction() as c:
            return await self.take_in(c, name)

    async def take_in(self, c: Connection, name: str) -> Any:
        """The same in a transaction that goes on."""
        ways: dict[str, Callable[[Connection], Awaitable[Any]]] = {
            "dispatch": self._dispatch,
            "keep": lambda c: arrows.keep(c, self.work(), stored_file()),
            "requeue": self._requeue,
            "take back": self._take_back,
            "fail": lambda c: arrows.fail(c, self.image, ERROR),
            "cancel": lambda c: arrows.cancel(c, self.image),
            "expire": lambda c: arrows.expire(c, self.image, ERROR),
            "withdraw": lambda c: arrows.withdraw(c, self.image),
            "retry": lambda c: arrows.retry(c, self.image, NewSeed(77, 1), turn=900),
        }
        if name not in TAKE_THEIR_LOCKS:
            await images.lock(c, self.image)
        return await ways[name](c)

    async def _dispatch(self, c: Connection) -> Any:
        self.prompt_id = str(uuid4())
        tried = await arrows.dispatch(c, self.image, self.prompt_id, DRIVER)
        return tried if tried and tried.dispatched else None

    async def _requeue(self, c: Connection) -> Any:
        if self.prompt_id:
            await images.close_attempt(c, self.prompt_id, 1, "lost", None)
        return await arrows.requeue(c, self.image, NewSeed(5, 0), "lost")

    async def _take_back(self, c: Connection) -> Any:
        image = await images.lock(c, self.image)
        assert image is not None
        return await arrows.take_back(c, image, self.prompt_id, DRIVER) or None

    def work(self, epoch: int = 1) -> Work:
        """The open attempt, as whoever follows it knows it."""
        prompt_id = self.prompt_id or str(uuid4())
        plan = Plan("default", "quick", "", {}, {})
        whose = ("ann", "mira", 1, 1, "b1")
        return Work(prompt_id, self.image, self.batch, *whose, epoch, 0, 0.0, 1e9, plan)

    async def now(self) -> Batch:
        found = await batches.batch(self.database, self.batch)
        assert found is not None
        return found

    async def events(self) -> list[str]:
        rows = await self.database.fetch("events_of_batch", self.batch, 0, 100)
        assert [row["number"] for row in rows] == list(range(1, len(rows) + 1))
        return [row["type"] for row in rows]


# How each state is reached from a fresh order.
WAYS = {
    "queued": [],
    "dispatched": ["dispatch"],
    "stored": ["dispatch", "keep"],
    "failed": ["expire"],
    "canceled": ["withdraw"],
}


async def scene_in(database: Database, state: str, quantity: int = 1) -> Scene:
    batch = await Counter(database).accept(quantity=quantity)
    scene = Scene(database, batch.id, batch.images[0].id)
    await scene.lease()
    for name in WAYS[state]:
        assert await scene.take(name) is not None
    return scene


@pytest.mark.parametrize("taken", ARROWS, ids=lambda a: a.name)
async def test_an_arrow_moves_the_image_the_counters_and_tells_it(
    database: Database, taken: Any
) -> None:
    scene = await scene_in(database, taken.source)
    before = await scene.events()
    assert await scene.take(taken.name) is not None
    batch = await scene.now()
    assert batch.images[0].status == taken.target
    sent = taken.target != "queued" and taken.name not in ("expire", "withdraw")
    assert (batch.images[0].dispatched_at is not None) == sent
    told = (await scene.events())[len(before) :]
    assert told[0] == taken.event
    ended = taken.target in ("stored", "failed", "canceled")
    assert (batch.ended_at is not None) == ended
    assert told[1:] == ([f"batch.{batch.status}"] if ended else [])
    counted = {
        "stored": batch.counters.stored,
        "failed": batch.counters.failed,
        "canceled": batch.counters.canceled,
    }
    assert counted == {state: int(state == taken.target) for state in counted}


@pytest.mark.parametrize(
    ("state", "name"),
    [(state, a.name) for state, a in itertools.product(STATES, ARROWS) if a.source != state],
)
async def test_no_arrow_can_be_taken_from_another_state(
    database: Database, state: str, name: str
) -> None:
    scene = await scene_in(database, state)
    before = (await scene.now(), await scene.events())
    assert await scene.take(name) is None
    assert (await scene.now(), await scene.events()) == before
    target = next(a.target for a in ARROWS if a.name == name)
    if all((a.source, a.target) != (state, target) for a in ARROWS):
        with pytest.raises(Forbidden):
            arrow(state, target)


async def test_an_attempt_of_an_old_epoch_writes_nothing(database: Database) -> None:
    scene = await scene_in(database, "dispatched")
    async with database.transaction() as c:
        await c.execute("update backends set epoch = 2")
    await database.fetch("adopt_attempts", "b1", 2)
    async with database.transaction() as c:
        assert await arrows.keep(c, scene.work(1), stored_file()) is None
        assert not await images.close_attempt(c, scene.prompt_id, 1, "lost", None)
        assert await arrows.keep(c, scene.work(2), stored_file()) is not None


async def test_no_attempt_is_opened_under_a_lease_that_has_run_out(database: Database) -> None:
    scene = await scene_in(database, "queued")
    async with database.session() as c:
        await c.execute("update backends set lease_until = now()")
    assert await scene.take("dispatch") is None


async def test_a_slot_holds_one_open_attempt(database: Database) -> None:
    await scene_in(database, "dispatched")
    other = await scene_in(database, "queued")
    with pytest.raises(asyncpg.UniqueViolationError):
        await other.take("dispatch")


async def test_twins_in_one_batch_are_refused_by_the_database_itself(database: Database) -> None:
    batch = await Counter(database).accept(quantity=2)
    first, second = (Scene(database, batch.id, image.id) for image in batch.images)
    await first.lease()
    for scene in (first, second):
        await scene.take("dispatch")
        if scene is first:
            await scene.take("keep")
    with pytest.raises(asyncpg.UniqueViolationError):
        await second.take("keep")
    assert (await second.now()).counters.stored == 1


async def test_an_image_that_lines_up_again_has_a_new_token_in_its_old_place(
    database: Database,
) -> None:
    scene = await scene_in(database, "dispatched")
    async with database.session() as c:
        await c.execute("delete from pgqueuer")
        turn = await c.fetchval("select turn from images where id = $1", scene.image)
    await scene.take("requeue")
    async with database.session() as c:
        token = await c.fetchrow("select priority, dedupe_key from pgqueuer")
        image = await c.fetchrow("select turn, tries, seed from images where id = $1", scene.image)
    assert token["dedupe_key"] == f"{scene.image}:1"
    assert token["priority"] == 2**31 - 1 - turn
    assert (image["turn"], image["tries"], image["seed"]) == (turn, 1, 5)


async def test_a_retry_begins_a_new_round_with_misfortunes_forgotten(database: Database) -> None:
    scene = await scene_in(database, "dispatched")
    async with database.transaction() as c:
        await images.lock(c, scene.image)
        await images.close_attempt(c, scene.prompt_id, 1, "error", "x")
        await arrows.fail(c, scene.image, ERROR)
    await scene.take("retry")
    async with database.transaction() as c:
        locked = await images.lock(c, scene.image)
        assert locked is not None
        earlier, _ = await images.misfortunes(c, locked)
    assert locked.round == 1
    assert not +earlier
    assert (await scene.now()).status == "running"


async def test_images_of_one_batch_kept_at_the_same_moment_are_counted_one_by_one(
    database: Database,
) -> None:
    """Thirty-two keeps at once wait for one batch row: no event number is given twice, no counter
    is lost, and the end is told once."""
    batch = await Counter(database).accept(quantity=32)
    scenes = [Scene(database, batch.id, image.id) for image in batch.images]
    await scenes[0].lease()
    for slot, scene in enumerate(scenes):
        scene.prompt_id = str(uuid4())
        async with database.transaction() as c:
            tried = await arrows.dispatch(c, scene.image, scene.prompt_id, Driver("b1", 1, slot))
            assert tried
            assert tried.dispatched

    async def keep(number: int, scene: Scene) -> None:
        async with database.session() as c:
            kept = await arrows.keep(c, scene.work(), stored_file(f"p{number}"))
            assert kept

    await asyncio.gather(*(keep(number, scene) for number, scene in enumerate(scenes)))
    ended = await scenes[0].now()
    assert ended.status == "completed"
    told = await scenes[0].events()
    assert told.count("image.stored") == 32
    assert told[-1] == "batch.completed"
    assert told.count("batch.completed") == 1


async def test_no_attempt_is_opened_on_a_backend_that_drains(database: Database) -> None:
    scene = await scene_in(database, "queued")
    assert await leases.drain(database, "b1", draining=True)
    assert await scene.take("dispatch") is None
    assert await leases.drain(database, "b1", draining=False)
    assert await scene.take("dispatch") is not None


@pytest.mark.parametrize(("minutes", "left"), [(9, ["b1"]), (11, [])])
async def test_a_backend_that_lacked_something_gets_another_chance(
    database: Database, minutes: int, left: list[str]
) -> None:
    """Ten minutes after the image was set aside for others: somebody may have put it there."""
    scene = await scene_in(database, "queued")
    async with database.session() as c:
        await c.execute(
            "update images set not_on = '{b1}', queued_at = now() - make_interval(mins => $1)",
            minutes,
        )
    await images.give_another_chance(database, CHANCE_AFTER)
    async with database.session() as c:
        assert await c.fetchval("select not_on from images") == left
    assert (await scene.now()).images[0].status == "queued"
