"""The border between the pipeline and whoever draws: the records that cross it, and the protocol.

A renderer is one backend as seen from here. It never raises for what a backend does: it answers
with records, because "refused", "in doubt" and "nowhere" lead to different decisions and none of
them is exceptional. It raises nothing but `asyncio.CancelledError`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

from safelight.core.correlation import Errored, Interrupted, Outcome, OutputFile, Rendered
from safelight.core.records import Graph

__all__ = [
    "Accepted",
    "Answer",
    "Connected",
    "Disconnected",
    "Ended",
    "Errored",
    "Fetched",
    "Finished",
    "Hint",
    "InDoubt",
    "Interrupted",
    "Nowhere",
    "Outcome",
    "OutputFile",
    "Progress",
    "Prompt",
    "Refused",
    "Rendered",
    "Renderer",
    "Running",
    "Sighting",
    "Silent",
    "Submission",
    "Unfetched",
    "Vitals",
    "Waiting",
]


FIRST_FILE = "image_00001_.png"  # what a saver writes first into a folder of its own


@dataclass(frozen=True, slots=True)
class Prompt:
    """A filled workflow, ready to be sent."""

    prompt_id: str  # canonical lower-case UUID, written to the database before
    graph: Graph
    output: str  # the node whose first picture counts
    folder: str | None  # subfolder of its own, "safelight/<prompt_id>"; None: found by history only
    extra_pnginfo: Mapping[str, Any] = field(default_factory=dict)

    @property
    def expected(self) -> OutputFile | None:
        """The file its first picture will be in, known beforehand where it has a folder."""
        return OutputFile(FIRST_FILE, self.folder, "output") if self.folder else None


# --- what submit() answers -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Accepted:
    """The backend has it. `number` is its queue counter: a fall means it was restarted."""

    number: float | None = None
    settled: bool = True  # False: "nowhere" is no proof before `Renderer.settled_after` is over


@dataclass(frozen=True, slots=True)
class Refused:
    """The backend looked at the prompt and will never run it (HTTP 4xx, or node errors).

    `running` is true when it runs nevertheless (200 with node errors): cancel it. `shut_out` is
    true when it speaks of the backend and not of the prompt (401, 403, 404): another may take it.
    `missing` is true when all that it lacks are models or nodes, which another may have.
    """

    reason: str
    detail: str
    running: bool = False
    shut_out: bool = False
    missing: bool = False


@dataclass(frozen=True, slots=True)
class InDoubt:
    """Time-out, reset, 5xx, HTML: it may or may not have it. Ask; never send it again."""

    reason: str
    sent: bool = True  # False: surely it has not got it: no connection, or it said "not now"


Submission: TypeAlias = Accepted | Refused | InDoubt


# --- what look() answers --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Waiting:
    """In the backend's queue; `ahead` prompts run or wait before it, None where nobody says."""

    ahead: int | None


@dataclass(frozen=True, slots=True)
class Running:
    """The backend is working on it."""


@dataclass(frozen=True, slots=True)
class Finished:
    """It ended; see `Rendered | Errored | Interrupted` of `core.correlation`."""

    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Nowhere:
    """Neither in the queue, nor in the history, nor a whole file of its own.

    It may still arrive, or be where it cannot be looked for, until `Renderer.settled_after` is
    over; only then, or after an `Accepted` that settled it, does this count.
    """


@dataclass(frozen=True, slots=True)
class Silent:
    """The backend could not be asked (refused, time-out, 5xx, not JSON).

    `reached`: something answered, but not as a render server does.
    """

    reason: str
    reached: bool = field(default=False, compare=False)


Sighting: TypeAlias = Waiting | Running | Finished | Nowhere | Silent


# --- what fetch() answers -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Fetched:
    """The whole body, its length equal to Content-Length. Not yet proven to be a picture."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Unfetched:
    """No bytes. `gone`: a clear 404, asking again will not help. Else: ask again."""

    reason: str
    gone: bool = False
    too_large: bool = False


Answer: TypeAlias = Fetched | Unfetched


# --- what hints() yields: it makes things fast, polling makes them true ---------------------------


@dataclass(frozen=True, slots=True)
class Connected:
    """A websocket is open; what happened before was not heard."""


@dataclass(frozen=True, slots=True)
class Disconnected:
    """The websocket is gone: ask for each open attempt, believe nothing about loaded models."""

    reason: str


@dataclass(frozen=True, slots=True)
class Ended:
    """The backend said this prompt ended (`executing {node: null}`); its history is there."""

    prompt_id: str


@dataclass(frozen=True, slots=True)
class Progress:
    """Steps of the node that runs now; `preview` is a JPEG or PNG, at most 512 px."""

    prompt_id: str
    step: int
    steps: int
    preview: bytes | None = None


Hint: TypeAlias = Connected | Disconnected | Ended | Progress


@dataclass(frozen=True, slots=True)
class Vitals:
    """What a probe found: every prompt id the backend holds, running first."""

    running: tuple[str, ...]
    waiting: tuple[str, ...]
    version: str | None = None


class Renderer(Protocol):
    """One backend.

    Example: `await renderer.submit(prompt)`, then `await renderer.look(prompt)` whenever a hint or
    the clock says so, until it answers `Finished` or `Nowhere`.
    """

    @property
    def settled_after(self) -> float:
        """Seconds after an attempt was opened from which on "nowhere" is the truth, whatever became
        of its POST: nothing can still arrive, and nothing still run unseen."""
        ...

    @property
    def look_every(self) -> float:
        """Seconds between two looks at one prompt, at least."""
        ...

    @property
    def one_server(self) -> bool:
        """It is one process: what ran there and is not known there any more went down with it."""
        ...

    async def submit(self, prompt: Prompt) -> Submission:
        """Send it once, on a connection of its own, within seconds; reset when given up."""
        ...

    async def look(self, prompt: Prompt, *, ended: bool = False) -> Sighting:
        """Where is it? Asks the queue, then the history, then for its own file (HEAD and IEND).

        `ended` says that a hint told so: then the history is asked first, which saves a request.
        """
        ...

    async def fetch(self, file: OutputFile, limit: int) -> Answer:
        """Its bytes, streamed, at most `limit` of them."""
        ...

    async def cancel(self, prompt_id: str) -> bool:
        """Delete it from the queue or interrupt it, by its own id; true when verified gone.

        False where that cannot be known: no answer, or a prompt that cannot be looked for.
        """
        ...

    async def free(self) -> bool:
        """Ask the backend to unload models and free memory; false if it did not take it."""
        ...

    async def probe(self) -> Vitals | Silent:
        """Is it there, and which prompts does it hold?"""
        ...

    def hints(self) -> AsyncIterator[Hint]:
        """What the backend tells by itself, for ever: reconnects with a fresh client id."""
        ...

    async def close(self) -> None:
        """Let go of sockets."""
        ...
