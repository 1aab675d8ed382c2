"""The storm's oracle sees what it is there for: each lie, made by hand, is named."""

from __future__ import annotations

import io
import itertools
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any, cast

import aiohttp
import pytest
from PIL import Image

from tests.chaos.storm.clients import Clients, Ordered
from tests.chaos.storm.evidence import Attempt, Found, Rendering, Shot
from tests.chaos.storm.oracle import violations
from tests.chaos.storm.plan import CARDS, Order, make_plan
from tests.chaos.storm.stage import Child
from tests.chaos.storm.watching import Watch
from tests.story.pictures import pixels
from tests.wire import Wire

NOW = 1000.0  # Unix seconds; both images are drawn between then and ten seconds later


class World:
    """One batch of two images, stored as it should be, and everything that bears it out."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.shots = [self._shot(n) for n in (1, 2)]
        self.renderings = {shot.prompt: [self._made(shot)] for shot in self.shots}
        batch = self._batch()
        self.found = Found(
            {"batch": batch},
            {shot.id: shot for shot in self.shots},
            {("ann", "mira"): 2},
            cast(dict[str, list[Rendering]], self.renderings),
        )
        body: dict[str, object] = {"quantity": 2, "seed": 1}
        events = list(self._events())
        told = Ordered(
            Order(0, "key", body, 0, 0),
            ["batch", "batch"],
            [event["number"] for event in events],
            events,
            {shot.id: str(shot.served) for shot in self.shots},
            True,
        )
        self.clients = Clients("", cast(aiohttp.ClientSession, None), Random(1))
        self.clients.ordered = [told]
        self.clients.everything = [(str(event["number"]), event) for event in events]
        self.watch = Watch(cast(Child, None), Wire(1))
        self.watch.answers = [NOW - 60 + 0.25 * n for n in range(800)]

    def wrong(self) -> list[str]:
        """What the oracle says."""
        return list(violations(self.found, self.clients, [self.watch]))

    @property
    def told(self) -> Ordered:
        return self.clients.ordered[0]

    def lose(self, shot: Shot, closed: float, outcome: str = "lost") -> None:
        """Its picture is painted, the attempt closed without it, and another one stored."""
        first = Attempt("first", 0, NOW, NOW + closed, outcome)
        own = shot.attempts[0]
        again = Attempt(own.prompt, 0, NOW + closed + 0.1, NOW + closed + 5, "stored")
        shot.attempts = [first, again]
        path = self._file("first", 7)
        self.found.renderings["first"] = [
            Rendering(0, "first", shot.seed, NOW, NOW + 1, path, "success")
        ]

    def _shot(self, n: int) -> Shot:
        prompt = f"prompt-{n}"
        served = pixels(self._file(prompt, n).read_bytes())
        attempt = Attempt(prompt, 0, NOW, NOW + 2, "stored")
        names = {"image": f"image-{n}", "index": n}
        return Shot(
            f"image-{n}", n, "stored", n, "ann", "mira", prompt, None, [attempt], served, names
        )

    def _made(self, shot: Shot) -> Rendering:
        prompt = str(shot.prompt)
        return Rendering(0, prompt, shot.seed, NOW, NOW + 1, self.folder / prompt, "success")

    def _file(self, name: str, colour: int) -> Path:
        data = io.BytesIO()
        Image.new("RGB", (8, 8), (colour, 0, 0)).save(data, "PNG")
        path = self.folder / name
        path.write_bytes(data.getvalue())
        return path

    def _batch(self) -> dict[str, Any]:
        return {
            "id": "batch",
            "status": "completed",
            "indices": [2, 1],
            "images": [{"id": "image-2"}, {"id": "image-1"}],
            "last_event": 4,
        }

    def _events(self) -> Any:
        about = [("batch.created", None), ("image.stored", "image-1"), ("image.stored", "image-2")]
        for number, (kind, image) in enumerate([*about, ("batch.completed", None)], 1):
            yield {"type": kind, "image": image, "number": number, "batch": "batch"}


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def another_batch(world: World) -> None:
    world.told.batches.append("twin")


def exchanged(world: World) -> None:
    one, two = world.shots
    one.served, two.served = two.served, one.served


def of_another_image(world: World) -> None:
    world.shots[0].names["image"] = "image-2"


def equal_pictures(world: World) -> None:
    world.shots[0].served = world.shots[1].served


def changed_later(world: World) -> None:
    world.told.pixels["image-1"] = "something else"


def an_index_twice(world: World) -> None:
    world.shots[0].index = 2


def a_gap_in_the_indices(world: World) -> None:
    world.found.batches["batch"]["indices"] = [3, 1]


def one_too_few(world: World) -> None:
    world.found.batches["batch"]["images"].pop()


def done_too_early(world: World) -> None:
    world.shots[0].status = "dispatched"


def failed_for_nothing(world: World) -> None:
    world.shots[0].status, world.shots[0].error = "failed", "lost-too-often"


def refused_but_rendered(world: World) -> None:
    shot = world.shots[0]
    shot.attempts = [Attempt("prompt-1", 0, NOW, NOW + 2, "refused")]


def a_prompt_twice(world: World) -> None:
    made = world.found.renderings["prompt-1"]
    made.append(made[0])


def a_stranger_s_prompt(world: World) -> None:
    world.found.renderings["nobody"] = world.found.renderings["prompt-1"]


def an_event_left_out(world: World) -> None:
    del world.told.numbers[1]


def an_event_twice(world: World) -> None:
    world.clients.everything.append(world.clients.everything[-1])


def told_too_late(world: World) -> None:
    everything = world.clients.everything
    everything[2], everything[3] = everything[3], everything[2]


def taken_back(world: World) -> None:
    world.told.events.append({"type": "image.queued", "image": "image-1"})


def painted_again_in_reach(world: World) -> None:
    world.lose(world.shots[0], closed=8)


def painted_again_after_long(world: World) -> None:
    world.lose(world.shots[0], closed=30)
    world.watch.cuts = [(NOW + 29, NOW + 30.5)]  # away at the end, in reach long before


LIES: dict[Callable[[World], None], str] = {
    another_batch: "was answered with the batches",
    exchanged: "does not show what was painted",
    of_another_image: "shows a file of",
    equal_pictures: "has equal pictures",
    changed_later: "was another picture when it was told stored",
    an_index_twice: "has [2, 2]",
    a_gap_in_the_indices: "has the indices [3, 1]",
    one_too_few: "has 1 images of 2",
    done_too_early: "is still dispatched",
    failed_for_nothing: "failed as lost-too-often",
    refused_but_rendered: "ended as refused, which nothing bears out",
    a_prompt_twice: "ran 2 times",
    a_stranger_s_prompt: "belongs to no attempt",
    an_event_left_out: "told its listener [1, 3, 4] of 4",
    an_event_twice: "the stream of all told [1, 2, 3, 4, 4]",
    told_too_late: "told event 3 too late",
    taken_back: "its last event is image.queued",
    painted_again_in_reach: "with its picture in reach",
    painted_again_after_long: "and was painted again",
}


def test_a_world_in_order_is_left_in_peace(world: World) -> None:
    assert world.wrong() == []


@pytest.mark.parametrize("lie", LIES, ids=lambda lie: lie.__name__)
def test_every_lie_is_named(world: World, lie: Callable[[World], None]) -> None:
    lie(world)
    assert any(LIES[lie] in wrong for wrong in world.wrong()), world.wrong()


@pytest.mark.parametrize("away", [(NOW + 0.5, NOW + 30), (NOW + 3, NOW + 9), (NOW + 7, NOW + 8)])
def test_a_picture_out_of_reach_may_be_painted_again(
    world: World, away: tuple[float, float]
) -> None:
    world.lose(world.shots[0], closed=8)
    world.watch.answers = [at for at in world.watch.answers if not away[0] < at < away[1]]
    assert world.wrong() == []


def test_half_a_picture_may_be_painted_again(world: World) -> None:
    world.lose(world.shots[0], closed=8, outcome="unusable")
    path = world.found.renderings["first"][0].file
    path.write_bytes(path.read_bytes()[:-20])
    assert world.wrong() == []


def test_the_same_seed_makes_the_same_storm() -> None:
    one, same, other = (make_plan(seed, 60, 50, 2) for seed in (7, 7, 8))
    assert one == same
    assert one != other
    assert sum(order.quantity for order in one.orders) == 50
    kinds = [strike.kind for strike in itertools.islice(one.strikes, len(CARDS))]
    assert sorted(kinds) == sorted(CARDS)
