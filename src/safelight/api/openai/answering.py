"""Answering a request for pictures: ordered, waited for, written, unless its client goes before.

A client that goes does not take the order with it. What it sends again gets the same batch
(`gateway.calls`), so nothing is drawn twice because a connection broke.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, aclosing, suppress
from dataclasses import replace

import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from safelight.api.auth import still_of
from safelight.api.context import context_of
from safelight.api.headers import idempotency_key, traceresponse
from safelight.api.links import base_of
from safelight.api.openai.errors import Incomplete, StillRunning, rate_limits
from safelight.api.openai.pieces import Pieces
from safelight.api.openai.presence import Client
from safelight.api.openai.requests import ROUTE, STEPS, Wish, hold_for, sent_again
from safelight.api.openai.streaming import stream
from safelight.api.problems import request_id_of
from safelight.core.errors import DatabaseAway, Invalid, Refusal, SafelightError
from safelight.core.records import Batch, Order
from safelight.core.states import COMPLETED, ENDED, FAILED
from safelight.gateway import Gateway, Held

_MOST_REASONS = 4  # of images that have failed

_log = structlog.get_logger(__name__)


class Answer(Response):
    """What a request for pictures is answered with; all is done while it is sent."""

    def __init__(self, request: Request, wish: Wish) -> None:
        super().__init__()
        self._request = request
        self._wish = wish
        self._gateway: Gateway = context_of(request).gateway
        self._more: dict[str, str] = {}  # headers: quotas, trace, whether it is a replay
        self._whole = False  # it went out, and its client was there to the end

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        async with AsyncExitStack() as stack:
            if self._wish.stream:
                # Before anything is ordered: a stream that has begun cannot be refused.
                stack.enter_context(self._gateway.seat())
            held = await self._held(stack)
            batch = await self._ordered(held)
            client = Client(receive)
            try:
                await client.served(self._answer(batch, client, held, send))
            except Refusal:
                _settle(held)  # else it would be refused for ever
                raise
            if self._whole:
                _settle(held)
            if client.gone and not self._whole and self._wish.cancel:
                await self._cancel(batch, held)

    async def _held(self, stack: AsyncExitStack) -> Held | None:
        """The call, if it can be sent again without a key that says so."""
        if self._request.headers.get("idempotency-key") is not None:
            return None
        id = request_id_of(self._request)
        holding = self._gateway.calls.holding(id, ROUTE, self._wish.fingerprint)
        return await stack.enter_async_context(holding)

    async def _ordered(self, held: Held | None) -> Batch:
        """The batch that answers this: a new one, or that of the same request before.

        Raises: see `Gateway.order`.
        """
        if held and sent_again(self._request.headers):
            before = await self._gateway.calls.take_up(held.call)
            if before is not None:
                return await self._gateway.batch(before)
        ordered = await self._gateway.order(
            await self._order(),
            key=idempotency_key(self._request.headers.get("idempotency-key")),
            fingerprint=self._wish.fingerprint,
            scope=ROUTE,
            call=held.call if held else None,
        )
        self._more |= rate_limits(ordered.quotas)
        if ordered.replayed:
            self._more["idempotency-replayed"] = "true"
        else:
            caller = self._request.headers.get("traceparent")
            self._more |= traceresponse(ordered.batch.traceparent, caller)
        return ordered.batch

    async def _order(self) -> Order:
        caller = self._request.headers.get("traceparent")
        order = replace(self._wish.order, traceparent=caller)
        if self._wish.quality not in STEPS:
            return order
        # What is wrong with it is told when it is ordered, or it is a replay.
        with suppress(Invalid):
            steps = self._wish.steps(await self._gateway.usual_steps(order))
            order = replace(order, parameters=replace(order.parameters, steps=steps))
        return order

    async def _answer(self, batch: Batch, client: Client, held: Held | None, send: Send) -> None:
        pieces = Pieces(self._request, self._gateway, self._wish)
        if self._wish.stream:
            told = stream(pieces, batch, lambda ended: self._check(ended, held))
            await self._write(told, "text/event-stream", client, send)
            return
        ended = await self._ended(batch)
        await still_of(self._request)()
        self._check(ended, held)
        await self._write(pieces.document(ended), "application/json", client, send)

    async def _ended(self, batch: Batch) -> Batch:
        """The batch as it ended. Raises `StillRunning`."""
        batch = await self._gateway.batch_after(batch, hold_for(self._request.headers))
        if batch.status not in ENDED:
            raise StillRunning(
                f"batch {batch.id} is {batch.status} and goes on; send the same request again to "
                f"wait for it, or look at {self._address(batch)}"
            )
        return batch

    def _check(self, batch: Batch, held: Held | None) -> None:
        """Raises `Incomplete`: fewer than all is never an answer."""
        if batch.status == COMPLETED:
            return
        _settle(held)
        counters = batch.counters
        errors = [image.error for image in batch.images if image.status == FAILED and image.error]
        said = (error.detail.rstrip(".") for error in errors[:_MOST_REASONS])
        reasons = "; ".join(dict.fromkeys(said))
        detail = (
            f"batch {batch.id} is {batch.status}: {counters.stored} of {counters.quantity} images "
            f"are stored{': ' if reasons else ''}{reasons}. See {self._address(batch)}"
        )
        raise Incomplete(detail, code=f"batch_{batch.status}")

    def _address(self, batch: Batch) -> str:
        return f"{base_of(self._request)}/v1/batches/{batch.id}"

    async def _write(
        self, pieces: AsyncGenerator[bytes, None], media_type: str, client: Client, send: Send
    ) -> None:
        # Until there is a first piece, what goes wrong is an answer of its own.
        first = b"" if self._wish.stream else await anext(pieces)
        headers = [
            (b"content-type", media_type.encode()),
            (b"cache-control", b"no-store"),
            (b"x-accel-buffering", b"no"),
            *((name.encode(), value.encode()) for name, value in self._more.items()),
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": first, "more_body": True})
        try:
            async with aclosing(pieces):
                async for piece in pieces:
                    await send({"type": "http.response.body", "body": piece, "more_body": True})
        except SafelightError as error:
            # The line is closed without an end, so that nobody takes what arrived for the whole.
            id = request_id_of(self._request)
            _log.warning("answer broken off", request_id=id, reason=error.detail)
            return
        # Comes back when all but a little has been taken.
        await send({"type": "http.response.body", "body": b"", "more_body": True})
        # Whoever has gone gets no end, so that what did arrive is not taken for the whole.
        self._whole = await client.is_there()
        if self._whole:
            await send({"type": "http.response.body"})

    async def _cancel(self, batch: Batch, held: Held | None) -> None:
        _settle(held)
        try:
            await self._gateway.asking.cancel_batch(batch.id)
        except Refusal as refusal:
            _log.debug("nothing to cancel", batch=batch.id, reason=refusal.detail)
        except DatabaseAway as away:
            _log.warning("not canceled", batch=batch.id, reason=away.detail)


def _settle(held: Held | None) -> None:
    """Sent again, it is ordered anew."""
    if held:
        held.arrived = True
