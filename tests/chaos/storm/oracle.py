"""What must hold after a storm, compared outside of the system. Each function names what does not.

It believes the simulators' recordings and files, what clients were told, and the answers of the
API; where two of them differ, that is a violation.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from typing import Final

from tests.chaos.storm.clients import Clients, Event, Ordered
from tests.chaos.storm.evidence import Attempt, Found, Rendering, Shot, whole
from tests.chaos.storm.watching import Watch

SEEN: Final = 6.0  # s; a request that a dead wire holds is given up after 5 s
LEFT: Final = 20.0  # s; a lease that nobody renews (10), its taking (3), a dead request (5)
SURE: Final = 1.0  # s between the end of a rendering and a look that must have seen it

# Why an image may fail: the outcome that used up its tries, and how many of them that takes.
LIMITS: Final = {
    "backend-refused": ("refused", 1),
    "out-of-memory": ("out-of-memory", 2),
    "unusable-picture": ("unusable", 4),
    "cached-picture": ("cached", 4),
    "lost-too-often": ("lost", 11),
}
COUNTED: Final = ("out-of-memory", "refused", "unusable", "cached", "error", "broken")
BUDGET: Final = 6  # rendering.max_attempts


def violations(found: Found, clients: Clients, watches: list[Watch]) -> Iterator[str]:
    """Everything that is not as promised."""
    yield from clients.wrong
    for told in clients.ordered:
        yield from _asked_once(told)
        if told.batches and told.batches[0] in found.batches:
            yield from _batch(told, found)
    yield from _accepted(found, clients)
    yield from _numbers(found)
    yield from _posted_once(found)
    yield from _told_to_all(found, clients)
    for shot in found.shots.values():
        yield from _owner(shot, found)
        yield from _ending(shot, found)
        for again in rendered_again(shot, found, watches):
            yield f"image {shot.id}: {again}"


def rendered_again(shot: Shot, found: Found, watches: list[Watch]) -> Iterator[str]:
    """Attempts of an image that were followed by another one, although their picture was complete
    and could be reached.

    The picture was complete: the simulator's recording says success, and its file decodes to its
    end and is no twin. It could be reached, without one look of ours (every 0.25 s, by a fresh
    connection) unanswered and with its wire whole, either
    * all through the `SEEN` seconds before the attempt was closed, having been finished `SURE`
      seconds before: who closed it could have seen it; or
    * for `LEFT` seconds on end between its end and the opening of the next attempt: somebody must
      have come by, even if a worker had died or was frozen.
    """
    for attempt, following in pairwise(sorted(shot.attempts, key=lambda one: one.opened)):
        made = _success(attempt, found)
        if made is None or made.finished is None or attempt.outcome == "twin":
            continue
        watch = watches[attempt.backend]
        closed = attempt.closed or following.opened
        if made.finished <= closed - SURE and watch.reachable(closed - SEEN, closed):
            yield f"{attempt.prompt} was closed as {attempt.outcome} with its picture in reach"
        elif _for_long(watch, made.finished, following.opened):
            yield f"{attempt.prompt} lay in reach for {LEFT} s and was painted again"


def _for_long(watch: Watch, since: float, until: float) -> bool:
    starts = (since + step for step in range(max(0, int(until - since - LEFT)) + 1))
    return any(start + LEFT <= until and watch.reachable(start, start + LEFT) for start in starts)


def _success(attempt: Attempt, found: Found) -> Rendering | None:
    for rendering in found.renderings.get(attempt.prompt, ()):
        if rendering.outcome == "success" and whole(rendering.file):
            return rendering
    return None


def _asked_once(told: Ordered) -> Iterator[str]:
    if len(set(told.batches)) != 1:
        yield f"key {told.order.key} was answered with the batches {sorted(set(told.batches))}"


def _accepted(found: Found, clients: Clients) -> Iterator[str]:
    ordered = {id for told in clients.ordered for id in told.batches}
    for id in found.batches.keys() ^ ordered:
        yield f"batch {id} is {'listed, not ordered' if id in found.batches else 'lost'}"


def _batch(told: Ordered, found: Found) -> Iterator[str]:
    """Exactly as many as ordered, in a row, all different, told once and in order."""
    batch = found.batches[told.batches[0]]
    name = f"batch {batch['id']}"
    shots = [found.shots[image["id"]] for image in batch["images"]]
    if len(shots) != told.order.quantity:
        yield f"{name} has {len(shots)} images of {told.order.quantity}"
    highest = batch["indices"][0]
    if batch["indices"] != list(range(highest, highest - len(shots), -1)):
        yield f"{name} has the indices {batch['indices']}"
    seen = Counter(shot.served for shot in shots if shot.served)
    if any(times > 1 for times in seen.values()):
        yield f"{name} has equal pictures"
    stored = sum(shot.status == "stored" for shot in shots)
    right = "completed" if stored == len(shots) else "partial" if stored else "failed"
    if batch["status"] != right:
        yield f"{name} is {batch['status']} with {stored} of {len(shots)} stored"
    first = told.order.body.get("seed")
    seeds = [shot.seed for shot in reversed(shots)]
    if isinstance(first, int) and seeds != list(range(first, first + len(shots))):
        yield f"{name} has the seeds {seeds}, not {first} and those after it"
    for shot in shots:
        if told.pixels.get(shot.id, shot.served) != shot.served:
            yield f"image {shot.id} was another picture when it was told stored"
    yield from _told(name, told.numbers, told.events, batch, shots)


def _told(
    name: str, numbers: list[int], events: list[Event], batch: Event, shots: list[Shot]
) -> Iterator[str]:
    """Events 1 to the last, each once, in order; what has ended does not move again."""
    if numbers != list(range(1, batch["last_event"] + 1)):
        yield f"{name} told its listener {numbers} of {batch['last_event']} events"
    ends = Counter(event["image"] for event in events if event["type"] == "image.stored")
    for shot in shots:
        if ends[shot.id] != (shot.status == "stored"):
            yield f"image {shot.id} is {shot.status} and was told stored {ends[shot.id]} times"
        mine = [event["type"] for event in events if event["image"] == shot.id]
        if mine and mine[-1] != f"image.{shot.status}":
            yield f"image {shot.id} is {shot.status}, its last event is {mine[-1]}"


def _told_to_all(found: Found, clients: Clients) -> Iterator[str]:
    """The stream of all batches gave each event once, and those of a batch in their order."""
    heard: dict[str, list[int]] = {}
    for _, event in clients.everything:
        numbers = heard.setdefault(event["batch"], [])
        if numbers and event["number"] < numbers[-1]:
            yield f"batch {event['batch']}: the stream of all told event {event['number']} too late"
        numbers.append(event["number"])
    for id, batch in found.batches.items():
        if heard.get(id, []) != list(range(1, batch["last_event"] + 1)):
            yield f"batch {id}: the stream of all told {heard.get(id)} of {batch['last_event']}"


def _numbers(found: Found) -> Iterator[str]:
    """Every series has the indices from 1 to its highest, each once."""
    given: dict[tuple[str, str], list[int]] = {series: [] for series in found.highest}
    for shot in found.shots.values():
        given[(shot.user, shot.character)].append(shot.index)
    for series, highest in found.highest.items():
        if sorted(given[series]) != list(range(1, highest + 1)):
            yield f"series {series} with highest {highest} has {sorted(given[series])}"


def _posted_once(found: Found) -> Iterator[str]:
    """Every rendering is that of an attempt we know, at its backend, and none ran twice."""
    known = {one.prompt: one for shot in found.shots.values() for one in shot.attempts}
    for prompt, renderings in found.renderings.items():
        if prompt not in known:
            yield f"prompt {prompt} ran and belongs to no attempt"
        elif {rendering.backend for rendering in renderings} != {known[prompt].backend}:
            yield f"prompt {prompt} ran elsewhere than where it was sent"
        if len(renderings) > 1:
            yield f"prompt {prompt} ran {len(renderings)} times"


def _owner(shot: Shot, found: Found) -> Iterator[str]:
    """What is served is what was painted for a prompt of this very image, and says so itself."""
    if shot.status != "stored":
        return
    if shot.prompt not in {attempt.prompt for attempt in shot.attempts}:
        yield f"image {shot.id} shows prompt {shot.prompt}, which is none of its attempts"
    made = found.renderings.get(shot.prompt or "", [])
    if not any(
        one.outcome in ("success", None)
        and whole(one.file) == shot.served
        and one.seed == shot.seed
        for one in made
    ):
        yield f"image {shot.id} does not show what was painted for its prompt {shot.prompt}"
    if (shot.names.get("image"), shot.names.get("index")) != (shot.id, shot.index):
        yield f"image {shot.id} shows a file of {shot.names}"


def _ending(shot: Shot, found: Found) -> Iterator[str]:
    """It is stored, or failed for as many proven misfortunes as the limits ask for."""
    if shot.status not in ("stored", "failed"):
        yield f"image {shot.id} is still {shot.status}"
    for attempt in shot.attempts:
        if attempt.outcome is None:
            yield f"attempt {attempt.prompt} is still open"
        elif not _is_borne_out(attempt, found):
            yield f"attempt {attempt.prompt} ended as {attempt.outcome}, which nothing bears out"
    if shot.status == "failed":
        outcome, least = LIMITS.get(shot.error or "", ("", 0))
        outcomes = Counter(attempt.outcome for attempt in shot.attempts)
        spent = sum(outcomes[name] for name in COUNTED)
        if not outcome or (outcomes[outcome] < least and spent < BUDGET):
            yield f"image {shot.id} failed as {shot.error} after {dict(outcomes)}"


def _is_borne_out(attempt: Attempt, found: Found) -> bool:
    """Whether the recordings agree with an attempt's outcome."""
    made = found.renderings.get(attempt.prompt, [])
    match attempt.outcome:
        case "stored" | "twin" | "spare":
            return bool(made)
        case "refused" | "unsent":
            return not made
        case "out-of-memory":
            return any(one.outcome == "error" for one in made)
        case "cached":
            return any(one.outcome == "cached" for one in made)
        case "unusable":
            return any(whole(one.file) is None for one in made)
        case "died":
            return bool(made)
        case "lost":
            return True  # whether it was in reach is `rendered_again`'s question
    return False
