"""accept: one request → batch, reserved indices, image rows, tokens, first event.

All in one transaction, so after it the order cannot be lost and before it there is no trace of it.
What is to be drawn is frozen here; nobody looks at files or catalogues afterwards.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from uuid import uuid4

from safelight.core.errors import Invalid
from safelight.core.graph import canonical
from safelight.core.numbering import draw_seed, explicit_seeds, reserve
from safelight.core.records import Graph, Order, Plan
from safelight.database import batches
from safelight.database.batches import NewBatch, NewImage, Reserved
from safelight.database.bell import Bell
from safelight.database.connection import Connection, Database
from safelight.database.engine import Place, line_up


@dataclass(frozen=True, slots=True)
class Key:
    """An idempotency key: the same request under it gives the same batch."""

    scope: str  # API key and route
    key: str
    fingerprint: str  # SHA-256 of the canonical body


class Replayed(Exception):
    """The key is held: this batch answers the request."""

    def __init__(self, batch: str) -> None:
        super().__init__(batch)
        self.batch = batch


class Acceptor:
    """Accepts orders; remembers which graphs the database has."""

    def __init__(self, database: Database, bell: Bell, deadline: float) -> None:
        self._database = database
        self._bell = bell
        self._deadline = deadline
        self._known_graphs: set[str] = set()

    async def accept(
        self, order: Order, plan: Plan, graph: Graph, key: Key | None = None
    ) -> tuple[str, bool]:
        """Accept an order; returns the batch's id, and whether it was replayed.

        Raises:
            Invalid: the key was used for another request (`idempotency-key-reused`).
            DatabaseAway: nothing was reserved.
        """
        await self._keep_graph(plan.graph, graph)
        id = str(uuid4())
        try:
            async with self._database.transaction() as c:
                if key:
                    await _claim(c, key, id)
                await self._insert(c, id, order, plan)
        except Replayed as replayed:
            return replayed.batch, True
        self._bell.ring(id, line=True)
        return id, False

    async def replay(self, key: Key) -> str | None:
        """The batch that was accepted under this key, if any. Raises like `accept`."""
        async with self._database.session() as c:
            held = await batches.held_key(c, key.scope, key.key)
        return _same_request(held, key) if held else None

    async def _keep_graph(self, sha256: str, graph: Graph) -> None:
        if sha256 not in self._known_graphs:
            await batches.keep_graph(self._database, sha256, canonical(graph))
            self._known_graphs.add(sha256)

    async def _insert(self, c: Connection, id: str, order: Order, plan: Plan) -> None:
        new_key = secrets.token_bytes(16)
        ids = [str(uuid4()) for _ in range(order.quantity)]
        reserved = await batches.reserve(
            c, order.user, order.character, order.quantity, new_key, plan.pool
        )
        images = _members(order, reserved, ids)
        batch = NewBatch(
            id=id,
            user=order.user,
            character=order.character,
            prompt=order.prompt,
            plan=plan,
            metadata=order.metadata,
            deadline=self._deadline,
            seed_explicit=order.seed is not None,
            images=images,
        )
        await batches.insert(c, batch)
        await line_up(c, [Place(image.id, plan.pool, image.turn, 0) for image in images])


async def _claim(c: Connection, key: Key, batch: str) -> None:
    if await batches.claim_key(c, key.scope, key.key, key.fingerprint, batch):
        return
    held = await batches.held_key(c, key.scope, key.key)
    if held is None:  # pruned between the two statements: as good as new
        await batches.claim_key(c, key.scope, key.key, key.fingerprint, batch)
        return
    raise Replayed(_same_request(held, key))


def _same_request(held: tuple[str, str], key: Key) -> str:
    fingerprint, batch = held
    if fingerprint != key.fingerprint:
        raise Invalid(
            "this Idempotency-Key was used for another request; use a new key for a new request",
            code="idempotency-key-reused",
        )
    return batch


def _members(order: Order, reserved: Reserved, ids: list[str]) -> list[NewImage]:
    indices = reserve(reserved.highest - order.quantity, order.quantity)
    if order.seed is None:
        seeds = tuple(draw_seed(reserved.seed_key, index) for index in indices)
    else:
        seeds = explicit_seeds(order.seed, order.quantity)
    # The lowest index takes the first turn.
    turns = [
        reserved.turn + batches.TURN_COST * (order.quantity - place)
        for place in range(order.quantity)
    ]
    return [
        NewImage(id, index, seed, turn)
        for id, index, seed, turn in zip(ids, indices, seeds, turns, strict=True)
    ]
