"""Who is told of what happens, and what became of it: as an application sees and steers it."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from uuid import UUID

from safelight.core.addresses import check_target
from safelight.core.errors import Conflict, Invalid, Unknown
from safelight.core.records import Order, Webhook
from safelight.core.reporting import Delivery, Subscription
from safelight.core.signing import KEY_BYTES, check_secret, secret_of
from safelight.database import batches, deliveries, webhooks
from safelight.database.bell import Bell
from safelight.database.connection import Database
from safelight.gateway.cursors import cursor_of, read_cursor
from safelight.gateway.views import Page, page_of


@dataclass(frozen=True, slots=True)
class Allowed:
    """What the settings say of webhooks."""

    private: bool = False  # targets on loopback and private networks, plain http
    own: bool = False  # there is a secret that signs what a batch's own webhook is told


class Webhooks:
    """All methods raise `DatabaseAway` when PostgreSQL does not answer."""

    def __init__(self, database: Database, bell: Bell, allowed: Allowed) -> None:
        self._database = database
        self._bell = bell
        self._allowed = allowed

    def check(self, order: Order) -> None:
        """Raises `Invalid` if the order's own webhook cannot be told anything."""
        if order.webhook is None:
            return
        private = self._allowed.private
        check_target(order.webhook.url, allow_private=private, pointer="/webhook/url")
        if not self._allowed.own:
            raise Invalid(
                "the server has no webhooks.secret to sign with; without it nobody could tell "
                "our messages from others'",
                pointer="/webhook",
                code="no-webhook-secret",
            )

    async def subscribe(self, webhook: Webhook, secret: str | None) -> tuple[Subscription, str]:
        """Tell somebody of all batches from now on; also answers the secret that signs.

        Raises:
            Invalid: the URL (`bad-webhook-url`) or the secret (`bad-webhook-secret`).
            Conflict: there are too many already (`too-many-webhooks`).
        """
        check_target(webhook.url, allow_private=self._allowed.private)
        signing = _new_secret() if secret is None else _checked(secret)
        kept = await webhooks.subscribe(self._database, webhook, signing)
        if kept is None:
            raise Conflict(
                f"there are {webhooks.MOST} webhooks already; remove one first",
                code="too-many-webhooks",
            )
        return kept, signing

    async def subscriptions(self) -> list[Subscription]:
        """Oldest first."""
        return await webhooks.subscriptions(self._database)

    async def subscription(self, id: str) -> Subscription:
        """Raises `Unknown`."""
        found = await webhooks.subscriptions(self._database, _uuid(id, "webhook"))
        if not found:
            raise _unknown("webhook")
        return found[0]

    async def unsubscribe(self, id: str) -> None:
        """Forget it, and what was to be sent to it. Raises `Unknown`."""
        if not await webhooks.unsubscribe(self._database, _uuid(id, "webhook")):
            raise _unknown("webhook")

    async def rotate(self, id: str) -> tuple[Subscription, str]:
        """Give it a new secret; the old one signs too for a day. Raises `Unknown`."""
        signing = _new_secret()
        if not await webhooks.rotate(self._database, _uuid(id, "webhook"), signing):
            raise _unknown("webhook")
        return await self.subscription(id), signing

    async def deliveries(
        self, id: str, *, status: str | None, limit: int, cursor: str | None
    ) -> Page:
        """What a subscription was told, newest first. Raises `Unknown`, `Invalid`."""
        subscription = await self.subscription(id)
        return await self._page(subscription.id, status, limit, cursor)

    async def deliveries_of_batch(
        self, batch: str, *, status: str | None, limit: int, cursor: str | None
    ) -> Page:
        """What a batch's own webhook was told. Raises `Unknown`, `Invalid`."""
        own = await self._own(batch)
        return await self._page(own, status, limit, cursor) if own else Page([], None)

    async def redeliver(self, id: str, delivery: str) -> Delivery:
        """Have a subscription told again, under the same id of the message.

        Raises:
            Unknown: there is no such delivery of it.
            Conflict: it is told nothing more (`webhook-disabled`).
        """
        return await self._redeliver((await self.subscription(id)).id, delivery)

    async def redeliver_of_batch(self, batch: str, delivery: str) -> Delivery:
        """The same for a batch's own webhook."""
        own = await self._own(batch)
        if own is None:
            raise _unknown("delivery")
        return await self._redeliver(own, delivery)

    async def _redeliver(self, webhook: str, delivery: str) -> Delivery:
        id = _uuid(delivery, "delivery")
        found = await deliveries.delivery(self._database, webhook, id)
        if found is None:
            raise _unknown("delivery")
        if ended := found[1]:
            raise Conflict(
                f"this webhook is told nothing more ({ended}); make another one",
                code="webhook-disabled",
            )
        async with self._database.transaction() as c:
            await deliveries.redeliver(c, webhook, id)
        self._bell.ring(errand=True)
        now = await deliveries.delivery(self._database, webhook, id)
        if now is None:
            raise _unknown("delivery")
        return now[0]

    async def _own(self, batch: str) -> str | None:
        id = _uuid(batch, "batch")
        own = await webhooks.of_batch(self._database, id)
        if own is None and await batches.batch(self._database, id) is None:
            raise _unknown("batch")
        return own

    async def _page(self, webhook: str, status: str | None, limit: int, cursor: str | None) -> Page:
        after = read_cursor(cursor) if cursor is not None else None
        found = await deliveries.of_webhook(self._database, webhook, status, after, limit + 1)
        return page_of(found, limit, cursor_of)


def _new_secret() -> str:
    return secret_of(secrets.token_bytes(KEY_BYTES))


def _checked(secret: str) -> str:
    try:
        return check_secret(secret)
    except ValueError as error:
        raise Invalid(str(error), pointer="/secret", code="bad-webhook-secret") from None


def _unknown(kind: str) -> Unknown:
    return Unknown(f"there is no {kind} with this id")


def _uuid(id: str, kind: str) -> str:
    try:
        return str(UUID(id))
    except ValueError:
        raise _unknown(kind) from None
