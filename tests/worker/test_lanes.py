"""Which lane takes which image: the emptiest, then the one that has its models, then by name."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from uuid import uuid4

import pytest

from safelight.core.records import Plan
from safelight.core.states import QUEUED
from safelight.database.images import Locked, Work, boottime
from safelight.renderers.comfyui import ComfyUI
from safelight.renderers.health import READY
from safelight.worker.lanes import Lane, Lanes

MODELS = {
    "photo": frozenset({"photo.ckpt"}),
    "photo+lora": frozenset({"photo.ckpt", "opal.safetensors"}),
    "drawing": frozenset({"drawing.ckpt"}),
    "plain": frozenset[str](),
}


def plan(graph: str) -> Plan:
    return Plan("default", graph, graph, {"output": "9"}, {})


def image(graph: str, *, not_on: tuple[str, ...] = ()) -> Locked:
    return Locked(
        id=str(uuid4()),
        batch=str(uuid4()),
        user="ann",
        character="mira",
        index=1,
        status=QUEUED,
        seed=1,
        redraws=0,
        round=0,
        not_on=not_on,
        pool="default",
        unwanted=False,
        quantity=1,
        left=60.0,
        plan=plan(graph),
    )


def work(lane: Lane, graph: str) -> Work:
    now = boottime()
    return Work(
        prompt_id=str(uuid4()),
        image=str(uuid4()),
        batch=str(uuid4()),
        user="ann",
        character="mira",
        index=1,
        seed=1,
        backend=lane.name,
        epoch=1,
        slot=0,
        opened=now,
        deadline=now + 60,
        plan=plan(graph),
    )


def lane(name: str, drew: str | None = None, *, holds: int = 0) -> Lane:
    """A leased lane that is ready, drew this graph last, and holds so many open attempts."""
    made = Lane(
        name,
        "default",
        2,
        ComfyUI("http://127.0.0.1:9"),  # nobody is asked
        lambda: None,
        120.0,
        lambda plan: MODELS[plan.graph],
        address=name,
        host="",
    )
    made.epoch, made.health.state, made.looked_back = 1, READY, True
    if drew:
        made.sent(plan(drew))
    for each in (work(made, "plain") for _ in range(holds)):
        made.open[each.prompt_id] = each
    return made


@pytest.mark.parametrize(
    ("drew", "holds", "wanted", "chosen"),
    [
        ({"a": None, "b": None}, {}, "photo", "a"),
        ({"a": None, "b": "photo"}, {}, "photo", "b"),
        ({"a": "drawing", "b": "photo"}, {}, "photo", "b"),
        ({"a": "photo", "b": "photo"}, {}, "photo", "a"),
        # No image waits: an empty backend that must load first is better than a busy one.
        ({"a": "photo", "b": None}, {"a": 1}, "photo", "b"),
        ({"a": "photo", "b": "drawing"}, {"a": 1, "b": 1}, "drawing", "b"),
        ({"a": "photo", "b": None}, {"a": 1, "b": 2}, "drawing", "a"),
        # The one that lacks the least.
        ({"a": "drawing", "b": "photo"}, {}, "photo+lora", "b"),
        # What another user's next image may need stays loaded.
        ({"a": "photo", "b": None}, {}, "drawing", "b"),
        ({"a": "photo+lora", "b": "photo"}, {}, "photo", "b"),
        ({"a": "photo", "b": None}, {}, "plain", "b"),
    ],
)
def test_choosing(
    drew: Mapping[str, str | None], holds: Mapping[str, int], wanted: str, chosen: str
) -> None:
    """The table of who takes it."""
    lanes = Lanes(lane(name, drew[name], holds=holds.get(name, 0)) for name in drew)
    driver = lanes.choose("default", image(wanted))
    assert driver is not None
    assert driver.backend == chosen


def test_a_backend_that_cannot_draw_it_is_not_preferred() -> None:
    """The models are loaded there, and still it is not to be drawn there."""
    lanes = Lanes([lane("a", "photo"), lane("b", "drawing")])
    driver = lanes.choose("default", image("photo", not_on=("a",)))
    assert driver is not None
    assert driver.backend == "b"
    assert lanes.choose("default", image("photo", not_on=("a", "b"))) is None
    assert lanes.choose("other", image("photo")) is None


def test_the_image_is_looked_at_only_where_lanes_differ() -> None:
    """Where all have the same models it costs nothing to prefer."""
    assert not Lanes([lane("a", "photo"), lane("b", "photo")]).differ("default")
    assert Lanes([lane("a", "photo"), lane("b", "drawing")]).differ("default")
    assert not Lanes([lane("a", "photo"), lane("b", "drawing", holds=1)]).differ("default")
    assert not Lanes([]).differ("default")


def test_what_was_sent_last_is_what_will_be_loaded() -> None:
    """The prompt that waits there already is the one before the next."""
    made = lane("a", "photo")
    made.sent(plan("drawing"))
    assert made.loaded == {"drawing.ckpt"}


def test_a_lane_that_was_let_go_knows_of_no_models() -> None:
    """Until the lease is back another worker may have had anything drawn there."""
    made = lane("a", "photo")
    asyncio.run(made.stop())
    assert made.loaded == frozenset()
