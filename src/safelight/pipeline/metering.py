"""Metering: what an order takes of quotas is counted in the transaction that accepts it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from safelight.core.quotas import Quota, Rates, refuse_excess
from safelight.core.records import Order
from safelight.database import quotas
from safelight.database.connection import Connection


@dataclass(slots=True)
class Meter:
    """Counts one order by this key."""

    key: str
    rates: Rates
    quotas: Sequence[Quota] = ()
    """How they stand when it is counted; none where nothing is limited."""

    async def look(self, c: Connection, order: Order) -> None:
        """Refuse what is clearly too much, before anything is done for it. Raises `TooMany`."""
        refuse_excess(await quotas.peek(c, self.key, order.user, order.quantity, self.rates))

    async def count(self, c: Connection, order: Order) -> None:
        """Count it. Others who count for this key or user wait from here to the commit, so this is
        done last. Raises `TooMany`; with the transaction everything is taken back."""
        counted = await quotas.count(c, self.key, order.user, order.quantity, self.rates)
        refuse_excess(counted)
        self.quotas = counted
