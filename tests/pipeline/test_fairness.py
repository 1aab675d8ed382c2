"""Turns and caps as the database keeps them."""

from __future__ import annotations

import asyncio
from random import Random
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from safelight.core.errors import TooManyQueued
from safelight.core.fairness import Fairness
from safelight.core.records import ImageError, StoredFile
from safelight.database import arrows, batches, embedded, engine, images, shares
from safelight.database.arrows import Driver, NewSeed
from safelight.database.connection import Database
from safelight.database.migrations import migrations
from safelight.database.pruning import Retention
from safelight.pipeline.accept import Key
from safelight.pipeline.closing import Closer
from safelight.pipeline.dispatch import Pulled, pull
from safelight.pipeline.wishes import Wishes
from safelight.worker.reconcile import Reconciler
from tests.core.lines import Line
from tests.pipeline.orders import Counter

USERS = ("ann", "ben", "cyd")
WAITING = "select count(*) from pg_locks where locktype = 'advisory' and not granted"


# As the first version left it: two of three images of a pool were sent.
BEFORE = """
insert into backends (name, url, pool, slots)
    values ('b1', 'u', 'default', 2), ('b2', 'u', 'sdxl', 2);
insert into batches (id, user_id, character_id, prompt, quantity, pool, plan, deadline)
    values (gen_random_uuid(), 'a', 'm', '', 3, 'default', '{}', now());
insert into images (id, batch_id, user_id, character_id, index, pool, seed, seed_explicit, turn,
                    dispatched_at)
    select gen_random_uuid(), id, 'a', 'm', n, 'default', n, false, n * 100,
           case when n < 3 then now() end
    from batches, generate_series(1, 3) n;
"""


async def lease(database: Database, *names: str) -> None:
    async with database.session() as c:
        for name in names or ("b1",):
            await c.execute(
                "insert into backends (name, url, pool, slots, epoch, lease_until, state)"
                " values ($1, 'u', 'default', 2, 1, now() + interval '1 hour', 'ready')",
                name,
            )


async def draw(
    database: Database, slot: int = 0, cap: int | None = None, backend: str = "b1"
) -> Pulled:
    """What one look at the line gives; None in its work: nobody may be sent."""
    driver = Driver(backend, 1, slot)
    while True:
        pulled = await pull(database, "default", uuid4(), driver, lambda _: None, cap)
        if pulled.work or not pulled.more:
            return pulled


async def close(database: Database, prompt_id: str, outcome: str = "stored") -> None:
    async with database.session() as c:
        assert await images.close_attempt(c, prompt_id, 1, outcome, None)


async def turns_of(database: Database, batch: str) -> list[int]:
    async with database.session() as c:
        rows = await c.fetch("select turn from images where batch_id = $1 order by turn", batch)
    return [row["turn"] for row in rows]


@pytest.mark.parametrize("seed", range(4))
async def test_the_database_gives_the_turns_the_core_would(database: Database, seed: int) -> None:
    """Orders, drawings, cancels, lost prompts and retries, in any order: the same turns, the same
    next."""
    random = Random(seed)
    fairness = Fairness({"ann": random.choice([0.3, 1, 4]), "ben": random.choice([1, 0.01, 100])})
    await lease(database, "b0", "b1")
    counter, line = Counter(database, fairness=fairness), Line(fairness)
    wishes = Wishes(database, counter.bell, 60, fairness)
    queued: dict[str, list[tuple[int, str]]] = {user: [] for user in USERS}  # by turn
    for _ in range(90):
        user = random.choice(USERS)
        match random.choice(["order", "draw", "draw", "draw", "cancel", "lose", "retry"]):
            case "order":
                batch = await counter.accept(user=user, quantity=random.randint(1, 6))
                turns = list(line.order(user, len(batch.images)))
                assert await turns_of(database, batch.id) == turns
                ids = [image.id for image in reversed(batch.images)]
                queued[user] = sorted([*queued[user], *zip(turns, ids, strict=True)])
            case "cancel" if queued[user]:
                _, id = queued[user].pop()
                line.cancel(user)
                async with database.transaction() as c:
                    await images.lock(c, id)
                    assert await arrows.withdraw(c, id)
            case "draw" | "lose" | "retry" as what:
                pulled, first = await draw(database), line.draw()
                assert (pulled.work.user if pulled.work else None) == first
                if pulled.work is None or first is None:
                    continue
                turn, id = queued[first].pop(0)
                assert pulled.work.image == id
                await close(database, pulled.work.prompt_id)
                if what == "lose":
                    async with database.transaction() as c:
                        await images.lock(c, id)
                        assert await arrows.requeue(c, id, NewSeed(1, 0), "lost")
                    line.put_back(turn, first)
                    queued[first] = sorted([*queued[first], (turn, id)])
                if what == "retry":
                    await fail(database, id)
                    await wishes.retry_image(id)
                    [turn] = line.order(first, 1)
                    queued[first] = sorted([*queued[first], (turn, id)])


async def fail(database: Database, id: str) -> None:
    async with database.transaction() as c:
        await images.lock(c, id)
        assert await arrows.fail(c, id, ImageError("execution-failed", "it broke"))


async def test_who_retries_many_lines_up_like_who_orders_many(database: Database) -> None:
    """Ann's nine failed long ago, in turns that are over; she retries them while Ben waits with
    three: they take turns, the lowest index first, and her next order comes behind them all."""
    fairness = Fairness({"ann": 2})
    await lease(database)
    counter = Counter(database, fairness=fairness)
    failed = await counter.accept(user="ann", quantity=9)
    for _ in range(9):
        work = (await draw(database)).work
        assert work
        await close(database, work.prompt_id, "error")
        await fail(database, work.image)
    await counter.accept(user="ben", quantity=3)
    await Wishes(database, counter.bell, 60, fairness).retry_batch(failed.id)
    assert await turns_of(database, failed.id) == [500 + 50 * n for n in range(9)]
    later = await counter.accept(user="ann", quantity=1)
    assert await turns_of(database, later.id) == [950]
    async with database.session() as c:
        rows = await c.fetch(
            "select index from images where batch_id = $1 order by turn", failed.id
        )
        assert [row["index"] for row in rows] == list(range(1, 10))
        assert await c.fetchval("select turn from turns where user_id = 'ann'") == 950
    drawn = []
    for _ in range(6):
        work = (await draw(database)).work
        assert work
        drawn.append(work.user)
        await close(database, work.prompt_id)
    assert drawn.count("ben") == 2


async def test_retries_and_orders_at_once_never_take_a_turn_twice(database: Database) -> None:
    """Twelve images are retried one by one while their user orders twelve more and all are drawn:
    nobody waits for anybody in a circle, and every turn is given once."""
    await lease(database)
    counter = Counter(database)
    failed = await counter.accept(quantity=12)
    for image in failed.images:
        await fail_in_line(database, image.id)
    wishes = Wishes(database, counter.bell, 60)

    async def draw_some(slot: int) -> None:
        for _ in range(8):
            if work := (await draw(database, slot)).work:
                await close(database, work.prompt_id)

    await asyncio.gather(
        *(wishes.retry_image(image.id) for image in failed.images),
        *(counter.accept(quantity=2) for _ in range(6)),
        *(draw_some(slot) for slot in range(2)),
    )
    async with database.session() as c:
        turns = [row["turn"] for row in await c.fetch("select turn from images")]
    assert len(turns) == len(set(turns)) == 24


async def fail_in_line(database: Database, id: str) -> None:
    async with database.transaction() as c:
        await images.lock(c, id)
        assert await arrows.expire(c, id, ImageError("deadline-passed", "too late"))


async def test_a_backend_new_in_a_pool_begins_at_the_head_of_its_line(database: Database) -> None:
    await lease(database)
    await Counter(database).accept(quantity=9)
    await draw(database)
    async with database.session() as c:
        assert await c.fetchval("select clock from backends") == 100
    for name, pool, told in (("b1", "default", 100), ("b1", "sdxl", 0), ("b2", "default", 200)):
        await database.fetch("configure_backend", name, "u", pool, 2, f"http://{name}", "")
        async with database.session() as c:
            clock = await c.fetchval("select clock from backends where name = $1", name)
        assert clock == told


async def test_a_database_from_before_keeps_its_time(postgres: embedded.Server) -> None:
    """Its clock was never written down: those in line must not be passed by whoever comes next."""
    connection = await asyncpg.connect(**postgres.connect_arguments())
    try:
        await connection.execute("create schema before; set search_path = before")
        for migration in migrations():
            if migration.number == 1:
                await connection.execute(migration.text)
            if migration.number == 4:
                await connection.execute(BEFORE)
                await connection.execute(migration.text)
        clocks = await connection.fetch("select clock from backends order by name")
        assert [row["clock"] for row in clocks] == [200, 0]
    finally:
        await connection.execute("drop schema before cascade")
        await connection.close()


# --- queued_per_user ------------------------------------------------------------------------------


async def traces(database: Database) -> list[Any]:
    """Everything an order leaves."""
    tables = ("series", "turns", "batches", "images", "events", "idempotency_keys", "pgqueuer")
    async with database.session() as c:
        return [await c.fetch(f"table {table}") for table in tables]


async def test_one_too_many_is_refused_and_leaves_no_trace(database: Database) -> None:
    counter = Counter(database, fairness=Fairness(queued_per_user=5))
    await counter.accept(quantity=3)
    before = await traces(database)
    with pytest.raises(TooManyQueued) as refused:
        await counter.accept(Key("", "k1", "f1"), quantity=3, character="opal-fever")
    assert refused.value.status == 429
    assert 1 <= (refused.value.retry_after or 0) <= 60
    assert "3 unfinished images and may have 5" in refused.value.detail
    assert await traces(database) == before


async def test_its_key_is_free_again_and_others_are_not_held_up(database: Database) -> None:
    counter = Counter(database, fairness=Fairness(queued_per_user=4))
    first = await counter.accept(quantity=4)
    with pytest.raises(TooManyQueued):
        await counter.accept(Key("", "k1", "f1"), quantity=1)
    await counter.accept(user="ben", quantity=4)
    async with database.transaction() as c:
        await images.lock(c, first.images[0].id)
        await arrows.withdraw(c, first.images[0].id)
    accepted = await counter.accept(Key("", "k1", "f1"), quantity=1)
    assert accepted.images[0].index == 5
    again = await counter.accept(Key("", "k1", "f1"), quantity=1)  # a replay is no new order
    assert again.id == accepted.id


async def test_fifty_at_once_never_go_over_the_cap(database: Database) -> None:
    """Two doors, several characters, so nothing but the user's own lock makes it exact."""
    doors = [Counter(database, fairness=Fairness(queued_per_user=20)) for _ in range(2)]

    async def order(number: int) -> int:
        try:
            batch = await doors[number % 2].accept(
                quantity=3, character=("mira", "opal-fever")[number // 2 % 2]
            )
        except TooManyQueued:
            return 0
        return len(batch.images)

    accepted = await asyncio.gather(*(order(number) for number in range(50)))
    assert sum(accepted) == 18
    async with database.session() as c:
        assert await c.fetchval("select count(*) from images") == 18
        assert await c.fetchval("select sum(highest) from series") == 18


# --- in_flight_per_user ---------------------------------------------------------------------------


async def test_an_image_too_many_steps_aside_and_keeps_its_turn(database: Database) -> None:
    await lease(database)
    counter = Counter(database, fairness=Fairness(in_flight_per_user=1))
    await counter.accept(user="ann", quantity=3)
    await counter.accept(user="ann", quantity=1, character="opal-fever")
    await counter.accept(user="ben", quantity=1)
    first = (await draw(database, 0, cap=1)).work
    second = (await draw(database, 1, cap=1)).work
    assert first
    assert second
    assert (first.user, second.user) == ("ann", "ben")
    assert (await draw(database, 2, cap=1)).work is None
    async with database.session() as c:
        assert await c.fetchval("select count(*) from pgqueuer") == 0  # nothing is looked at twice
    await close(database, first.prompt_id)
    assert await shares.call_back(database, "ann")
    third = (await draw(database, 0, cap=1)).work
    assert third
    assert (third.user, third.character, third.index) == ("ann", "mira", 2)


async def test_one_that_is_just_set_aside_is_not_missed(database: Database) -> None:
    """Counted before the other ended, set aside after it: whoever calls back waits for it."""
    await lease(database)
    counter = Counter(database)
    await counter.accept(quantity=2)
    first = (await draw(database, 0, cap=1)).work
    assert first
    async with database.transaction() as c:
        token = await engine.take(c, "default", uuid4())
        assert token
        assert not await shares.has_room(c, token.image, 1)
        await close(database, first.prompt_id)
        calling = asyncio.create_task(shares.call_back(database, "ann"))
        async with asyncio.timeout(20):
            while not await c.fetchval(WAITING):  # noqa: ASYNC110 - locks have no event
                await asyncio.sleep(0.01)
        await shares.set_aside(c, token.image)
        await engine.finish(c, token)
    assert await calling
    assert (await draw(database, 0, cap=1)).work


@pytest.mark.parametrize("stored", [True, False])
async def test_when_one_ends_the_next_is_in_line_and_the_bell_rings(
    database: Database, stored: bool
) -> None:
    await lease(database)
    counter = Counter(database, fairness=Fairness(in_flight_per_user=1))
    await counter.accept(quantity=2)
    work = (await draw(database, 0, cap=1)).work
    assert work
    assert (await draw(database, 1, cap=1)).work is None
    rings = counter.bell.line.rings
    closer = Closer(database, counter.bell, 6, 1)
    if stored:
        assert not await closer.store(work, StoredFile("k", 1, "image/png", 1, 1, "s", "p"))
    else:
        assert await closer.end(work, "refused", "no")
    assert counter.bell.line.rings > rings
    following = (await draw(database, 0, cap=1)).work
    assert following
    assert following.image != work.image


async def test_many_workers_never_send_more_than_the_cap(database: Database) -> None:
    await lease(database, "b1")
    counter = Counter(database)  # with every token in line, as before the cap was set
    await counter.accept(user="ann", quantity=40)

    async def work(slot: int) -> int:
        return 1 if (await draw(database, slot, cap=3)).work else 0

    sent = await asyncio.gather(*(work(slot) for slot in range(8)))
    assert sum(sent) == 3


def reconciler_of(counter: Counter, cap: int | None) -> Reconciler:
    return Reconciler(Closer(counter.database, counter.bell, 6, cap), Retention(1, 1, 1), 20)


@pytest.mark.parametrize(("cap", "back"), [(3, 3), (None, 9)])
async def test_the_reconciler_calls_back_who_was_forgotten(
    database: Database, cap: int | None, back: int
) -> None:
    """Killed before calling back, or started again with another cap, or none."""
    counter = Counter(database, fairness=Fairness(in_flight_per_user=1))
    batch = await counter.accept(quantity=10)
    await lease(database)
    first = (await draw(database, 0, cap=1)).work
    assert first
    await close(database, first.prompt_id)
    await reconciler_of(counter, cap).call_back()
    async with database.session() as c:
        assert await c.fetchval("select count(*) from pgqueuer") == back
    assert (await draw(database, 0, cap=cap)).work is not None
    found = await batches.batch(database, batch.id)
    assert found is not None
    assert [image.status for image in found.images].count("dispatched") == 2


async def test_the_reconciler_leaves_those_aside_who_must_wait(database: Database) -> None:
    counter = Counter(database, fairness=Fairness(in_flight_per_user=1))
    await counter.accept(quantity=10)
    await lease(database)
    assert (await draw(database, 0, cap=1)).work
    async with database.session() as c:
        await c.execute("update images set queued_at = now() - interval '1 hour'")
    reconciler = reconciler_of(counter, 1)
    await reconciler.call_back()
    await reconciler.renew_tokens()
    async with database.session() as c:
        assert await c.fetchval("select count(*) from pgqueuer") == 0


async def test_an_image_aside_fails_at_its_deadline_like_any_other(database: Database) -> None:
    counter = Counter(database, fairness=Fairness(in_flight_per_user=1))
    batch = await counter.accept(quantity=3, deadline=1)
    reconciler = reconciler_of(counter, 1)
    async with database.session() as c:
        await c.execute("update batches set deadline = now() - interval '1 second'")
    await reconciler.expire_overdue()
    found = await batches.batch(database, batch.id)
    assert found is not None
    assert {image.error.code for image in found.images if image.error} == {"deadline-passed"}
    assert found.status == "failed"


async def test_a_cap_holds_the_lock_of_no_other_user(database: Database) -> None:
    counter = Counter(database, fairness=Fairness(queued_per_user=5))
    async with database.transaction() as c:
        await shares.unfinished(c, "ann")
        await asyncio.wait_for(counter.accept(user="ben"), 3)
        async with database.session() as other:
            await other.execute("set lock_timeout = 50")
            with pytest.raises(asyncpg.LockNotAvailableError):
                await shares.unfinished(other, "ann")
            await other.execute("set lock_timeout = 5000")
