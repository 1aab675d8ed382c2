"""Calls: requests that a client sends again when the answer does not come, without saying so.

Some clients repeat a request after a timeout or a lost connection, and send no Idempotency-Key. So
it is remembered which batch a call has ordered, and whether its answer went out to the last byte;
what is sent again gets the batch of the call before. Two calls with the same words, side by side,
are two: one that somebody still waits for is never taken up.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Final

import structlog

from safelight.core.errors import DatabaseAway
from safelight.database import calls
from safelight.database.calls import Call
from safelight.database.connection import Database
from safelight.database.stopping import stop

REMEMBERED: Final = 1800.0
"""Seconds in which a call can be taken up."""
_PATIENCE: Final = 3.0  # s until one that somebody seems to wait for is taken for another's
_PAUSE: Final = 0.2  # s
_AGAIN: Final = 1.0  # s until a database that is away is asked again

log = structlog.get_logger()


@dataclass
class Held:
    """A call while it is answered."""

    call: Call
    arrived: bool = False  # or there is nothing to take up any more


@dataclass
class _Here:
    """What this process knows of its calls, whoever asks."""

    waiting: dict[str, Call] = field(default_factory=dict)  # holder → what somebody waits for
    looking: set[str] = field(default_factory=set)  # holders that have ordered nothing yet
    unnoted: dict[str, bool] = field(default_factory=dict)  # holder → whether its answer arrived
    task: asyncio.Task[None] | None = None


@dataclass(frozen=True, slots=True)
class Calls:
    """The calls of one who asks. What raises, raises `DatabaseAway`."""

    database: Database
    asker: str
    _here: _Here = field(default_factory=_Here)

    def of(self, asker: str) -> Calls:
        """Those of somebody else."""
        return replace(self, asker=asker)

    async def stop(self) -> None:
        """Note nothing more."""
        await stop(self._here.task)

    @asynccontextmanager
    async def holding(self, id: str, route: str, fingerprint: str) -> AsyncIterator[Held]:
        """A call that is being answered under this request id (a UUID).

        When it is left without `arrived`, the same call takes its batch up.
        """
        held = Held(Call(id, f"{self.asker} {route}", fingerprint))
        self._here.waiting[id] = held.call
        try:
            yield held
        finally:
            await self._end(id, arrived=held.arrived)

    async def take_up(self, call: Call) -> str | None:
        """The batch of an earlier call like this, if its answer did not arrive.

        A server needs a moment to see that a client has gone, or that another server has ended, and
        for an order that its client no longer waits for.
        """
        clock = asyncio.get_running_loop().time
        until = clock() + _PATIENCE
        self._here.looking.add(call.holder)
        try:
            while True:
                waiting = list(self._here.waiting)
                batch = await calls.take_up(self.database, call, REMEMBERED, waiting)
                if batch is not None or clock() > until:
                    return batch
                if not (self._is_ordered(call) or await self._is_held(call)):
                    return None
                await asyncio.sleep(_PAUSE)
        finally:
            self._here.looking.discard(call.holder)

    def _is_ordered(self, call: Call) -> bool:
        """Whether another call like this is on its way through this process."""
        return any(
            holder not in self._here.looking
            and (other.scope, other.fingerprint) == (call.scope, call.fingerprint)
            for holder, other in self._here.waiting.items()
        )

    async def _is_held(self, call: Call) -> bool:
        return await calls.held(self.database, call, REMEMBERED)

    async def _end(self, id: str, *, arrived: bool) -> None:
        if not arrived:
            # From here on it can be taken up in this process, and elsewhere once it is written.
            self._here.waiting.pop(id, None)
        try:
            await self._note(id, arrived)
        except DatabaseAway as away:
            log.info("end of a call not noted yet", request_id=id, reason=str(away))
            self._here.unnoted[id] = arrived
            if self._here.task is None or self._here.task.done():
                self._here.task = asyncio.create_task(self._catch_up(), name="calls")
        finally:
            if id not in self._here.unnoted:
                self._here.waiting.pop(id, None)

    async def _catch_up(self) -> None:
        """Note what could not be noted. Till then no answer that arrived is given once more here,
        and what was let go waits here for whoever sends it again."""
        while self._here.unnoted:
            await asyncio.sleep(_AGAIN)
            with suppress(DatabaseAway):
                for id, arrived in tuple(self._here.unnoted.items()):
                    await self._note(id, arrived)
                    del self._here.unnoted[id]
                    self._here.waiting.pop(id, None)

    async def _note(self, id: str, arrived: bool) -> None:
        await (calls.arrived if arrived else calls.let_go)(self.database, id)
