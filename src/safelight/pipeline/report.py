"""report: what happened → signed webhooks, each until it has arrived or is dead.

A message is an event, told to one webhook. Its `webhook-id` is that of the event at every try, so
that a receiver knows a repetition; its `data` is the batch, or the image, as it is when it is sent.
The events of one batch go to one webhook in their order, one after the other.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Protocol, TypeAlias
from uuid import UUID

import msgspec
import structlog

from safelight.core.delivering import CLAIM
from safelight.core.happenings import MessageTried
from safelight.core.reporting import (
    DEAD,
    SCHEDULE,
    Answered,
    Forbidden,
    Silent,
    Verdict,
    judge,
    message_id,
)
from safelight.core.signing import signatures
from safelight.core.traceparent import Place, place_of_attempt, place_of_batch
from safelight.database import deliveries, webhooks
from safelight.database.connection import Connection, Database
from safelight.database.deliveries import KIND, Due
from safelight.pipeline.tracing import UNTRACED, Traces, log_about

log = structlog.get_logger()

PER_HOST: Final = 8
"""Messages to one host at once: one that hangs holds up no other."""
_ROOM: Final = 32  # messages at once
_LATE: Final = 3.0  # s a delivery must be due before its token counts as lost

# What a message's `data` is: of a batch, or of an image of it, with links that begin with a base.
# None: there is no such thing any more.
Shown: TypeAlias = Callable[[str, str | None, str], Awaitable[Any]]


class Sender(Protocol):
    """Whoever sends a message; it raises nothing."""

    async def send(
        self, url: str, headers: dict[str, str], body: bytes
    ) -> Answered | Silent | Forbidden:
        """Send it once."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What the settings say."""

    secrets: tuple[str, ...] = ()  # of batches' own webhooks, the newest first
    schedule: tuple[float, ...] = SCHEDULE  # s between tries
    agent: str = "safelight"  # what we call ourselves


class Reporter:
    """Runs deliveries as errands."""

    kind = KIND
    room = _ROOM

    def __init__(
        self,
        database: Database,
        sender: Sender,
        shown: Shown,
        rules: Rules,
        me: UUID,
        traces: Traces = UNTRACED,
    ) -> None:
        self._database = database
        self._sender = sender
        self._shown = shown
        self._rules = rules
        self._me = me
        self._traces = traces
        self._busy: Counter[str] = Counter()  # origin → messages under way

    async def claim(self, c: Connection, row: str, worker: UUID) -> Due | None:
        """Claim it, unless it is not its turn; then whoever is before it wakes it."""
        crowded = [origin for origin, running in self._busy.items() if running >= PER_HOST]
        return await deliveries.claim(c, row, worker, CLAIM, crowded)

    async def carry(self, claimed: Due) -> None:
        """Send it, and write what came of it. Raises `DatabaseAway`."""
        log_about(claimed.traceparent, batch_id=claimed.batch, image_id=claimed.image)
        self._busy[claimed.origin] += 1
        began = time.monotonic()
        said = {"batch": claimed.batch, "image": claimed.image, "event": claimed.type}
        with self._traces.span("webhook.deliver", _place(claimed), **said) as span:
            try:
                answer = await self._send(claimed)
            finally:
                self._busy -= Counter([claimed.origin])
            verdict = await self._note(claimed, answer)
            outcome = "delayed" if verdict.wait is not None else verdict.status
            span.say(outcome=outcome, tries=claimed.tries + 1)
        self._database.count(MessageTried(outcome, time.monotonic() - began))

    async def renew(self, rows: Sequence[str], worker: UUID) -> None:
        """Keep claims."""
        await deliveries.renew(self._database, rows, worker, CLAIM)

    async def release(self, rows: Sequence[str], worker: UUID) -> None:
        """Give claims back."""
        async with self._database.transaction() as c:
            await deliveries.release(c, rows, worker)

    async def catch_up(self, *, started: bool) -> None:
        """Have those sent whose token was lost. A new start brings no try forward: the trouble was
        the receiver's, and tries are numbered."""
        async with self._database.transaction() as c:
            await deliveries.bury(c)
            await deliveries.catch_up(c, 0.0 if started else _LATE, PER_HOST)

    async def _send(self, due: Due) -> Answered | Silent | Forbidden | None:
        """None: there is nothing left to tell."""
        secrets = self._rules.secrets if due.own else due.secrets
        if not secrets:
            return Silent("webhooks.secret is not set for this worker")
        data = await self._shown(due.batch, due.image, due.base)
        if data is None:
            return None
        at = due.at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
        body = msgspec.json.encode({"type": due.type, "timestamp": at, "data": data})
        id, now = message_id(due.batch, due.number), int(time.time())
        headers = {
            "content-type": "application/json",
            "user-agent": self._rules.agent,
            "webhook-id": id,
            "webhook-timestamp": str(now),
            "webhook-signature": signatures(secrets, id, now, body),
        }
        return await self._sender.send(due.url, headers, body)

    async def _note(self, due: Due, answer: Answered | Silent | Forbidden | None) -> Verdict:
        verdict = self._verdict(due, answer)
        status = answer.status if isinstance(answer, Answered) else None
        async with self._database.transaction() as c:
            if verdict.gone:
                await webhooks.end(c, due.webhook, verdict.reason or "")
            await deliveries.note(c, due, self._me, verdict, status)
            if verdict.gone:
                await deliveries.bury(c)
            await deliveries.wake_next(c, due.origin, 2)
        if verdict.status == DEAD:
            log.warning(
                "a webhook was not delivered",
                delivery=due.id,
                batch=due.batch,
                type=due.type,
                reason=verdict.reason,
            )
        return verdict

    def _verdict(self, due: Due, answer: Answered | Silent | Forbidden | None) -> Verdict:
        if answer is None:
            return Verdict(DEAD, "what it tells of is there no longer")
        schedule, now = self._rules.schedule, datetime.now(UTC)
        return judge(answer, schedule, due.tries + 1, random.random(), now)


def _place(due: Due) -> Place:
    """Where its event happened: at an image's attempt, or at its batch."""
    if due.prompt_id:
        return place_of_attempt(due.batch, due.traceparent, due.prompt_id)
    return place_of_batch(due.batch, due.traceparent)
