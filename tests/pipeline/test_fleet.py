"""What whoever runs the render servers is told of what they draw, and how fast."""

from __future__ import annotations

import pytest

from safelight.database.connection import Database
from safelight.gateway.fleet import Fleet
from safelight.pipeline.waiting import outlook
from tests.pipeline.orders import Counter
from tests.pipeline.test_arrows import Scene
from tests.pipeline.test_fairness import draw, lease
from tests.pipeline.test_waiting import drawn_before


async def test_each_backend_says_what_it_has_first_what_it_draws_first(database: Database) -> None:
    """Two backends with two images each, of two users; what waits in line is nowhere."""
    await lease(database, "b1", "b2", "b3")
    counter = Counter(database)
    await counter.accept(user="ann", quantity=2)
    await counter.accept(user="ben", character="opal-fever", quantity=3)
    sent: dict[str, list[str]] = {"b1": [], "b2": [], "b3": []}
    for backend, slot in (("b1", 0), ("b2", 0), ("b1", 1), ("b2", 1)):
        work = (await draw(database, slot, backend=backend)).work
        assert work
        sent[backend].append(work.image)
    told = {one.name: one.drawing for one in await Fleet(database).backends()}
    assert {name: [one.image for one in drawing] for name, drawing in told.items()} == sent
    async with database.session() as c:
        for drawing in told.values():
            for one in drawing:
                image = await c.fetchrow("select * from images where id = $1", one.image)
                assert (one.user, one.character, one.index, one.batch) == (
                    *(image["user_id"], image["character_id"], image["index"]),
                    str(image["batch_id"]),
                )
                opened = "select opened_at from attempts where image_id = $1"
                assert one.since == await c.fetchval(opened, one.image)


async def test_what_has_ended_is_not_drawn(database: Database) -> None:
    await lease(database)
    batch = await Counter(database).accept(quantity=1)
    scene = Scene(database, batch.id, batch.images[0].id)
    assert await scene.take("dispatch")
    assert [len(one.drawing) for one in await Fleet(database).backends()] == [1]
    assert await scene.take("keep")
    assert [len(one.drawing) for one in await Fleet(database).backends()] == [0]


async def test_a_pace_is_what_the_forecast_counts_with(database: Database) -> None:
    """The median of the last twenty, of any workflow, each backend for itself; null where nothing
    was stored. Of one workflow it is the forecast's own."""
    await lease(database, "b1", "b2", "b3")
    await drawn_before(database, "b1", [9.0] * 19 + [2.0] * 20)
    await drawn_before(database, "b2", [9.0, 6.0, 6.0, 6.0], "other")
    told = {one.name: one.seconds_per_image for one in await Fleet(database).backends()}
    assert told == {
        "b1": pytest.approx(2, abs=0.1),
        "b2": pytest.approx(6, abs=0.1),
        "b3": None,
    }
    async with database.session() as c:
        await c.execute("update backends set state = 'resting' where name <> 'b1'")
        now = await c.fetchval("select now()")
    batch = await Counter(database).accept(quantity=1)
    eta = (await outlook(database, batch)).eta
    assert eta
    assert (eta - now).total_seconds() == pytest.approx(told["b1"], abs=0.3)
