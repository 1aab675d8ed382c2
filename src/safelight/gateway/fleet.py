"""The render servers, as whoever runs them sees and steers them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from safelight.core.errors import Unknown
from safelight.database import leases
from safelight.database.connection import Database
from safelight.database.leases import BackendRow
from safelight.gateway.views import BackendState

SLOW: Final = 3.0
"""Times as long as the others of its pool: a backend that needs it is called slow."""
_SECONDS_MORE: Final = 1.0  # below that nobody would call it slow


class Fleet:
    """All methods raise `DatabaseAway` when PostgreSQL does not answer."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def backends(self) -> Sequence[BackendState]:
        """By name."""
        slow = await leases.slow(self._database, SLOW, _SECONDS_MORE)
        paces = await leases.paces(self._database)
        drawing = await leases.drawing(self._database)
        return [
            replace(
                _state(row, slow),
                drawing=drawing.get(row.name, ()),
                seconds_per_image=paces.get(row.name),
            )
            for row in await leases.backends(self._database)
        ]

    async def drain(self, name: str) -> BackendState:
        """Let a backend end what it has and take nothing more; from the answer on no attempt is
        opened there. Raises `Unknown`."""
        return await self._set(name, draining=True)

    async def resume(self, name: str) -> BackendState:
        """Let it take images again; also a stuck one is believed again. Raises `Unknown`."""
        return await self._set(name, draining=False)

    async def _set(self, name: str, *, draining: bool) -> BackendState:
        # PostgreSQL keeps no NUL.
        if "\0" in name or not await leases.drain(self._database, name, draining=draining):
            raise Unknown(f"there is no backend {name[:64]!r}")
        return next(state for state in await self.backends() if state.name == name)


def _state(row: BackendRow, slow: Mapping[str, float]) -> BackendState:
    state, reason = row.state, row.reason
    if state == "ready" and row.name in slow:
        reason = f"slow: it takes {slow[row.name]:.1f} times as long as the others of its pool"
    if row.draining:
        left = f"{row.running} still to end" if row.running else "nothing runs there any more"
        state, reason = "draining", f"{left}; resume it to use it again"
    elif not row.leased:
        state, reason = "unknown", "no worker drives it"
    return BackendState(
        name=row.name,
        url=row.url,
        pool=row.pool,
        slots=row.slots,
        state=state,
        reason=reason,
        worker=row.owner if row.leased else None,
        running=row.running,
        ghosts=row.ghosts,
        seen_at=row.seen_at,
        until=row.until if state in ("resting", "unreachable") else None,
        shares_output_with=row.shares_output,
    )
