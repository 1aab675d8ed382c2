"""When an image will be stored: an honest guess from what is measured, or None.

The line is drawn by parallel servers of different speed, each taking the next image when it is free
(list scheduling: Graham, "Bounds on multiprocessing timing anomalies", 1969). With

    s   seconds an image of this workflow takes on a backend: the median of its last stored ones,
        each from when it could begin (it was sent, or the one before it ended) to its end,
    b   the images it has already been sent, e seconds of work done on the first of them,
    f   = max(s − e, 0) + (b − 1)·s, or 0 if b is 0: when the backend is free,

`N(t) = Σ max(0, ⌊(t − f) / s⌋)` images of the line are stored t seconds from now, and the image at
place p is stored at the smallest t with N(t) ≥ p. An image that was sent, with a others before it
at its backend, is stored after max(s − e, 0) + a·s.

An order that is not given yet would stand where fair queueing puts it (`core.fairness`): image k of
it with the turn max(last turn of its user, clock of the pool) + what k images cost, so at the place
k + the images in line with that turn or a lower one. It is there when its last one is.

Not known, and so not in it: who orders later and takes turns, other workflows in the line that are
faster or slower, backends that come and go. A backend nobody measured counts with the median of the
others. An image that waits for a cap of its user has no forecast.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import floor
from statistics import median
from typing import Final

_SHORTEST: Final = 0.001  # s; nothing is drawn faster
_HAIR: Final = 1e-9  # what floating point may be off


@dataclass(frozen=True, slots=True)
class Server:
    """A ready backend of the pool."""

    seconds: float | None  # an image takes here; None: not measured
    sent: int = 0  # images it has and has not ended
    elapsed: float = 0.0  # s since it could begin with the first of them


@dataclass(frozen=True, slots=True)
class Standing:
    """Where an image stands that had not ended a moment ago."""

    place: int | None = None  # in its pool's line, 1 is next; None: not queued
    backend: str | None = None  # where it was sent, if that is ready
    ahead: int = 0  # images that this backend has before it
    aside: bool = False  # it waits for a cap of its user
    ended: bool = False  # meanwhile


def forecast(
    servers: Mapping[str, Server], images: Mapping[str, Standing]
) -> dict[str, float | None]:
    """Seconds from now until each image is stored; None where nothing is known.

    Example:
        >>> forecast({"b1": Server(2.0, sent=1, elapsed=0.5)}, {"i": Standing(place=2)})
        {'i': 5.5}
    """
    known = _measured(servers)
    frees = [(_free_in(server), _pace(server)) for server in known.values()]
    return {
        id: _in_line(frees, standing) if standing.place is not None else _sent(known, standing)
        for id, standing in images.items()
    }


def finish(lanes: Sequence[tuple[float, float]], place: int) -> float:
    """When the image at this place is stored: the smallest t with N(t) ≥ place.

    `lanes` are pairs (free in, seconds an image), at least one.

    Example:
        >>> [finish([(0.0, 1.0), (0.5, 2.0)], place) for place in (1, 2, 3, 4)]
        [1.0, 2.0, 2.5, 3.0]
    """
    at = _at_least(lanes, place)
    done, following = 0, []
    for free, seconds in lanes:
        count = max(0, floor((at - free) / seconds - _HAIR))
        done += count
        following.append((free + (count + 1) * seconds, seconds))
    heapq.heapify(following)
    while True:
        at, seconds = following[0]
        done += 1
        if done >= place:
            return at
        heapq.heapreplace(following, (at + seconds, seconds))


def _at_least(lanes: Sequence[tuple[float, float]], place: int) -> float:
    """As if images could be shared out in parts: no later than the true time."""
    rate, work, at = 0.0, float(place), 0.0
    for free, seconds in sorted(lanes):
        if rate and at <= free:
            break
        rate += 1 / seconds
        work += free / seconds
        at = work / rate
    return at


def _measured(servers: Mapping[str, Server]) -> dict[str, Server]:
    """All with a measure; none if nobody was measured."""
    measures = [server.seconds for server in servers.values() if server.seconds is not None]
    if not measures:
        return {}
    usual = median(measures)
    return {
        name: server if server.seconds is not None else Server(usual, server.sent, server.elapsed)
        for name, server in servers.items()
    }


def _in_line(frees: Sequence[tuple[float, float]], standing: Standing) -> float | None:
    if not frees or standing.aside:
        return None
    return finish(frees, standing.place or 1)


def _sent(known: Mapping[str, Server], standing: Standing) -> float | None:
    if standing.ended:
        return 0.0
    server = known.get(standing.backend or "")
    if server is None:
        return None
    return _left(server) + standing.ahead * _pace(server)


def _free_in(server: Server) -> float:
    return _left(server) + (server.sent - 1) * _pace(server) if server.sent else 0.0


def _left(server: Server) -> float:
    """Of the image that it draws now."""
    return max(_pace(server) - server.elapsed, 0.0)


def _pace(server: Server) -> float:
    return max(server.seconds or 0.0, _SHORTEST)
