"""Cancel and retry against the database: what follows from a wish, whoever comes first."""

from __future__ import annotations

import asyncio
from uuid import uuid4

import pytest

from safelight.core.errors import Conflict, Unknown
from safelight.core.retrying import RULES
from safelight.database import arrows, images
from safelight.database.arrows import Driver
from safelight.database.bell import Bell, set_within
from safelight.database.connection import Database
from safelight.pipeline.closing import Closer
from safelight.pipeline.wishes import Wishes
from tests.pipeline.orders import Counter
from tests.pipeline.test_arrows import Scene, scene_in, stored_file

DAY = 86_400.0


def wishes_of(database: Database, deadline: float = DAY) -> Wishes:
    return Wishes(database, Bell(database, "test"), deadline)


def closer_of(database: Database) -> Closer:
    return Closer(database, Bell(database, "test"))


async def outcome_of(scene: Scene) -> str | None:
    [attempt] = await images.attempts(scene.database, scene.image)
    return attempt.outcome


@pytest.mark.parametrize("outcome", [*RULES, "canceled"])
async def test_whatever_ends_the_attempt_of_an_unwanted_image_cancels_it(
    database: Database, outcome: str
) -> None:
    scene = await scene_in(database, "dispatched")
    await wishes_of(database).cancel_image(scene.image)
    assert (await scene.now()).images[0].status == "dispatched"
    assert await closer_of(database).end(scene.work(), outcome, "x")
    batch = await scene.now()
    assert (batch.status, batch.images[0].status) == ("canceled", "canceled")
    assert await outcome_of(scene) == ("canceled" if outcome == "interrupted" else outcome)
    assert (await scene.events())[-2:] == ["image.canceled", "batch.canceled"]


async def test_an_interruption_nobody_asked_for_is_a_misfortune(database: Database) -> None:
    scene = await scene_in(database, "dispatched")
    await closer_of(database).end(scene.work(), "interrupted", "x")
    assert (await scene.now()).images[0].status == "queued"
    assert await outcome_of(scene) == "interrupted"


async def test_a_picture_that_is_whole_wins(database: Database) -> None:
    scene = await scene_in(database, "dispatched")
    wishes = wishes_of(database)
    await wishes.cancel_batch(scene.batch)
    assert not await closer_of(database).store(scene.work(), stored_file())
    assert (await scene.now()).status == "completed"
    with pytest.raises(Conflict) as refused:
        await wishes.cancel_batch(scene.batch)
    assert refused.value.code == "already-stored"
    assert await images.unwanted(database, ["b1"]) == []


async def test_only_unwanted_attempts_of_these_backends_are_named(database: Database) -> None:
    scene = await scene_in(database, "dispatched", quantity=2)
    wishes = wishes_of(database)
    assert await images.unwanted(database, ["b1"]) == []
    await wishes.cancel_image(scene.image)
    assert await images.unwanted(database, ["b1", "b2"]) == [("b1", scene.prompt_id)]
    assert await images.unwanted(database, ["b2"]) == []


async def test_a_canceled_image_leaves_its_token_to_die(database: Database) -> None:
    scene = await scene_in(database, "queued")
    await wishes_of(database).cancel_batch(scene.batch)
    assert await scene.take("dispatch") is None
    async with database.session() as c:
        assert await c.fetchval("select count(*) from pgqueuer") == 1


async def test_cancels_and_ends_at_once_agree_with_the_counters(database: Database) -> None:
    """Thirty-two images end while their batch is canceled again and again."""
    batch = await Counter(database).accept(quantity=48)
    scenes = [Scene(database, batch.id, image.id) for image in batch.images]
    await scenes[0].lease()
    for slot, scene in enumerate(scenes[:32]):
        scene.prompt_id = str(uuid4())
        async with database.transaction() as c:
            await arrows.dispatch(c, scene.image, scene.prompt_id, Driver("b1", 1, slot))
    wishes, closer = wishes_of(database), closer_of(database)

    async def end(number: int, scene: Scene) -> None:
        if number % 2:
            await closer.store(scene.work(), stored_file(f"p{number}"))
        else:
            await closer.end(scene.work(), "lost", "x")

    await asyncio.gather(
        *(wishes.cancel_batch(batch.id) for _ in range(8)),
        *(end(number, scene) for number, scene in enumerate(scenes[:32])),
    )
    await wishes.cancel_batch(batch.id)  # what was lost before the first cancel waits by now
    now = await scenes[0].now()
    counters = now.counters
    statuses = [image.status for image in now.images]
    assert statuses.count("stored") == counters.stored == 16
    assert statuses.count("canceled") == counters.canceled == 32
    assert now.status == "partial"
    told = await scenes[0].events()
    assert told.count("image.canceled") == 32
    assert told[-1] == "batch.partial"
    assert told.count("batch.partial") == 1


async def test_ten_retries_at_once_put_an_image_in_line_once(database: Database) -> None:
    scene = await scene_in(database, "failed")
    wishes = wishes_of(database)
    retries = (wishes.retry_batch(scene.batch) for _ in range(10))
    answers = await asyncio.gather(*retries, return_exceptions=True)
    refused = [answer for answer in answers if isinstance(answer, Conflict)]
    assert len(refused) == 9
    assert {conflict.code for conflict in refused} == {"nothing-to-retry"}
    async with database.session() as c:
        row = await c.fetchrow("select tries, round, redraws from images")
        tokens = await c.fetch("select dedupe_key from pgqueuer")
    assert tuple(row) == (1, 1, 1)
    assert [token["dedupe_key"] for token in tokens].count(f"{scene.image}:1") == 1
    assert (await scene.now()).status == "queued"


async def test_a_retry_moves_the_deadline_forwards_only(database: Database) -> None:
    scene = await scene_in(database, "failed")
    before = (await scene.now()).deadline
    await wishes_of(database, deadline=60).retry_image(scene.image)
    assert (await scene.now()).deadline == before
    async with database.session() as c:
        await c.execute("update batches set deadline = now() - interval '1 hour'")
    await scene.take("expire")
    await wishes_of(database, deadline=60).retry_image(scene.image)
    async with database.session() as c:
        left = await c.fetchval("select extract(epoch from deadline - now())::float8 from batches")
    assert 50 < left <= 60


async def test_an_attempt_that_was_late_before_its_batch_had_time_anew_is_made_again(
    database: Database,
) -> None:
    scene = await scene_in(database, "dispatched")
    await closer_of(database).end(scene.work(), "late", "x")
    assert (await scene.now()).images[0].status == "queued"
    late = await scene_in(database, "dispatched")
    async with database.session() as c:
        await c.execute("update batches set deadline = now() - interval '1 hour'")
    await closer_of(database).end(late.work(), "late", "x")
    error = (await late.now()).images[0].error
    assert error
    assert error.code == "deadline-passed"


async def test_who_asks_for_what_is_not_there_is_told(database: Database) -> None:
    wishes = wishes_of(database)
    for ask in (wishes.cancel_batch, wishes.cancel_image, wishes.retry_batch, wishes.retry_image):
        with pytest.raises(Unknown):
            await ask(str(uuid4()))


async def test_a_wish_is_heard_in_other_processes(database: Database) -> None:
    ours, theirs = Bell(database, "ours"), Bell(database, "theirs")
    await theirs.start()
    await ours.start()
    try:
        async with asyncio.timeout(30):
            while not theirs.wishes.is_set():  # at first it must find out that somebody listens
                ours.ring("b", wish=True)
                await set_within(theirs.wishes, 0.1)
    finally:
        await ours.stop()
        await theirs.stop()
