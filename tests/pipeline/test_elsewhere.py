"""Which backends an image keeps off, for how long, and what if no other one is there."""

from __future__ import annotations

from typing import Any

import pytest

from safelight.database import leases
from safelight.database.bell import Bell
from safelight.database.connection import Database
from safelight.database.pruning import Retention
from safelight.pipeline.closing import Closer
from safelight.worker.reconcile import Reconciler
from tests.pipeline.test_arrows import Scene, scene_in

LOST_AFTER = 20.0  # s

# How the other backend of the pool is: state, drains, seconds until its lease ends.
READY = ("ready", False, 10)
RESTING = ("resting", False, 10)
DRAINING = ("ready", True, 10)
UNDRIVEN = ("ready", False, -60)
GONE = ("ready", False, -2 * leases.LATELY)


async def add(database: Database, name: str, state: str, drains: bool, left: float) -> None:
    async with database.session() as c:
        await c.execute(
            "insert into backends (name, url, pool, slots, state, draining, lease_until)"
            " values ($1, $1, 'default', 2, $2, $3, now() + make_interval(secs => $4))",
            name,
            state,
            drains,
            float(left),
        )


def closer_of(database: Database) -> Closer:
    return Closer(database, Bell(database, "test"))


async def reconcile(database: Database) -> None:
    reconciler = Reconciler(closer_of(database), Retention(1, 1, 1), LOST_AFTER)
    await reconciler.let_back()
    await reconciler.expire_undrawable()


async def row_of(scene: Scene) -> Any:
    async with scene.database.session() as c:
        return await c.fetchrow("select * from images where id = $1", scene.image)


@pytest.mark.parametrize(
    ("outcome", "other", "kept_off"),
    [
        *((outcome, READY, True) for outcome in ("cached", "unusable", "out-of-memory", "missing")),
        *((outcome, None, False) for outcome in ("cached", "unusable", "out-of-memory")),
        *(("cached", other, False) for other in (RESTING, DRAINING, UNDRIVEN, GONE)),
        *(("unusable", other, False) for other in (RESTING, DRAINING, UNDRIVEN, GONE)),
        *(("out-of-memory", other, True) for other in (RESTING, DRAINING, UNDRIVEN)),
        ("out-of-memory", GONE, False),
        ("error", READY, False),
        ("lost", READY, False),
    ],
)
async def test_an_image_keeps_off_a_backend_where_another_one_is_there(
    database: Database, outcome: str, other: tuple[str, bool, float] | None, kept_off: bool
) -> None:
    """It is queued again with the same seed; without another backend the same one has it again."""
    scene = await scene_in(database, "dispatched")
    before = await row_of(scene)
    if other:
        await add(database, "b2", *other)
    assert await closer_of(database).end(scene.work(), outcome, "x")
    after = await row_of(scene)
    assert (after["status"], after["seed"]) == ("queued", before["seed"])
    assert after["not_on"] == (["b1"] if kept_off else [])


async def test_an_image_that_is_let_back_can_be_drawn_there(database: Database) -> None:
    """While the other backend is ready this one does not get it; when that one rests, it does."""
    scene = await scene_in(database, "queued")
    await add(database, "b2", *READY)
    await kept_off(scene, "b1", "unusable")
    assert await scene.take("dispatch") is None
    async with database.session() as c:
        await c.execute("update backends set state = 'resting' where name = 'b2'")
        await c.execute("update images set queued_at = now() - interval '1 minute'")
    await reconcile(database)
    assert await scene.take("dispatch") is not None


async def kept_off(scene: Scene, backend: str, outcome: str) -> None:
    """Its last attempt was there and ended so."""
    async with scene.database.session() as c:
        await c.execute("update images set not_on = not_on || $1::text", backend)
        await c.execute(
            "insert into attempts (prompt_id, image_id, round, backend, epoch, slot, seed, outcome,"
            " detail, closed_at) values (gen_random_uuid(), $1, 0, $2, 1, 0, 1, $3, 'it said so',"
            " now())",
            scene.image,
            backend,
            outcome,
        )


@pytest.mark.parametrize(
    ("outcome", "other", "waited", "let_back"),
    [
        ("unusable", READY, 3600, False),
        ("unusable", RESTING, LOST_AFTER - 10, False),
        ("unusable", RESTING, LOST_AFTER + 10, True),
        ("cached", DRAINING, LOST_AFTER + 10, True),
        ("cached", UNDRIVEN, LOST_AFTER + 10, True),
        ("out-of-memory", RESTING, 3600, False),
        ("out-of-memory", UNDRIVEN, 3600, False),
        ("out-of-memory", GONE, 0, True),
        ("missing", RESTING, 3600, False),
    ],
)
async def test_an_image_that_waits_in_vain_for_another_backend_is_let_back(
    database: Database,
    outcome: str,
    other: tuple[str, bool, float],
    waited: float,
    let_back: bool,
) -> None:
    """Where the other one was only better it is waited for as long as a silent one is, where this
    one would fail again as long as anybody drives the other; nothing fails for it."""
    scene = await scene_in(database, "queued")
    await add(database, "b2", *other)
    await kept_off(scene, "b1", outcome)
    async with database.session() as c:
        await c.execute("update images set queued_at = now() - make_interval(secs => $1)", waited)
    await reconcile(database)
    after = await row_of(scene)
    assert (after["status"], after["not_on"]) == ("queued", [] if let_back else ["b1"])


async def test_only_what_is_missing_keeps_an_image_off_for_good(database: Database) -> None:
    """b1 lacks its model, b2 gave half a picture, and b3 has gone: b2 has it again, b1 never."""
    scene = await scene_in(database, "queued")
    await add(database, "b2", *READY)
    await add(database, "b3", *GONE)
    await kept_off(scene, "b1", "missing")
    await kept_off(scene, "b2", "unusable")
    await reconcile(database)
    after = await row_of(scene)
    assert (after["status"], after["not_on"]) == ("queued", ["b1"])


@pytest.mark.parametrize(
    ("kept_off_of", "outcome", "ends"),
    [(None, "", False), ("b2", "missing", False), ("b1", "missing", True), ("b1", "cached", False)],
)
async def test_an_image_that_no_backend_of_the_pool_can_draw_any_more_fails(
    database: Database, kept_off_of: str | None, outcome: str, ends: bool
) -> None:
    """Only those that were driven of late count: b2 may come back, b0 is gone for good."""
    scene = await scene_in(database, "queued")
    if kept_off_of:
        await kept_off(scene, kept_off_of, outcome)
    await add(database, "b0", *GONE)
    await reconcile(database)
    [image] = (await scene.now()).images
    assert image.status == ("failed" if ends else "queued")
    assert image.error is None or image.error.code == "no-backend-can"
    assert image.error is None or "it said so" in image.error.detail
