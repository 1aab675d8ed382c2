"""What happens is told once, by whoever did it, and only when it has happened."""

from __future__ import annotations

from typing import Any

import pytest

from safelight.core.facts import BackendFact, LineFact
from safelight.core.happenings import (
    AttemptEnded,
    BatchAccepted,
    BatchEnded,
    Happening,
    ImageEnded,
    QueuedAgain,
)
from safelight.core.states import ARROWS
from safelight.database import arrows, facts, images
from safelight.database.connection import Database
from tests.pipeline.orders import Counter
from tests.pipeline.test_arrows import DRIVER, scene_in, stored_file


@pytest.fixture
def told(database: Database) -> list[Happening]:
    """What was told to be counted, in its order; the list grows."""
    happened: list[Happening] = []
    database.count = happened.append
    return happened


TOLD: dict[str, list[type[Happening]]] = {
    "dispatch": [],
    "withdraw": [ImageEnded, BatchEnded],
    "expire": [ImageEnded, BatchEnded],
    "keep": [AttemptEnded, ImageEnded, BatchEnded],
    "requeue": [AttemptEnded, QueuedAgain],
    "fail": [ImageEnded, BatchEnded],
    "cancel": [ImageEnded, BatchEnded],
    "retry": [QueuedAgain],
}


@pytest.mark.parametrize("name", [arrow.name for arrow in ARROWS])
async def test_every_arrow_tells_what_it_has_done(
    database: Database, told: list[Happening], name: str
) -> None:
    """After the commit; what cannot be taken tells nothing."""
    source = next(arrow.source for arrow in ARROWS if arrow.name == name)
    scene = await scene_in(database, source)
    told.clear()
    async with database.transaction() as c:
        assert await scene.take_in(c, name) is not None
        assert told == []
    assert [type(one) for one in told] == TOLD[name]
    if BatchEnded in TOLD[name]:
        status = (await scene.now()).status
        assert told[-1] == BatchEnded("mira", status)
        told.clear()
        assert await scene.take(name) is None
        assert told == []


async def test_what_was_rolled_back_did_not_happen(
    database: Database, told: list[Happening]
) -> None:
    """And is not told later, by whoever gets the session next."""
    scene = await scene_in(database, "queued")
    told.clear()

    async def broken() -> None:
        async with database.transaction() as c:
            await scene.take_in(c, "withdraw")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await broken()
    for _ in range(3):
        await database.fetch("backends")
    assert told == []


async def test_a_stored_image_tells_how_long_it_took(
    database: Database, told: list[Happening]
) -> None:
    """Its attempt since it was opened, the image since it was ordered; two days ago here. A retried
    one since it was asked for again."""
    scene = await scene_in(database, "dispatched")
    told.clear()
    async with database.transaction() as c:
        await c.execute("update batches set created_at = created_at - interval '2 days'")
        await c.execute("update attempts set opened_at = opened_at - interval '1 hour'")
    async with database.session() as c:
        assert await arrows.keep(c, scene.work(), stored_file()) is not None
    attempt, image, _ = told
    assert isinstance(attempt, AttemptEnded)
    assert (attempt.backend, attempt.outcome) == ("b1", "stored")
    assert 3600 <= attempt.seconds < 3600 + 600
    assert isinstance(image, ImageEnded)
    assert image.seconds is not None
    assert 172_800 <= image.seconds < 172_800 + 600


async def test_a_retried_image_is_measured_from_the_retry_on(
    database: Database, told: list[Happening]
) -> None:
    scene = await scene_in(database, "failed")
    async with database.transaction() as c:
        await c.execute("update batches set created_at = created_at - interval '2 days'")
    for name in ("retry", "dispatch", "keep"):
        assert await scene.take(name) is not None
    [image] = [one for one in told if isinstance(one, ImageEnded) and one.status == "stored"]
    assert image.seconds is not None
    assert image.seconds < 600


async def test_an_attempt_that_another_one_makes_spare_is_told_as_such(
    database: Database, told: list[Happening]
) -> None:
    """The first was given up and drawn anew; it is back with its picture, the second is spare."""
    scene = await scene_in(database, "dispatched")
    first = scene.prompt_id
    assert await scene.take("requeue") is not None
    async with database.transaction() as c:  # with the seed it had
        await c.execute("update images set seed = (select seed from attempts limit 1)")
    assert await scene.take("dispatch") is not None
    told.clear()
    async with database.transaction() as c:
        image = await images.lock(c, scene.image)
        assert image is not None
        assert await arrows.take_back(c, image, first, DRIVER)
    assert [(type(one), getattr(one, "outcome", None)) for one in told] == [(AttemptEnded, "spare")]


async def test_an_order_is_told_and_a_replay_is_not(
    database: Database, told: list[Happening]
) -> None:
    await Counter(database).accept(quantity=3)
    assert told == [BatchAccepted("mira")]


async def test_the_whole_system_in_one_statement(database: Database) -> None:
    """Lines of pools that have a backend or something waiting, and what each backend has open."""
    assert (await facts.facts(database)).lines == ()
    scene: Any = await scene_in(database, "dispatched", quantity=3)
    found = await facts.facts(database)
    [line] = found.lines
    assert (line.pool, line.depth) == ("default", 2)
    assert 0 <= line.wait < 60
    assert found.backends == (BackendFact("b1", "default", 2, 1, "unknown"),)
    assert (found.copies, found.deliveries) == ((), 0)
    async with database.transaction() as c:
        await c.execute("update backends set state = 'resting', reason = 'stuck: no progress'")
        await c.execute("update images set held = true where status = 'queued'")
        await c.execute(
            "insert into publications (image_id, publisher) values ($1, 'cdn'), ($1, 'far')",
            scene.image,
        )
    found = await facts.facts(database)
    assert found.lines == (LineFact("default", 2, 0.0),)  # what is held waits for somebody
    assert found.backends[0].why == "stuck"
    assert found.copies == (("cdn", 1), ("far", 1))


async def test_a_backend_that_is_gone_for_a_day_is_no_fact_any_more(database: Database) -> None:
    await scene_in(database, "queued")
    async with database.transaction() as c:
        await c.execute(
            "update backends set lease_until = '-infinity', seen_at = null,"
            " configured_at = now() - interval '23 hours'"
        )
    assert (await facts.facts(database)).backends[0].why == "undriven"
    async with database.transaction() as c:
        await c.execute("update backends set configured_at = now() - interval '25 hours'")
    assert (await facts.facts(database)).backends == ()
