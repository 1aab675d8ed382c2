"""accept: one request → batch, reserved indices, image rows, tokens, first event."""

from __future__ import annotations

import asyncio
from dataclasses import asdict, replace
from typing import Any

import pytest

from safelight.core.errors import Invalid
from safelight.core.planning import make_plan
from safelight.core.records import Batch, Limits, Lora, Parameters
from safelight.database import batches
from safelight.database.connection import Database
from safelight.pipeline.accept import Key
from tests.pipeline.orders import CATALOGUE, ORDER, Counter


async def test_a_batch_has_contiguous_indices_highest_first(database: Database) -> None:
    counter = Counter(database)
    first = await counter.accept(quantity=9)
    second = await counter.accept(quantity=4)
    assert [image.index for image in first.images] == list(range(9, 0, -1))
    assert [image.index for image in second.images] == [13, 12, 11, 10]
    assert second.status == "queued"
    assert len({image.seed for image in first.images + second.images}) == 13


async def test_fifty_orders_at_once_share_no_index_and_leave_no_gap(database: Database) -> None:
    counter = Counter(database)
    accepted = await asyncio.gather(*(counter.accept(quantity=4) for _ in range(50)))
    found = sorted(image.index for batch in accepted for image in batch.images)
    assert found == list(range(1, 201))
    for batch in accepted:
        indices = [image.index for image in batch.images]
        assert indices == list(range(indices[0], indices[0] - 4, -1))


async def test_series_of_other_users_and_characters_count_by_themselves(
    database: Database,
) -> None:
    counter = Counter(database)
    for user, character in (("a_b", "mira"), ("a", "mira"), ("ann", "opal-fever")):
        batch = await counter.accept(quantity=2, user=user, character=character)
        assert [image.index for image in batch.images] == [2, 1]


async def test_an_explicit_seed_counts_up_with_the_index(database: Database) -> None:
    batch = await Counter(database).accept(seed=7, quantity=3)
    assert [(image.index, image.seed) for image in batch.images] == [(3, 9), (2, 8), (1, 7)]
    assert all(image.seed_explicit for image in batch.images)


async def test_what_an_order_named_is_kept_as_it_was_said(database: Database) -> None:
    """Every parameter there is, the emptiest values, too; nothing of an order that names none. The
    plan is of a workflow without any of them: what is kept is the order's word, not the plan's."""
    counter = Counter(database)
    said = Parameters(64, 4096, 10_000, 0.1, "euler", "normal")
    loras = (Lora("a.safetensors", -0.5), Lora("ü", 1))
    named = {"seed": 0, "negative_prompt": "", "style": "anime", "embedding": "e"}
    plan, graph = make_plan(ORDER, CATALOGUE, Limits())
    listed = [{"name": "a.safetensors", "strength": -0.5}, {"name": "ü", "strength": 1}]
    cases: list[tuple[dict[str, Any], dict[str, Any]]] = [
        (
            {**named, "loras": loras, "parameters": said},
            {**named, "loras": listed, **asdict(said)},
        ),
        ({"loras": ()}, {"loras": []}),
        ({}, {}),
    ]
    for fields, told in cases:
        accepted = await counter.acceptor.accept(replace(ORDER, **fields), plan, graph)
        assert isinstance(accepted, Batch)
        assert await batches.batch(database, accepted.id) == accepted
        assert accepted.parameters == told


async def test_the_same_key_replays_the_same_batch_also_at_the_same_moment(
    database: Database,
) -> None:
    counter = Counter(database)
    key = Key("", "k1", "f1")
    accepted = await asyncio.gather(*(counter.accept(key) for _ in range(10)))
    assert len({batch.id for batch in accepted}) == 1
    assert (await batches.series(database, "ann", "mira"))[0] == 4


async def test_the_same_key_for_another_request_is_refused_and_reserves_nothing(
    database: Database,
) -> None:
    counter = Counter(database)
    await counter.accept(Key("", "k1", "f1"))
    with pytest.raises(Invalid) as refused:
        await counter.accept(Key("", "k1", "other"), quantity=2)
    assert refused.value.code == "idempotency-key-reused"
    assert (await batches.series(database, "ann", "mira"))[0] == 4


async def test_keys_of_different_scopes_do_not_meet(database: Database) -> None:
    counter = Counter(database)
    first = await counter.accept(Key("one", "k", "f"))
    second = await counter.accept(Key("two", "k", "f"))
    assert first.id != second.id


async def test_accepting_leaves_one_token_an_image_and_one_event(database: Database) -> None:
    await Counter(database).accept(quantity=3)
    async with database.session() as c:
        tokens = await c.fetch("select entrypoint, priority from pgqueuer order by priority desc")
        events = await c.fetch("select number, type, data from events")
        graphs = await c.fetchval("select count(*) from graphs")
    assert [token["entrypoint"] for token in tokens] == ["render:default"] * 3
    assert len({token["priority"] for token in tokens}) == 3
    assert [(event["number"], event["type"]) for event in events] == [(1, "batch.created")]
    assert graphs == 1


async def test_users_take_turns_image_by_image(database: Database) -> None:
    counter = Counter(database)
    await counter.accept(user="ann", quantity=20)
    await counter.accept(user="ben", quantity=2)
    async with database.session() as c:
        line = await c.fetch(
            "select user_id from pgqueuer q join images i on i.id = encode(q.payload, 'hex')::uuid"
            " order by q.priority desc, q.id limit 5"
        )
    assert [row["user_id"] for row in line].count("ben") == 2
