"""accept: one request → batch, reserved indices, image rows, tokens, first event.

All in one transaction, so after it the order cannot be lost and before it there is no trace of it.
What is to be drawn is frozen here; nobody looks at files or catalogues afterwards.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import uuid4

from safelight.core.errors import Invalid
from safelight.core.fairness import Fairness, costs
from safelight.core.graph import canonical
from safelight.core.happenings import BatchAccepted
from safelight.core.numbering import draw_seed, explicit_seeds, reserve
from safelight.core.planning import named_by
from safelight.core.records import Batch, Counters, Graph, Image, Order, Plan, Publication
from safelight.core.states import PENDING, QUEUED, batch_status
from safelight.core.traceparent import read_traceparent
from safelight.database import batches, calls, shares, webhooks
from safelight.database.batches import NewBatch, NewImage, Reserved
from safelight.database.bell import Bell
from safelight.database.calls import Call
from safelight.database.connection import Connection, Database
from safelight.database.engine import Place, line_up
from safelight.database.noting import note
from safelight.pipeline.metering import Meter
from safelight.pipeline.tracing import UNTRACED, Traces, log_about
from safelight.pipeline.waiting import too_many


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


class _Full(Exception):
    """The user has as many unfinished images as allowed, or would have more."""

    def __init__(self, unfinished: int, cap: int) -> None:
        super().__init__(unfinished, cap)
        self.unfinished = unfinished
        self.cap = cap


class Acceptor:
    """Accepts orders; remembers which graphs the database has."""

    def __init__(
        self,
        database: Database,
        bell: Bell,
        deadline: float,
        fairness: Fairness | None = None,
        publishers: Sequence[str] = (),
        traces: Traces = UNTRACED,
    ) -> None:
        self._database = database
        self._bell = bell
        self._deadline = deadline
        self.fairness = fairness or Fairness()
        self._publishers = tuple(publishers)
        self._traces = traces
        self._known_graphs: set[str] = set()

    async def accept(
        self,
        order: Order,
        plan: Plan,
        graph: Graph,
        key: Key | None = None,
        meter: Meter | None = None,
        call: Call | None = None,
    ) -> Batch | str:
        """Accept an order; returns the batch, or the id of the one that is replayed.

        A replay is not counted by the meter, nor is what is refused. The call, if any, is noted
        with its batch.

        Raises:
            Invalid: the key was used for another request (`idempotency-key-reused`).
            TooManyQueued: the user has too many unfinished images; nothing was reserved.
            TooMany: a quota is used up; nothing was reserved.
            DatabaseAway: nothing was reserved.
        """
        id = str(uuid4())
        caller = read_traceparent(order.traceparent)
        with self._traces.span(
            "batch.accept",
            caller,
            batch=id,
            character=order.character,
            quantity=order.quantity,
            pool=plan.pool,
        ) as span:
            await self._keep_graph(plan.graph, graph)
            order = replace(order, traceparent=span.traceparent)
            accepted = await self._accept(id, order, plan, key, meter, call)
            replayed = None if isinstance(accepted, Batch) else accepted
            span.say(replayed=replayed)
        log_about(order.traceparent, batch_id=replayed or id)
        return accepted

    async def _accept(
        self,
        id: str,
        order: Order,
        plan: Plan,
        key: Key | None,
        meter: Meter | None,
        call: Call | None,
    ) -> Batch | str:
        plan = replace(plan, publishers=self._publishers)
        try:
            async with self._database.transaction() as c:
                if key:
                    await _claim(c, key, id)
                await self._refuse_too_many(c, order)
                if meter:
                    await meter.look(c, order)
                batch = await self._insert(c, id, order, plan)
                if call:
                    await calls.note(c, call, id)
                if meter:
                    await meter.count(c, order)
        except Replayed as replayed:
            return replayed.batch
        except _Full as full:
            raise await too_many(self._database, order, plan, full.unfinished, full.cap) from None
        self._bell.ring(id, line=True, ended=False)
        return batch

    async def replay(self, key: Key) -> str | None:
        """The batch that was accepted under this key, if any. Raises like `accept`."""
        async with self._database.session() as c:
            held = await batches.held_key(c, key.scope, key.key)
        return _same_request(held, key) if held else None

    async def _keep_graph(self, sha256: str, graph: Graph) -> None:
        if sha256 not in self._known_graphs:
            await batches.keep_graph(self._database, sha256, canonical(graph))
            self._known_graphs.add(sha256)

    async def _refuse_too_many(self, c: Connection, order: Order) -> None:
        cap = self.fairness.queued_per_user
        if cap is None:
            return
        unfinished = await shares.unfinished(c, order.user)
        if unfinished + order.quantity > cap:
            raise _Full(unfinished, cap)

    async def _insert(self, c: Connection, id: str, order: Order, plan: Plan) -> Batch:
        new_key = secrets.token_bytes(16)
        ids = [str(uuid4()) for _ in range(order.quantity)]
        spent = costs(order.quantity, self.fairness.weight(order.user))
        reserved = await batches.reserve(
            c, order.user, order.character, order.quantity, new_key, plan.pool, spent[-1]
        )
        images = _members(order, reserved, ids, spent)
        # More cannot be sent before one of them ends; then the next is called back.
        in_line = images[-(self.fairness.in_flight_per_user or len(images)) :]
        new = NewBatch(
            id=id,
            user=order.user,
            character=order.character,
            prompt=order.prompt,
            plan=plan,
            metadata=order.metadata,
            deadline=self._deadline if order.deadline is None else order.deadline,
            seed_explicit=order.seed is not None,
            images=images,
            last_in_line=in_line[0].turn if len(in_line) < len(images) else None,
            traceparent=order.traceparent,
            parameters=named_by(order),
        )
        created_at, deadline = await batches.insert(c, new)
        if order.webhook is not None:
            await webhooks.keep_own(c, id, order.webhook)
        await line_up(c, [Place(image.id, plan.pool, image.turn, 0) for image in in_line])
        note(c, BatchAccepted(order.character))
        return _accepted(new, created_at, deadline)


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


def _accepted(new: NewBatch, created_at: datetime, deadline: datetime) -> Batch:
    """The batch as its rows say now, without reading them again."""
    counters = Counters(len(new.images))
    return Batch(
        id=new.id,
        user=new.user,
        character=new.character,
        prompt=new.prompt,
        counters=counters,
        status=batch_status(counters),
        images=tuple(
            Image(
                id=image.id,
                batch=new.id,
                user=new.user,
                character=new.character,
                index=image.index,
                seed=image.seed,
                status=QUEUED,
                seed_explicit=new.seed_explicit,
                created_at=created_at,
                publications=tuple(Publication(name, PENDING) for name in new.plan.publishers),
            )
            for image in new.images
        ),
        pool=new.plan.pool,
        workflow=new.plan.workflow,
        metadata=new.metadata,
        created_at=created_at,
        ended_at=None,
        deadline=deadline,
        last_event=1,
        traceparent=new.traceparent,
        parameters=new.parameters,
    )


def _members(
    order: Order, reserved: Reserved, ids: list[str], spent: Sequence[int]
) -> list[NewImage]:
    indices = reserve(reserved.highest - order.quantity, order.quantity)
    if order.seed is None:
        seeds = tuple(draw_seed(reserved.seed_key, index) for index in indices)
    else:
        seeds = explicit_seeds(order.seed, order.quantity)
    # The lowest index takes the first turn.
    turns = [reserved.turn + cost for cost in reversed(spent)]
    return [
        NewImage(id, index, seed, turn)
        for id, index, seed, turn in zip(ids, indices, seeds, turns, strict=True)
    ]
