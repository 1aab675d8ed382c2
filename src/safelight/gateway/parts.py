"""What the gateway is made of, and what of it is only passed on, each to whom it is for."""

from __future__ import annotations

import copy
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final, Self
from uuid import UUID

from safelight.core.errors import Unknown
from safelight.core.quotas import Rates
from safelight.core.records import Limits
from safelight.core.rights import ANYBODY, Rights
from safelight.database.bell import Bell
from safelight.database.connection import Database
from safelight.gateway.asking import Asking
from safelight.gateway.browsing import Browsing
from safelight.gateway.calls import Calls
from safelight.gateway.catalogue import Shelf
from safelight.gateway.copies import Copies
from safelight.gateway.fleet import Fleet
from safelight.gateway.formats import Formats
from safelight.gateway.packing import Packing
from safelight.gateway.reach import Reach
from safelight.gateway.readiness import readiness
from safelight.gateway.thumbnails import Thumbnails
from safelight.gateway.views import Kept
from safelight.gateway.webhooks import Allowed, Webhooks
from safelight.pipeline.accept import Acceptor
from safelight.pipeline.awaiting import Ends
from safelight.pipeline.hub import Hub
from safelight.pipeline.removing import Remover
from safelight.pipeline.wishes import Wishes
from safelight.store import Store

_ANYONE: Final = "anyone"  # who asks while there are no keys


class Parts:
    """The gateway's parts, and the rights of whoever asks: anybody's until `seen_by` says whose.

    `working` says how the worker of this process is, None where it has none; `metrics` writes what
    was measured in it.
    """

    def __init__(
        self,
        database: Database,
        bell: Bell,
        hub: Hub,
        store: Store,
        shelf: Shelf,
        acceptor: Acceptor,
        wishes: Wishes,
        copies: Copies,
        limits: Limits,
        working: Callable[[], str] | None = None,
        webhooks: Allowed | None = None,
        rates: Rates | None = None,
        metrics: Callable[[], Awaitable[bytes]] | None = None,
    ) -> None:
        self._database = database
        self._bell = bell
        self._hub = hub
        self._ends = Ends(database, bell)
        self._store = store
        self._acceptor = acceptor
        self._limits = limits
        self._rates = rates or Rates()
        self._working = working
        self._metrics = metrics
        self._thumbnails = Thumbnails(store)
        self._formats = Formats(store)
        self._calls = Calls(database, _ANYONE)
        self._shelf = shelf
        self._fleet = Fleet(database)
        self._wishes = wishes
        self._copies = copies
        self._remover = Remover(database, bell, store, self._thumbnails.forget)
        self._webhooks = Webhooks(database, bell, webhooks or Allowed())
        self._rights = ANYBODY
        self._reach = Reach(database, ANYBODY)

    def seen_by(self, rights: Rights) -> Self:
        """The same gateway for somebody with these rights."""
        seen = copy.copy(self)
        seen._rights, seen._reach = rights, Reach(self._database, rights)
        return seen

    async def stop(self) -> None:
        """Let go of everybody who listens or waits for an end."""
        await self._hub.stop()
        await self._ends.stop()
        await self._calls.stop()

    # --- an administrator's: each raises `Forbidden` for others ----------------------------------

    @property
    def shelf(self) -> Shelf:
        """Characters and workflows, to keep and to forget."""
        self._rights.need_admin()
        return self._shelf

    @property
    def fleet(self) -> Fleet:
        """The render servers."""
        self._rights.need_admin()
        return self._fleet

    @property
    def copies(self) -> Copies:
        """Publishers."""
        self._rights.need_admin()
        return self._copies

    @property
    def webhooks(self) -> Webhooks:
        """Subscriptions to all batches."""
        self._rights.need_admin()
        return self._webhooks

    async def metrics(self) -> bytes:
        """How this process is doing, as text for who measures it; none where nobody counts."""
        self._rights.need_admin()
        return await self._metrics() if self._metrics else b""

    async def resume_workflow(self, id: str, pool: str | None) -> Sequence[str]:
        """Let it be drawn again where it is held; in which pools it was. Raises `Unknown`."""
        pools = await self.shelf.resume_workflow(id, pool)
        self._bell.ring(line=True)
        return pools

    # --- what is theirs --------------------------------------------------------------------------

    @property
    def asking(self) -> Asking:
        """To cancel, try again, delete and star."""
        return Asking(self._reach, self._wishes, self._copies, self._remover)

    @property
    def browsing(self) -> Browsing:
        """To look through series."""
        return Browsing(self._database, self._rights)

    @property
    def packing(self) -> Packing:
        """To take pictures of a series along."""
        return Packing(self._database, self._store, self.browsing)

    @property
    def calls(self) -> Calls:
        """What they ask for again when no answer comes."""
        return self._calls.of(self._asker)

    @contextmanager
    def seat(self) -> Iterator[None]:
        """A place among those who listen, kept also while nothing is listened to. Raises
        `TooManyListeners`."""
        seat = self._hub.seat()
        try:
            yield
        finally:
            seat.give_back()

    @property
    def _asker(self) -> str:
        return self._rights.key or _ANYONE

    async def webhooks_of(self, batch: str) -> Webhooks:
        """What a batch's own webhook was told. Raises `Unknown`."""
        await self._reach.batch(uuid_of(batch, "batch"))
        return self._webhooks

    async def characters(self) -> Sequence[Kept]:
        """Those to order pictures of, by id."""
        kept = await self._shelf.characters()
        return [one for one in kept if self._rights.reaches_character(one.item.id)]

    async def character(self, id: str) -> Kept:
        """Raises `Unknown`."""
        if not self._rights.reaches_character(id):
            raise Unknown(f"there is no character {id!r}")
        return await self._shelf.character(id)

    # --- anybody's -------------------------------------------------------------------------------

    async def checks(self) -> Mapping[str, str]:
        """What readiness rests on: check name → "ok" or what is wrong. Never raises."""
        return await readiness(self._database, self._working)


def uuid_of(id: str, kind: str) -> str:
    """The id in its one spelling. Raises `Unknown`."""
    try:
        return str(UUID(id))
    except ValueError:
        raise Unknown(f"there is no {kind} with this id") from None
