"""The gateway itself: one method for each thing that can be asked.

Whoever asks sees and reaches what their rights say, and of the rest not even that it is there.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from safelight.core.errors import (
    Forbidden,
    Gone,
    Invalid,
    NoPreview,
    NotStored,
    TooMany,
    TooManyQueued,
    Unknown,
)
from safelight.core.planning import make_plan, steps_of
from safelight.core.quotas import USER_IMAGES, Quota
from safelight.core.records import (
    Batch,
    Catalogue,
    Graph,
    Image,
    Order,
    Plan,
    StoredFile,
)
from safelight.core.states import BATCH_STATUSES, CANCELED, FAILED, STORED
from safelight.database import batches, events, images, previews
from safelight.database.calls import Call
from safelight.gateway.cursors import cursor_of, read_cursor, read_position
from safelight.gateway.listening import Listening, told_of_all, told_of_batch
from safelight.gateway.parts import Parts, uuid_of
from safelight.gateway.provenance import provenance
from safelight.gateway.views import Ordered, Page, Provenance, Told, ToldOfAll, page_of
from safelight.pipeline.accept import Key
from safelight.pipeline.metering import Meter
from safelight.pipeline.waiting import Estimate, Outlook, estimate, outlook


class Gateway(Parts):
    """See each method; all raise `DatabaseAway` when PostgreSQL does not answer."""

    # --- batches ---------------------------------------------------------------------------------

    async def order(
        self,
        order: Order,
        *,
        key: str | None = None,
        fingerprint: str = "",
        scope: str = "",
        call: Call | None = None,
    ) -> Ordered:
        """Accept an order, or answer it with the batch that its idempotency key gave before.

        `fingerprint` is the SHA-256 (hex) of the canonical request body, `scope` the route: each
        API key has keys of its own. A call is noted with its batch (`calls`).

        Raises `Invalid` (also code `idempotency-key-reused`), `Forbidden`, `TooManyQueued`,
        `TooMany`.
        """
        self._check_user(order)
        held = Key(f"{self._asker} {scope}", key, fingerprint) if key is not None else None
        try:
            plan, graph = await self._plan(order)
        except Invalid:
            # What was accepted once is replayed even if it would be refused today.
            replayed = await self._acceptor.replay(held) if held else None
            if replayed is None:
                raise
            return Ordered(await self.batch(replayed), replayed=True)
        meter = self._meter()
        with self._discreet():
            accepted = await self._acceptor.accept(order, plan, graph, held, meter, call)
        if isinstance(accepted, Batch):
            return Ordered(accepted, quotas=self._seen(meter.quotas) if meter else ())
        return Ordered(await self.batch(accepted), replayed=True)

    def _check_user(self, order: Order) -> None:
        if not self._rights.reaches_user(order.user):
            raise Forbidden(f"this key may not order for {order.user}")

    def _meter(self) -> Meter | None:
        rights = self._rights
        if rights.key is None or not (rights.limited or self._rates.any):
            return None
        return Meter(rights.key, self._rates)

    @contextmanager
    def _discreet(self) -> Iterator[None]:
        """Who does not reach all characters of a user does not learn how much others ordered."""
        try:
            yield
        except TooManyQueued as refusal:
            if self._rights.characters is not None:
                refusal.detail = "this user has too many unfinished images for this order"
            raise
        except TooMany as refusal:
            refusal.quotas = self._seen(refusal.quotas)
            raise

    def _seen(self, quotas: Sequence[Quota]) -> Sequence[Quota]:
        known = self._rights.characters is None
        return [quota for quota in quotas if known or quota.name != USER_IMAGES]

    async def _plan(self, order: Order) -> tuple[Plan, Graph]:
        self._webhooks.check(order)
        try:
            return make_plan(order, self._theirs(await self._shelf.catalogue()), self._limits)
        except Invalid:
            newest = await self._shelf.catalogue(at_least=0)
            return make_plan(order, self._theirs(newest), self._limits)

    def _theirs(self, catalogue: Catalogue) -> Catalogue:
        if self._rights.characters is None:
            return catalogue
        known = catalogue.characters.items()
        reached = {id: one for id, one in known if self._rights.reaches_character(id)}
        return replace(catalogue, characters=reached)

    async def usual_steps(self, order: Order) -> int | None:
        """How many sampling steps an order takes that names none; None where nothing says.

        Raises `Invalid`.
        """
        return steps_of(*await self._plan(order))

    async def estimate(self, order: Order) -> Estimate:
        """When an order would be there if it was given now; nothing is reserved, nothing counted.

        Raises `Invalid`, `Forbidden`, `TooManyQueued`.
        """
        self._check_user(order)
        plan, _ = await self._plan(order)
        with self._discreet():
            return await estimate(self._database, order, plan, self._acceptor.fairness)

    async def batch(self, id: str) -> Batch:
        """Raises `Unknown`."""
        found = await batches.batch(self._database, uuid_of(id, "batch"))
        if found is None or not self._rights.reaches(found.user, found.character):
            raise Unknown(f"there is no batch {id}")
        return found

    async def outlook(self, batch: Batch) -> Outlook:
        """What is to be expected of a batch that was read just now."""
        return await outlook(self._database, batch)

    async def batch_after(self, seen: Batch, seconds: float) -> Batch:
        """The batch as soon as it ended, or as it is after so many seconds. Raises `Unknown`.

        `seen` is how it was just now, and what is returned where the database is away to the end.
        """
        return await self._ends.after(seen, seconds, self.batch)

    async def batches(
        self,
        *,
        user: str | None = None,
        character: str | None = None,
        status: str | None = None,
        limit: int = 50,
        cursor: str | None = None,
    ) -> Page:
        """Batches, newest first. Raises `Invalid` for a bad cursor or status."""
        if status is not None and status not in BATCH_STATUSES:
            raise Invalid(f"status is one of {', '.join(BATCH_STATUSES)}", pointer="?status")
        after = read_cursor(cursor) if cursor is not None else None
        if "\0" in f"{user}{character}":
            return Page([], None)  # PostgreSQL keeps no NUL
        asked = batches.Asked(user, character, status, after, limit + 1)
        found = await batches.batches(self._database, asked, self._rights)
        return page_of(found, limit, cursor_of)

    # --- events ----------------------------------------------------------------------------------

    def events(
        self, batch: str, after: int, *, seated: bool = False, previews: bool = True
    ) -> Listening[Told | None]:
        """Every event of a batch after that number, then live ones, until it ended.

        Yields None every 15 s of silence, so that the door can send a keep-alive. Check first that
        the batch is there, with `batch` or `nothing_follows`. Ends early for whoever is too slow.
        Raises `TooManyListeners`, unless there is a seat (`seat`) already.
        """
        seat = None if seated else self._hub.seat()
        return Listening(seat, told_of_batch(self._hub, batch, after, previews=previews))

    async def nothing_follows(self, batch: str, after: int) -> bool:
        """Whether whoever has heard event `after` of a batch has heard all there will be.

        Raises `Unknown`.
        """
        now = await events.standing(self._database, uuid_of(batch, "batch"), after)
        if now is None or not self._rights.reaches(now.user, now.character):
            raise Unknown(f"there is no batch {batch}")
        return now.ended and (after == now.last_event or (now.lost is None and not now.more))

    def all_events(self, after: str | None) -> Listening[ToldOfAll]:
        """Every event of every batch behind a cursor (None: from now on), and what is live between
        them; never ends by itself.

        In every 15 s of silence it yields how far that is, with None for an event. Ends for whoever
        is too slow. Raises `Invalid` for a bad cursor, `TooManyListeners`.
        """
        cursor = read_position(after) if after is not None else None
        return Listening(self._hub.seat(), told_of_all(self._hub, cursor, self._rights))

    # --- images ----------------------------------------------------------------------------------

    async def image(self, id: str) -> Provenance:
        """Raises `Unknown`."""
        found = await provenance(self._database, uuid_of(id, "image"))
        if found is None or not self._rights.reaches(found.image.user, found.image.character):
            raise Unknown(f"there is no image {id}")
        return found

    async def stored(self, id: str) -> tuple[Image, StoredFile]:
        """An image and its file. Raises `Unknown`, `NotStored`, `Gone`."""
        found = await images.image(self._database, uuid_of(id, "image"))
        if found is None or not self._rights.reaches(found.user, found.character):
            raise Unknown(f"there is no image {id}")
        if found.deleted_at is not None:
            raise Gone("this image was deleted; its index stays taken")
        if found.status == STORED and found.file is not None:
            return found, found.file
        reason = f": {found.error.detail}" if found.status == FAILED and found.error else ""
        refusal = NotStored(f"this image is {found.status}{reason}")
        if found.status in (FAILED, CANCELED):
            refusal.retry_after = None  # nothing will come, however long one waits
        raise refusal

    def read(self, file: StoredFile, start: int, end: int) -> AsyncIterator[bytes]:
        """Bytes start..end (end excluded) of it in pieces. Raises `StoreAway`."""
        return self._store.stream(file.key, start, end)

    async def preview(self, id: str) -> tuple[int, bytes]:
        """How an image looks while it is drawn, as WebP, and a number that rises with each.

        Raises `Unknown`, `NoPreview`.
        """
        found = await previews.of_image(self._database, uuid_of(id, "image"))
        if found is None or not self._rights.reaches(found.user, found.character):
            raise Unknown(f"there is no image {id}")
        if found.picture is None:
            raise NoPreview(f"this image is {found.status}, and nothing of it is shown")
        return found.number, found.picture

    async def picture(self, file: StoredFile, form: str, quality: int) -> bytes:
        """It as `webp` or `jpeg`, `quality` 0 to 100. Raises `Invalid`, `StoreTrouble`."""
        return await self._formats.of(file, form, quality)

    async def thumbnail(self, file: StoredFile, width: int) -> bytes:
        """A WebP at most `width` pixels wide. Raises `StoreTrouble`."""
        return await self._thumbnails.of(file, width)

    # --- series ----------------------------------------------------------------------------------

    async def image_by_index(self, user: str, character: str, index: int) -> Provenance:
        """Raises `Unknown`."""
        self.browsing.check(user, character)
        id = await images.image_id(self._database, user, character, index)
        if id is None:
            raise Unknown(f"{user} has no image {index} of {character}")
        return await self.image(id)
