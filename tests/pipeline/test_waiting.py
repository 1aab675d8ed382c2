"""Places in the line and measured rates, as the database tells them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from safelight.core.fairness import Fairness
from safelight.core.records import Batch
from safelight.database import shares
from safelight.database.connection import Database, sql
from safelight.pipeline.waiting import Outlook, outlook, until_fewer
from tests.pipeline.orders import Counter
from tests.pipeline.test_fairness import draw, lease

MANY = 100_000


async def drawn_before(
    database: Database, backend: str, seconds: list[float], workflow: str = "quick"
) -> None:
    """Attempts that ended one after the other, the last one just now; all were sent long before."""
    batch = await Counter(database).accept(user="old", character="opal-fever", quantity=1)
    ago = 0.0
    async with database.session() as c:
        await c.execute(
            "update images set status = 'stored', key = 'k', pixels_sha256 = 'p' where id = $1",
            batch.images[0].id,
        )
        for one in reversed(seconds):
            await c.execute(
                "insert into attempts (prompt_id, image_id, round, backend, epoch, slot, seed,"
                " workflow, outcome, opened_at, closed_at) select gen_random_uuid(), $1, 0, $2, 1,"
                " 0, 1, $3, 'stored', now() - make_interval(secs => greatest($4::float8 + $5, 90)),"
                " now() - make_interval(secs => $4)",
                batch.images[0].id,
                backend,
                workflow,
                ago,
                one,
            )
            ago += one


def waits(batch: Batch, told: Outlook, since: Any) -> list[float | None]:
    """Seconds from then, lowest index first."""
    etas = [told.etas[image.id] for image in reversed(batch.images)]
    return [None if eta is None else (eta - since).total_seconds() for eta in etas]


async def now_of(database: Database) -> Any:
    async with database.session() as c:
        return await c.fetchval("select now()")


async def test_places_count_those_who_are_drawn_before(database: Database) -> None:
    counter = Counter(database)
    await counter.accept(user="ann", quantity=6)
    batch = await counter.accept(user="ben", quantity=3)
    await counter.accept(user="cyd", quantity=6)
    told = await outlook(database, batch)
    lowest_first = [told.places[image.id] for image in reversed(batch.images)]
    async with database.session() as c:
        line = await c.fetch("select id from images order by turn, queued_at, id")
    ids = [str(row["id"]) for row in line]
    assert lowest_first == [ids.index(image.id) + 1 for image in reversed(batch.images)]
    assert told.eta is None  # nobody draws


async def test_whoever_is_aside_does_not_stand_before_others(database: Database) -> None:
    counter = Counter(database, fairness=Fairness(in_flight_per_user=1))
    held = await counter.accept(user="ann", quantity=50)
    batch = await counter.accept(user="ben", quantity=1)
    assert list((await outlook(database, batch)).places.values()) == [2]
    await lease(database)
    await drawn_before(database, "b1", [1.0])
    told = await outlook(database, held)
    assert sorted(told.places.values(), key=lambda place: place or 0)[0] == 1
    assert [eta is None for eta in told.etas.values()].count(False) == 1
    assert told.eta is None  # of those aside nobody knows


async def test_etas_follow_from_the_line_and_the_measured_rate(database: Database) -> None:
    await lease(database)
    await drawn_before(database, "b1", [9.0, 2.0, 2.0, 2.0])
    batch = await Counter(database).accept(quantity=4)
    since = await now_of(database)
    told = await outlook(database, batch)
    assert waits(batch, told, since) == [pytest.approx(n, abs=0.3) for n in (2, 4, 6, 8)]
    assert told.eta == max(eta for eta in told.etas.values() if eta)


async def test_an_image_at_a_backend_is_next_to_be_stored(database: Database) -> None:
    await lease(database)
    await drawn_before(database, "b1", [3.0] * 5)
    counter = Counter(database)
    batch = await counter.accept(quantity=3)
    for slot in (0, 1):
        assert (await draw(database, slot)).work
    since = await now_of(database)
    told = await outlook(database, batch)
    assert waits(batch, told, since) == [pytest.approx(n, abs=0.3) for n in (3, 6, 9)]
    assert [told.places.get(image.id) for image in batch.images] == [1, None, None]


async def test_an_image_that_ended_since_the_batch_was_read_is_there(database: Database) -> None:
    batch = await Counter(database).accept(quantity=1)
    async with database.session() as c:
        await c.execute(
            "update images set status = 'stored', key = 'k', pixels_sha256 = 'p' where id = $1",
            batch.images[0].id,
        )
    since = await now_of(database)
    assert waits(batch, await outlook(database, batch), since) == [pytest.approx(0, abs=0.3)]


@pytest.mark.parametrize(
    "spoilt",
    [
        "update backends set state = 'resting'",
        "update backends set lease_until = now() - interval '1 second'",
        "update backends set pool = 'other'",
        "update attempts set workflow = 'other'",
        "update attempts set outcome = 'lost'",
        "delete from attempts",
    ],
)
async def test_where_nothing_is_known_nothing_is_told(database: Database, spoilt: str) -> None:
    """No ready backend in the pool, or nobody measured with this workflow."""
    await lease(database)
    await drawn_before(database, "b1", [1.0])
    batch = await Counter(database).accept(quantity=2)
    assert (await outlook(database, batch)).eta is not None
    async with database.session() as c:
        await c.execute(spoilt)
    told = await outlook(database, batch)
    assert set(told.etas.values()) == {None}
    assert sorted(told.places.values(), key=lambda place: place or 0) == [1, 2]


async def test_only_the_last_twenty_count(database: Database) -> None:
    await lease(database)
    await drawn_before(database, "b1", [8.0] * 19 + [1.0] * 20)
    batch = await Counter(database).accept(quantity=1)
    since = await now_of(database)
    assert waits(batch, await outlook(database, batch), since) == [pytest.approx(1, abs=0.3)]


async def test_how_long_a_user_is_told_to_wait(database: Database) -> None:
    counter = Counter(database)
    await counter.accept(quantity=40)
    assert await until_fewer(database, "ann", "default", "quick", 3) == 10
    await lease(database)
    await drawn_before(database, "b1", [4.0] * 5)
    for many, told in ((1, 4), (3, 12), (30, 60), (99, 60)):
        wait = await until_fewer(database, "ann", "default", "quick", many)
        assert wait == pytest.approx(told, abs=0.5)
    assert await until_fewer(database, "nobody", "default", "quick", 1) == 10


def nodes(plan: Any) -> Iterator[Any]:
    yield plan
    for below in plan.get("Plans", ()):
        yield from nodes(below)


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["force_custom_plan", "force_generic_plan"])
async def test_a_hundred_thousand_in_line_are_never_read_one_by_one(
    database: Database, mode: str
) -> None:
    """Places are counted in the index of the line; the images are never read from end to end."""
    await lease(database)
    await drawn_before(database, "b1", [1.0] * 20)
    counter = Counter(database)
    crowd = await counter.accept(user="crowd", quantity=1)
    async with database.session() as c:
        await c.execute(
            "insert into images (id, batch_id, user_id, character_id, index, pool, seed,"
            " seed_explicit, turn) select gen_random_uuid(), $1, 'crowd', 'mira', 1 + n, 'default',"
            " n, false, 100 + n from generate_series(1, $2::int) n",
            crowd.id,
            MANY,
        )
        await c.execute("insert into turns values ('default', 'ann', $1)", MANY + 100)
        await c.execute("vacuum analyze images")
    batch = await counter.accept(quantity=4)
    ids = [image.id for image in batch.images]
    async with database.session() as c:
        await c.execute(f"set plan_cache_mode = {mode}")
        explained = await c.fetchval(
            "explain (format json) " + sql("forecast"), ids, "default", "quick"
        )
        await c.execute("reset plan_cache_mode")
    read = [node for node in nodes(json.loads(explained)[0]["Plan"]) if "Relation Name" in node]
    assert {node["Relation Name"] for node in read} >= {"images", "attempts", "backends"}
    assert [
        n for n in read if n["Node Type"] == "Seq Scan" and n["Relation Name"] == "images"
    ] == []
    counting = next(n for n in read if n.get("Index Name") == "images_waiting")
    assert counting["Node Type"] == "Index Only Scan", explained
    _, _, standings, _ = await shares.standings(database, ids, "default", "quick")
    places = sorted(standing.place or 0 for standing in standings.values())
    assert places == [MANY + 2, MANY + 3, MANY + 4, MANY + 5]
