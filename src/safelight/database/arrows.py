"""One function per arrow of the image's state machine (see `core.states.ARROWS`).

Each writes the transition, the counters of the batch and the event in one statement, and answers
None where the arrow could not be taken: the image was not in its source state, or the attempt
belongs to another epoch by now. `dispatch` and `keep`, which every image goes through, take their
locks themselves; the others run in a transaction that has locked the batch row and then the image
row (`images.lock`).
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from safelight.core.happenings import AttemptEnded, BatchEnded, ImageEnded, QueuedAgain
from safelight.core.records import ImageError, StoredFile
from safelight.core.retrying import SPARE
from safelight.core.states import CANCELED, DISPATCHED, FAILED, QUEUED, STORED
from safelight.database.connection import Connection, Row, sql
from safelight.database.engine import Place, line_up
from safelight.database.images import Locked, Work, locked_of, note_attempts
from safelight.database.noting import note
from safelight.database.rows import json_text

_LEASE_MARGIN = 1.0  # s the lease must still last for an attempt to be opened under it


@dataclass(frozen=True, slots=True)
class Driver:
    """Under whose lease and in which slot an attempt is made."""

    backend: str
    epoch: int
    slot: int


@dataclass(frozen=True, slots=True)
class NewSeed:
    """What the image is drawn with next."""

    seed: int
    redraws: int


@dataclass(frozen=True, slots=True)
class Dispatch:
    """What became of the try to open an attempt."""

    image: Locked  # as it was before
    dispatched: bool
    leased: bool  # false: the driver's epoch is old, or its lease has run out
    draining: bool  # an operator lets the driver's backend take nothing
    held: bool  # its graph kills backends, and nobody has resumed it
    more: bool  # others are in line


async def dispatch(c: Connection, image: str, prompt_id: str, driver: Driver) -> Dispatch | None:
    """queued → dispatched: locks, and opens the attempt where it may be opened; None: no image."""
    row = await c.fetchrow(
        sql("dispatch"),
        image,
        prompt_id,
        driver.backend,
        driver.epoch,
        driver.slot,
        _LEASE_MARGIN,
    )
    if row is None:
        return None
    said = ("dispatched", "leased", "draining", "held", "more")
    return Dispatch(locked_of(row), *(row[name] for name in said))


async def take_back(c: Connection, image: Locked, prompt_id: str, driver: Driver) -> bool:
    """queued → dispatched by an attempt that was given up; or it stays dispatched, and the attempt
    that carries it is closed as a spare. False: roll back."""
    said = "an earlier attempt's picture came first"
    note_attempts(c, await c.fetch(sql("spare_attempts"), image.id, said), SPARE)
    row = await c.fetchrow(
        sql("take_back"), prompt_id, driver.backend, driver.epoch, driver.slot, _LEASE_MARGIN
    )
    return row is not None


async def keep(c: Connection, work: Work, file: StoredFile) -> Row | None:
    """dispatched → stored: locks, and closes the attempt with its picture.

    A statement that needs no transaction around it. Raises UniqueViolationError for a twin.
    """
    row = await c.fetchrow(
        sql("keep"),
        work.prompt_id,
        work.epoch,
        file.key,
        file.bytes,
        file.content_type,
        file.width,
        file.height,
        file.sha256,
        file.pixels_sha256,
        work.image,
        work.batch,
    )
    if row:
        note(c, AttemptEnded(row["backend"], STORED, row["took"]))
        note(c, ImageEnded(STORED, row["seconds"]))
        _note_end(c, row)
    return row


async def requeue(
    c: Connection, image: str, seed: NewSeed, reason: str, *, avoid: str | None = None
) -> Row | None:
    """dispatched → queued, keeping its place in virtual time; its attempt is closed by then."""
    return await _line_up_again(c, image, DISPATCHED, seed, reason, avoid=avoid)


async def retry(c: Connection, image: str, seed: NewSeed, turn: int) -> Row | None:
    """failed → queued at a new place: somebody asked; misfortunes are counted from zero again."""
    return await _line_up_again(c, image, FAILED, seed, "retry", turn=turn)


async def fail(c: Connection, image: str, error: ImageError) -> Row | None:
    """dispatched → failed."""
    return await _end(c, image, DISPATCHED, FAILED, error)


async def expire(c: Connection, image: str, error: ImageError) -> Row | None:
    """queued → failed: its deadline passed, or no backend can ever draw it."""
    return await _end(c, image, QUEUED, FAILED, error)


async def cancel(c: Connection, image: str) -> Row | None:
    """dispatched → canceled: the backend has let go of it."""
    return await _end(c, image, DISPATCHED, CANCELED, None)


async def withdraw(c: Connection, image: str) -> Row | None:
    """queued → canceled; its token is left to die."""
    return await _end(c, image, QUEUED, CANCELED, None)


async def _end(
    c: Connection, image: str, source: str, target: str, error: ImageError | None
) -> Row | None:
    told = json_text({"code": error.code, "detail": error.detail}) if error else None
    row = await c.fetchrow(sql("end_image"), image, source, target, told)
    if row:
        note(c, ImageEnded(target))
        _note_end(c, row)
    return row


def _note_end(c: Connection, row: Row) -> None:
    if row["ended"]:
        note(c, BatchEnded(row["character_id"], row["ending"].removeprefix("batch.")))


async def _line_up_again(
    c: Connection,
    image: str,
    source: str,
    seed: NewSeed,
    reason: str,
    *,
    avoid: str | None = None,
    turn: int | None = None,
) -> Row | None:
    row = await c.fetchrow(
        sql("line_up"),
        image,
        source,
        seed.seed,
        seed.redraws,
        avoid,
        reason,
        source == FAILED,
        turn,
    )
    if row:
        note(c, QueuedAgain(reason))
        await line_up(c, [Place(str(UUID(str(image))), row["pool"], row["turn"], row["tries"])])
    return row
