"""Calls: requests that a client sends again when the answer does not come, without saying so.

Some clients repeat a request after a timeout or a lost connection, and send no Idempotency-Key. So
it is remembered which batch a call has ordered, and whether its answer went out to the last byte;
what is sent again gets the batch of the call before. Two calls with the same words, side by side,
are two: one that somebody still waits for is never taken up.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Final

import structlog

from safelight.core.errors import DatabaseAway
from safelight.database import calls
from safelight.database.calls import Call
from safelight.database.connection import Database

REMEMBERED: Final = 1800.0
"""Seconds in which a call can be taken up."""
_PATIENCE: Final = 3.0  # s until one that somebody seems to wait for is taken for another's
_PAUSE: Final = 0.2  # s

log = structlog.get_logger()


@dataclass
class Held:
    """A call while it is answered."""

    call: Call
    arrived: bool = False  # or there is nothing to take up any more


@dataclass(frozen=True, slots=True)
class Calls:
    """The calls of one who asks. What raises, raises `DatabaseAway`."""

    database: Database
    asker: str
    _waiting: set[str] = field(default_factory=set)  # holders in this process

    def of(self, asker: str) -> Calls:
        """Those of somebody else."""
        return replace(self, asker=asker)

    @asynccontextmanager
    async def holding(self, id: str, route: str, fingerprint: str) -> AsyncIterator[Held]:
        """A call that is being answered under this request id (a UUID).

        When it is left without `arrived`, the same call takes its batch up.
        """
        held = Held(Call(id, f"{self.asker} {route}", fingerprint))
        self._waiting.add(id)
        try:
            yield held
        finally:
            # From here on it can be taken up in this process, and elsewhere once it is written.
            self._waiting.discard(id)
            try:
                await (calls.arrived if held.arrived else calls.let_go)(self.database, id)
            except DatabaseAway as away:
                log.info("end of a call not noted", request_id=id, reason=str(away))

    async def take_up(self, call: Call) -> str | None:
        """The batch of an earlier call like this, if its answer did not arrive.

        A server needs a moment to see that a client has gone, or that another server has ended.
        """
        clock = asyncio.get_running_loop().time
        until = clock() + _PATIENCE
        while True:
            batch = await calls.take_up(self.database, call, REMEMBERED, self._waiting)
            if batch is not None or clock() > until:
                return batch
            if not await calls.held(self.database, call, REMEMBERED):
                return None
            await asyncio.sleep(_PAUSE)
