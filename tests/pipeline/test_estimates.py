"""What an order is told before it is given is what it is told when it was."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import pytest

from safelight.core.errors import TooManyQueued
from safelight.core.fairness import Fairness
from safelight.core.planning import make_plan
from safelight.core.records import Limits
from safelight.database.connection import Database
from safelight.pipeline.waiting import Estimate, estimate, outlook
from tests.pipeline.orders import CATALOGUE, ORDER, Counter
from tests.pipeline.test_fairness import draw, lease
from tests.pipeline.test_waiting import drawn_before

USERS = ("ann", "ben", "cyd", "dan")
ROWS = "select one::text from $ one order by 1"
TABLES = "select tablename from pg_tables where schemaname = 'public' order by 1"


async def asked(counter: Counter, **fields: Any) -> Estimate:
    order = replace(ORDER, **fields)
    plan, _ = make_plan(order, CATALOGUE, Limits())
    return await estimate(counter.database, order, plan, counter.acceptor.fairness)


async def everything(database: Database) -> dict[str, list[str]]:
    """Every row there is."""
    async with database.session() as c:
        return {
            table: [row[0] for row in await c.fetch(ROWS.replace("$", table))]
            for (table,) in await c.fetch(TABLES)
        }


@pytest.mark.parametrize("seed", range(3))
async def test_it_is_what_the_order_is_told_afterwards(database: Database, seed: int) -> None:
    """Users of different weights order and are drawn at random. Before each order it is asked when
    it would be there: its first image then has the place behind as many as were said, and its
    batch is expected when it was said. Asking writes nothing."""
    by_chance = random.Random(seed)
    fairness = Fairness({"ben": 3.0, "cyd": 0.3})
    counter = Counter(database, fairness=fairness)
    await lease(database, "b1", "b2")
    await drawn_before(database, "b1", [40.0] * 5)
    await drawn_before(database, "b2", [90.0] * 5)
    free = [("b1", 0), ("b2", 0), ("b1", 1), ("b2", 1)]
    for _ in range(14):
        fields: dict[str, Any] = {
            "user": by_chance.choice(USERS),
            "quantity": by_chance.randint(1, 9),
        }
        before = await everything(database)
        told = await asked(counter, **fields)
        assert await everything(database) == before
        batch = await counter.accept(**fields)
        then = await outlook(database, batch)
        places = sorted(place or 0 for place in then.places.values())
        assert (told.quantity, told.ahead + 1) == (fields["quantity"], places[0])
        assert told.eta
        assert then.eta
        # What is drawn already is a little further by then.
        assert abs((then.eta - told.eta).total_seconds()) < 20
        assert told.held is None
        if free and by_chance.random() < 0.3:
            backend, slot = free.pop()
            assert (await draw(database, slot, backend=backend)).work


async def test_where_nobody_is_before_it_it_takes_what_it_takes(database: Database) -> None:
    counter = Counter(database)
    await lease(database)
    nothing = await asked(counter, quantity=3)
    assert (nothing.seconds, nothing.eta, nothing.ahead) == (None, None, 0)
    await drawn_before(database, "b1", [2.0] * 5)
    told = await asked(counter, quantity=3)
    assert told.seconds == pytest.approx(6, abs=0.1)
    assert told.ahead == 0
    other = await asked(counter, quantity=3, deadline=1, metadata={"a": 1})
    assert (other.seconds, other.ahead) == (told.seconds, 0)


async def test_whoever_has_ordered_much_stands_behind_who_has_not(database: Database) -> None:
    counter = Counter(database)
    await counter.accept(user="ann", quantity=50)
    assert (await asked(counter, user="ann", quantity=1)).ahead == 50
    assert (await asked(counter, user="ben", quantity=1)).ahead == 1
    other = await asked(counter, user="ben", quantity=9)
    assert (other.ahead, other.quantity) == (1, 9)


async def test_of_what_would_wait_for_a_cap_nothing_is_known(database: Database) -> None:
    counter = Counter(database, fairness=Fairness(in_flight_per_user=2))
    await lease(database)
    await drawn_before(database, "b1", [1.0] * 5)
    assert (await asked(counter, quantity=2)).seconds is not None
    assert (await asked(counter, quantity=3)).seconds is None


async def test_what_would_be_too_many_is_refused_as_the_order_is(database: Database) -> None:
    counter = Counter(database, fairness=Fairness(queued_per_user=5))
    await lease(database)
    await drawn_before(database, "b1", [4.0] * 5)
    await counter.accept(quantity=4)
    assert (await asked(counter, quantity=1)).quantity == 1
    refusals = []
    for ask in (counter.accept(quantity=2), asked(counter, quantity=2)):
        with pytest.raises(TooManyQueued) as refused:
            await ask
        refusals.append((refused.value.detail, round(refused.value.retry_after or 0)))
    assert refusals[0] == refusals[1]


async def test_of_what_is_held_the_reason_is_told(database: Database) -> None:
    counter = Counter(database)
    await lease(database)
    await drawn_before(database, "b1", [4.0] * 5)
    plan, _ = make_plan(ORDER, CATALOGUE, Limits())
    async with database.session() as c:
        await c.execute(
            "insert into holds (pool, graph, workflow, backends) values ($1, $2, $3, $4)",
            *(plan.pool, plan.graph, plan.workflow, ["b1", "b2"]),
        )
    told = await asked(counter)
    assert (told.seconds, told.eta) == (None, None)
    assert told.held
    assert "b1" in told.held
