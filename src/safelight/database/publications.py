"""Statements about publications: one image's copy at one publisher.

One function for each arrow of `core.states.PUBLICATION_ARROWS`: `confirm`, `give_up`, `ask_again`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from safelight.core.records import StoredFile
from safelight.core.states import FAILED, UPLOADED
from safelight.database.connection import Connection, Database, Row, sql
from safelight.database.engine import Errand, send
from safelight.database.rows import file_of

KIND = "publish:"
"""What begins the kind of errand that copies to a publisher."""
_TOKEN_ON_ITS_WAY = 5.0  # s
_BITE = 500
_NIL = "00000000-0000-0000-0000-000000000000"


@dataclass(frozen=True, slots=True)
class Claimed:
    """A publication that this worker tries, and all that is needed for it."""

    id: str
    image: str
    batch: str
    user: str
    character: str
    index: int
    seed: int
    place: str | None  # None: it has no name there yet
    tries: int  # with this one
    file: StoredFile
    prompt_id: str  # of the attempt whose picture it is
    traceparent: str | None = None  # of its batch


@dataclass(frozen=True, slots=True)
class Confirmed:
    """What lies at the publisher, as it has said."""

    url: str
    size: int  # bytes
    md5: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Standing:
    """How many copies are how at a publisher."""

    publisher: str
    pending: int
    uploaded: int
    failed: int
    reason: str | None  # of the copy that failed last
    oldest: datetime | None  # since when the oldest pending one waits


async def send_copies(c: Connection, copies: Sequence[Sequence[str]]) -> None:
    """Have new publications tried; each as (publisher, id)."""
    await send(c, [Errand(KIND + publisher, id, 0) for publisher, id in copies])


async def claim(c: Connection, id: str, worker: UUID, seconds: float) -> Claimed | None:
    """Claim it; None: there is nothing to be tried."""
    row = await c.fetchrow(sql("claim_publication"), id, worker, seconds)
    return _claimed_of(row) if row else None


async def give_place(c: Connection, id: str, place: str) -> str:
    """Name it at its publisher, if it has no name yet; the name it has."""
    named: str = await c.fetchval(sql("place_publication"), id, place)
    return named


async def renew(database: Database, ids: Sequence[str], worker: UUID, seconds: float) -> None:
    """Let claims last so long from now."""
    await database.fetch("renew_publications", ids, worker, seconds)


async def release(database: Database, ids: Sequence[str], worker: UUID) -> None:
    """Give claims back, for whoever comes first: nothing came of them."""
    async with database.transaction() as c:
        rows = await c.fetch(sql("release_publications"), ids, worker)
        await send(c, [errand(row["publisher"], row) for row in rows])


async def confirm(c: Connection, id: str, batch: str, confirmed: Confirmed) -> bool:
    """pending → uploaded; false: it has ended."""
    said = (confirmed.url, confirmed.size, confirmed.md5, confirmed.sha256)
    row = await c.fetchrow(sql("end_publication"), id, batch, UPLOADED, *said, None)
    return row is not None


async def give_up(c: Connection, id: str, batch: str, reason: str) -> bool:
    """pending → failed; false: it has ended."""
    nothing = (None, None, None, None)
    row = await c.fetchrow(sql("end_publication"), id, batch, FAILED, *nothing, reason)
    return row is not None


async def delay(
    c: Connection, publisher: str, id: str, worker: UUID, seconds: float, reason: str
) -> bool:
    """Have it tried again after so many seconds; false: it has ended, or is another worker's."""
    row = await c.fetchrow(sql("delay_publication"), id, worker, seconds, reason)
    if row is None:
        return False
    await send(c, [Errand(KIND + publisher, id, row["nudges"], seconds)])
    return True


async def ask_again(
    database: Database,
    *,
    image: str | None = None,
    batch: str | None = None,
    publisher: str | None = None,
) -> int:
    """failed → pending: of an image, of a batch, or all of a publisher; how many."""
    asked = 0
    while True:
        async with database.transaction() as c:
            rows = await c.fetch(sql("ask_publications"), image, batch, publisher, _BITE)
            await send(c, [errand(row["publisher"], row) for row in rows])
        asked += len(rows)
        if len(rows) < _BITE:
            return asked


async def hasten(database: Database, publisher: str) -> None:
    """What waits for another try is due now."""
    while True:
        async with database.transaction() as c:
            rows = await c.fetch(sql("hasten_publications"), publisher, _BITE)
            await send(c, [errand(publisher, row) for row in rows])
        if len(rows) < _BITE:
            return


async def catch_up(database: Database, publisher: str) -> None:
    """Make tokens for what is due and has none."""
    after = _NIL
    while True:
        rows = await database.fetch(
            "forgotten_publications", publisher, _TOKEN_ON_ITS_WAY, after, _BITE
        )
        if not rows:
            return
        async with database.transaction() as c:
            await send(c, [errand(publisher, row) for row in rows])
        after = str(rows[-1]["id"])


async def standings(database: Database) -> list[Standing]:
    """Of every publisher that any image names."""
    return [Standing(**dict(row)) for row in await database.fetch("publishers")]


def errand(publisher: str, row: Row) -> Errand:
    """What has somebody look at this row (its id and nudges)."""
    return Errand(KIND + publisher, str(row["id"]), row["nudges"])


def _claimed_of(row: Row) -> Claimed:
    return Claimed(
        id=str(row["id"]),
        image=str(row["image_id"]),
        batch=str(row["batch_id"]),
        user=row["user_id"],
        character=row["character_id"],
        index=row["index"],
        seed=row["seed"],
        place=row["place"],
        tries=row["tries"],
        file=file_of(row),
        prompt_id=str(row["prompt_id"]),
        traceparent=row["traceparent"],
    )
