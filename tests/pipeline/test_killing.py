"""Graphs under which backends die, as the database holds them."""

from __future__ import annotations

from dataclasses import replace
from uuid import uuid4

import pytest

from safelight.core.graph import graph_hash
from safelight.core.planning import make_plan
from safelight.core.records import Batch, Limits, StoredFile
from safelight.database import batches, holds, images
from safelight.database.bell import Bell
from safelight.database.connection import Database
from safelight.database.images import Work
from safelight.database.pruning import Retention
from safelight.pipeline.closing import Closer
from safelight.pipeline.waiting import outlook
from safelight.pipeline.wishes import Wishes
from safelight.worker.reconcile import Reconciler
from tests.pipeline.orders import CATALOGUE, ORDER, QUICK, Counter
from tests.pipeline.test_fairness import draw, lease


def closer_of(database: Database) -> Closer:
    return Closer(database, Bell(database, "test"))


async def drawing(database: Database) -> Work:
    """The next image of the line at a backend."""
    work = (await draw(database)).work
    assert work is not None
    return work


async def die(database: Database, times: int = 1) -> Work:
    """Backends die under the next images, one after the other; the last attempt."""
    for _ in range(times):
        work = await drawing(database)
        await closer_of(database).end(work, "died", "it died")
    return work


async def store(database: Database, work: Work) -> None:
    file = StoredFile(f"{uuid4()}.png", 100, "image/png", 64, 64, "s", str(uuid4()))
    await closer_of(database).store(work, file)


async def order_another_graph(database: Database) -> Batch:
    """One image of a graph that differs from the others'."""
    graph = {**QUICK.graph, "99": {"class_type": "EmptyImage", "inputs": {}}}
    plan, _ = make_plan(replace(ORDER, quantity=1), CATALOGUE, Limits())
    plan = replace(plan, graph=graph_hash(graph))
    order = replace(ORDER, quantity=1)
    accepted = await Counter(database).acceptor.accept(order, plan, graph)
    assert isinstance(accepted, Batch)
    return accepted


async def now(database: Database, batch: Batch) -> Batch:
    found = await batches.batch(database, batch.id)
    assert found is not None
    return found


async def test_a_graph_is_held_after_the_second_death_and_others_pass(database: Database) -> None:
    """The image under which the second backend died fails with its reason; the others of its graph
    wait beside the line with theirs, and those of another graph are drawn."""
    await lease(database)
    batch = await Counter(database).accept(quantity=3)
    work = await die(database, 2)
    other = await order_another_graph(database)
    passed = await drawing(database)
    assert passed.batch == other.id
    await store(database, passed)
    assert (await draw(database)).work is None
    [hold] = await holds.holds(database)
    assert (hold.pool, hold.workflow, hold.backends) == ("default", "quick", ("b1", "b1"))
    told = await now(database, batch)
    states = {image.id: image.status for image in told.images}
    assert sorted(states.values()) == ["failed", "queued", "queued"]
    [failed] = [image for image in told.images if image.status == "failed"]
    assert failed.id == work.image
    assert failed.error is not None
    assert failed.error.code == "kills-backends"
    assert failed.error.detail.startswith("b1 died again and again while drawing")
    expected = await outlook(database, told)
    assert expected.held == hold.reason
    assert set(expected.etas.values()) == {None}
    assert expected.places == {}
    waiting = next(image.id for image in told.images if image.status == "queued")
    assert await holds.hold_of_image(database, waiting) == hold
    assert await holds.hold_of_image(database, failed.id) is None


@pytest.mark.parametrize("pool", [None, "default"])
async def test_a_resumed_graph_is_drawn_in_its_old_order(
    database: Database, pool: str | None
) -> None:
    """Images that waited come back with their turns, and what died before counts no more."""
    await lease(database)
    batch = await Counter(database).accept(quantity=3)
    await die(database, 2)
    assert (await draw(database)).work is None
    assert await holds.resume(database, "quick", None, "elsewhere") == set()
    assert (await draw(database)).work is None
    assert await holds.resume(database, "quick", None, pool) == {"default"}
    assert await holds.holds(database) == []
    first = await die(database)
    second = await drawing(database)
    assert first.image == second.image
    await store(database, second)
    await store(database, await drawing(database))
    assert [image.status for image in (await now(database, batch)).images].count("stored") == 2


async def test_a_graph_is_resumed_by_its_content_too(database: Database) -> None:
    """The workflow has another name by now."""
    await lease(database)
    await Counter(database).accept(quantity=2)
    await die(database, 2)
    assert await holds.resume(database, "renamed", graph_hash(QUICK.graph), None) == {"default"}


async def test_a_picture_clears_its_graph(database: Database) -> None:
    """Backends die and die, with a picture of the graph between them: nothing is held. And since
    the graph works, it is held at the fourth death in a row only."""
    await lease(database)
    await Counter(database).accept(quantity=8)
    for _ in range(3):
        await die(database)
        await store(database, await drawing(database))
    await die(database, 3)
    assert await holds.holds(database) == []
    await die(database)
    [hold] = await holds.holds(database)
    assert hold.backends == ("b1",) * 4


async def test_a_picture_of_yesterday_speaks_for_nobody(database: Database) -> None:
    """The graph worked two hours ago, and kills now."""
    await lease(database)
    await Counter(database).accept(quantity=3)
    await store(database, await drawing(database))
    async with database.session() as c:
        await c.execute("update images set finished_at = finished_at - interval '2 hours'")
    await die(database, 2)
    assert len(await holds.holds(database)) == 1


async def test_where_servers_die_under_others_too_a_graph_is_given_more_time(
    database: Database,
) -> None:
    """What died an hour ago says nothing about that."""
    await lease(database)
    await order_another_graph(database)
    await die(database)
    batch = await Counter(database).accept(quantity=2)
    while (work := await drawing(database)).batch != batch.id:
        await store(database, work)
    for _ in range(3):
        await closer_of(database).end(work, "died", "it died")
        assert await holds.holds(database) == []
        work = await drawing(database)
    async with database.session() as c:
        await c.execute(
            "update deaths set died_at = died_at - interval '61 minutes' where graph <> $1",
            graph_hash(QUICK.graph),
        )
    await closer_of(database).end(work, "died", "it died")
    [hold] = await holds.holds(database)
    assert hold.graph == graph_hash(QUICK.graph)


async def test_a_server_that_draws_the_same_and_lives_speaks_for_the_graph(
    database: Database,
) -> None:
    """One server dies twice, while another has drawn the graph for longer: nothing is held. When
    that one dies as well, it is."""
    await lease(database)
    await lease(database, "b2")
    await Counter(database).accept(quantity=3)
    lives = (await draw(database, backend="b2")).work
    assert lives is not None
    await die(database, 2)
    assert await holds.holds(database) == []
    await closer_of(database).end(lives, "died", "it died")
    [hold] = await holds.holds(database)
    assert hold.backends == ("b1", "b1", "b2")


async def test_a_prompt_that_waits_behind_another_speaks_for_nobody(database: Database) -> None:
    """The other server has the graph, but draws something else first."""
    await lease(database)
    await lease(database, "b2")
    await order_another_graph(database)
    assert (await draw(database, 0, backend="b2")).work is not None
    await Counter(database).accept(quantity=3)
    assert (await draw(database, 1, backend="b2")).work is not None
    await die(database, 2)
    assert len(await holds.holds(database)) == 1


async def test_backends_that_die_together_are_one_misfortune(database: Database) -> None:
    """Two attempts were open when both backends died: only a later death is held against it."""
    await lease(database)
    await Counter(database).accept(quantity=2)
    both = [(await draw(database, slot)).work for slot in (0, 1)]
    for work in both:
        assert work is not None
        await closer_of(database).end(work, "died", "it died")
    assert await holds.holds(database) == []
    await die(database)
    [hold] = await holds.holds(database)
    assert hold.backends == ("b1", "b1", "b1")


async def test_a_death_that_is_proved_later_counts_from_then_on(database: Database) -> None:
    """A backend falls silent while it draws, and is back without the prompt."""
    await lease(database)
    await Counter(database).accept(quantity=2)
    work = await drawing(database)
    await closer_of(database).end(work, "lost", "no answer", suspicious=True)
    await die(database)
    assert await holds.holds(database) == []
    async with database.transaction() as c:
        assert len(await holds.prove_death(c, work.prompt_id)) == 2
        assert await holds.prove_death(c, work.prompt_id) == []
    first, *_ = await images.attempts(database, work.image)
    assert first.outcome == "died"


@pytest.mark.parametrize("cleared", ["acquitted", "picture"])
async def test_a_silence_that_was_none_is_no_death(database: Database, cleared: str) -> None:
    """The backend is back and has the prompt, or a picture of the graph has come meanwhile."""
    await lease(database)
    await Counter(database).accept(quantity=2)
    work = await drawing(database)
    await closer_of(database).end(work, "lost", "no answer", suspicious=True)
    if cleared == "picture":
        await store(database, await drawing(database))
    else:
        await holds.acquit(database, work.prompt_id)
    async with database.transaction() as c:
        assert await holds.prove_death(c, work.prompt_id) == []


async def test_what_died_yesterday_says_nothing_today(database: Database) -> None:
    await lease(database)
    await Counter(database).accept(quantity=2)
    await die(database)
    async with database.session() as c:
        await c.execute("update deaths set died_at = died_at - interval '25 hours'")
    await die(database)
    assert await holds.holds(database) == []


async def test_a_held_image_is_canceled_or_fails_at_its_deadline_like_any_other(
    database: Database,
) -> None:
    await lease(database)
    batch = await Counter(database).accept(quantity=3)
    await die(database, 2)
    assert (await draw(database)).work is None
    waiting = [i.id for i in (await now(database, batch)).images if i.status == "queued"]
    await Wishes(database, Bell(database, "test"), 60).cancel_image(waiting[0])
    async with database.session() as c:
        await c.execute("update batches set deadline = now() - interval '1 second'")
    await reconciler_of(database).expire_overdue()
    told = {image.id: image for image in (await now(database, batch)).images}
    assert told[waiting[0]].status == "canceled"
    error = told[waiting[1]].error
    assert error is not None
    assert error.code == "deadline-passed"


async def test_a_held_image_is_not_put_in_line_before_its_graph_is_resumed(
    database: Database,
) -> None:
    """Neither the reconciler nor a retry gets around a hold; once it is gone, a token that was lost
    on the way is made anew."""
    await lease(database)
    batch = await Counter(database).accept(quantity=2)
    work = await die(database, 2)
    await Wishes(database, Bell(database, "test"), 60).retry_image(work.image)
    assert (await draw(database)).work is None
    async with database.session() as c:
        await c.execute("update images set queued_at = queued_at - interval '1 minute'")
    await reconciler_of(database).renew_tokens()
    assert (await draw(database)).work is None
    async with database.session() as c:
        assert await c.fetchval("select count(*) from pgqueuer") == 0
        assert await c.fetchval("select count(*) from images where held") == len(batch.images)
        await c.execute("delete from holds")
    await reconciler_of(database).renew_tokens()
    assert (await draw(database)).work is not None


def reconciler_of(database: Database) -> Reconciler:
    return Reconciler(closer_of(database), Retention(1, 1, 1), 20)
