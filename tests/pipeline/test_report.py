"""Deliveries in the database: each event once for each webhook, in the order of its batch."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any
from uuid import uuid4

import pytest

from safelight.core.records import Webhook
from safelight.core.reporting import DELIVERED, PENDING, Verdict
from safelight.core.signing import secret_of
from safelight.database import deliveries, engine, webhooks
from safelight.database.connection import Connection, Database
from safelight.database.deliveries import Due
from safelight.database.pruning import Retention, prune
from safelight.pipeline.report import PER_HOST, Reporter, Rules
from safelight.pipeline.wishes import Wishes
from safelight.webhooks.sending import Messenger
from safelight.worker.telling import Teller
from tests.pipeline.orders import Counter

EVENTS = ("batch.created", "image.canceled", "batch.canceled")
OWN = Webhook("http://127.0.0.1:9/own", EVENTS, "http://here")
ALL = Webhook("http://127.0.0.1:9/all", EVENTS, "http://here")
ME, OTHER = uuid4(), uuid4()
SECRET = secret_of(bytes(32))


class Shop:
    """Orders that are canceled, and who is told of it."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.counter = Counter(database)
        self.wishes = Wishes(database, self.counter.bell, 60)

    async def order(self, quantity: int = 2, webhook: Webhook | None = OWN) -> str:
        """A batch that is canceled at once: quantity + 2 events."""
        batch = await self.counter.accept(quantity=quantity, webhook=webhook)
        await self.wishes.cancel_batch(batch.id)
        return batch.id

    async def tell(self, most: int = 1000) -> int:
        """Look through events once; how many there were."""
        async with self.database.transaction() as c:
            looked, first = await webhooks.tell(c, most)
            await deliveries.send_first(c, first)
        return looked

    async def rows(self, what: str = "number") -> list[Any]:
        """Of the deliveries, those of a batch in their order."""
        statement = f"select {what} from deliveries order by webhook_id, batch_id, number"  # noqa: S608
        async with self.database.session() as c:
            found = await c.fetch(statement)
        return [tuple(row) if len(row) > 1 else row[0] for row in found]

    async def do(self, statement: str, *arguments: object) -> None:
        async with self.database.session() as c:
            await c.execute(statement, *arguments)

    async def claim(
        self, id: str, worker: object = ME, seconds: float = 15, crowded: Sequence[str] = ()
    ) -> Due | None:
        async with self.database.transaction() as c:
            return await deliveries.claim(c, str(id), worker, seconds, crowded)  # type: ignore[arg-type]

    async def note(self, due: Due, verdict: Verdict, worker: object = ME) -> None:
        async with self.database.transaction() as c:
            await deliveries.note(c, due, worker, verdict, 200)  # type: ignore[arg-type]
            await deliveries.wake_next(c, due.origin, 2)

    async def waiting(self) -> list[str]:
        """Deliveries that errands stand for, taken away."""
        found = []
        async with self.database.transaction() as c:
            while row := await engine.take_errand(c, deliveries.KIND, ME):
                found.append(row)
        return found

    def reporter(self) -> Reporter:
        """A real one, whose receiver is not there."""
        return Reporter(self.database, Messenger(), _nothing, Rules((SECRET,)), ME)


async def _nothing(batch: str, image: str | None, base: str) -> Any:
    return None


@pytest.fixture
def shop(database: Database) -> Shop:
    return Shop(database)


async def test_each_event_is_noted_once_for_each_webhook(shop: Shop) -> None:
    """Two processes look at the same time, again and again, in small pages."""
    subscription = await webhooks.subscribe(shop.database, ALL, SECRET)
    assert subscription is not None
    batches = [await shop.order(quantity) for quantity in (1, 2, 3)]
    looked = await asyncio.gather(*(shop.tell(2) for _ in range(40)))
    while more := await shop.tell(2):  # whoever finds the place held passes
        looked.append(more)
    assert sum(looked) == 3 + 4 + 5
    found = await shop.rows("batch_id, webhook_id, number")
    assert len(found) == len(set(found)) == 2 * (3 + 4 + 5)
    for batch, count in zip(batches, (3, 4, 5), strict=True):
        told = [number for id, webhook, number in found if str(id) == batch]
        assert sorted(told) == sorted(2 * list(range(1, count + 1)))


async def test_only_what_is_wanted_is_noted(shop: Shop) -> None:
    """Other events, batches without a webhook, and what was before the webhook are not."""
    before = await shop.order(webhook=None)
    await webhooks.subscribe(shop.database, Webhook(ALL.url, ("batch.canceled",), ""), SECRET)
    after = await shop.order(webhook=None)
    own = await shop.order(1, Webhook(OWN.url, ("image.canceled",), ""))
    while await shop.tell():
        pass
    found = await shop.rows("batch_id::text, type")
    assert before not in [batch for batch, _ in found]
    expected = [(after, "batch.canceled"), (own, "batch.canceled"), (own, "image.canceled")]
    assert sorted(found) == sorted(expected)


async def test_where_nobody_wants_to_hear_nothing_is_looked_through(shop: Shop) -> None:
    """The place stands still, and leaps when there is somebody."""
    for _ in range(3):
        await shop.order(webhook=None)
    assert (await webhooks.news(shop.database)).anybody is False
    assert await shop.tell() == 0
    subscription = await webhooks.subscribe(shop.database, ALL, SECRET)
    assert subscription is not None
    assert (await webhooks.news(shop.database)).behind
    assert await shop.tell() == 0
    assert not (await webhooks.news(shop.database)).behind
    await shop.order(webhook=None)
    assert await shop.tell() == 4
    assert await webhooks.unsubscribe(shop.database, subscription.id)
    assert await shop.rows() == []


async def test_events_behind_an_open_transaction_wait_and_are_not_lost(shop: Shop) -> None:
    async with shop.database.transaction() as open:
        await open.execute("select pg_current_xact_id()")
        await shop.order()
        assert await shop.tell() == 0
    assert await shop.tell() == 4
    assert await shop.rows() == [1, 2, 3, 4]


async def test_who_is_removed_while_others_are_told_is_in_nobodys_way(shop: Shop) -> None:
    """Removing and telling at the same moment, again and again: neither fails, nothing is left."""
    for _ in range(15):
        subscription = await webhooks.subscribe(shop.database, ALL, SECRET)
        assert subscription is not None
        await shop.order(1)
        _, gone, _ = await asyncio.gather(
            shop.tell(2), webhooks.unsubscribe(shop.database, subscription.id), shop.tell()
        )
        assert gone
    while await shop.tell():
        pass
    assert len(await shop.rows()) == 15 * 3  # the batches' own


async def test_what_is_being_sent_when_its_webhook_ends_is_not_sent_again(shop: Shop) -> None:
    """It is left to whoever sends it, and dead when that has failed."""
    await shop.order(1, Webhook(OWN.url, ("batch.created",), ""))
    await shop.tell()
    [id] = await shop.rows("id")
    due = await shop.claim(id)
    assert due is not None
    async with shop.database.transaction() as c:
        await webhooks.end(c, due.webhook, "HTTP 410")
        await deliveries.bury(c)
    assert await shop.rows("status") == ["pending"]
    await shop.note(due, Verdict(PENDING, "HTTP 500", 600.0))
    await shop.reporter().catch_up(started=False)
    assert await shop.rows("status, reason, tries") == [("dead", "HTTP 410", 1)]


async def test_an_event_waits_for_the_one_before_it(shop: Shop) -> None:
    """The second is claimed when the first has ended, and woken by whoever ended it."""
    await shop.order()
    await shop.tell()
    ids = [str(id) for id in await shop.rows("id")]
    assert await shop.waiting() == ids[:1]
    assert await shop.claim(ids[1]) is None
    first = await shop.claim(ids[0])
    assert first is not None
    assert (first.number, first.type, first.own, first.secrets) == (1, "batch.created", True, ())
    assert await shop.claim(ids[1]) is None
    assert await shop.claim(ids[0], OTHER) is None
    await shop.note(first, Verdict(PENDING, "HTTP 500", 600.0))
    assert await shop.claim(ids[1]) is None
    assert await shop.claim(ids[0]) is None  # not due
    await shop.do("update deliveries set due_at = now() where number = 1")
    again = await shop.claim(ids[0])
    assert again is not None
    assert again.tries == 1
    await shop.note(again, Verdict(DELIVERED))
    assert ids[1] in await shop.waiting()
    assert await shop.claim(ids[1]) is not None


async def test_whoever_claims_while_the_one_before_ends_waits_for_its_end(shop: Shop) -> None:
    """Else the waking could fall between the two and be lost."""
    await shop.order()
    await shop.tell()
    ids = [str(id) for id in await shop.rows("id")]
    first = await shop.claim(ids[0])
    assert first is not None

    async def claim() -> Due | None:
        return await shop.claim(ids[1], OTHER)

    async with shop.database.transaction() as c:
        await deliveries.note(c, first, ME, Verdict(DELIVERED), 200)
        claiming = asyncio.create_task(claim())
        await _until_someone_waits(shop.database)
        assert not claiming.done()
    assert await claiming is not None


async def _until_someone_waits(database: Database) -> None:
    async with asyncio.timeout(10):
        while True:
            async with database.session() as c:
                if await c.fetchval("select count(*) from pg_locks where not granted"):
                    return
            await asyncio.sleep(0.01)


async def test_a_claim_that_ran_out_is_anybodys_and_its_owner_writes_nothing(shop: Shop) -> None:
    await shop.order(1, Webhook(OWN.url, ("batch.created",), ""))
    await shop.tell()
    [id] = await shop.rows("id")
    frozen = await shop.claim(id, ME, 0)
    taken = await shop.claim(id, OTHER)
    assert frozen is not None
    assert taken is not None
    await shop.note(frozen, Verdict(DELIVERED))
    assert await shop.rows("status, tries") == [("pending", 0)]
    await deliveries.renew(shop.database, [str(id)], OTHER, 0)
    assert await shop.claim(id, ME) is not None
    async with shop.database.transaction() as c:
        await deliveries.release(c, [str(id)], ME)
    assert str(id) in await shop.waiting()
    assert await shop.claim(id, OTHER) is not None


async def test_a_host_that_has_enough_is_left_alone(shop: Shop) -> None:
    await shop.order()
    await shop.tell()
    [id, *_] = await shop.rows("id")
    assert await shop.claim(id, crowded=["http://127.0.0.1:9"]) is None
    assert await shop.claim(id, crowded=["http://127.0.0.1:10"]) is not None


async def test_lost_errands_are_made_again_a_few_for_each_host(shop: Shop) -> None:
    """What waits behind others of its batch, or for another try, is not; what an ended webhook
    was still to be told is dead."""
    batches = [await shop.order(1) for _ in range(PER_HOST + 4)]
    other = await shop.order(1, Webhook("http://127.0.0.1:10/", EVENTS, ""))
    gone = await shop.order(1)
    while await shop.tell():
        pass
    await shop.waiting()
    async with shop.database.transaction() as c:
        id = await webhooks.of_batch(shop.database, gone)
        assert id is not None
        await webhooks.end(c, id, "HTTP 410")
    await shop.reporter().catch_up(started=True)
    woken = await shop.waiting()
    assert len(woken) == PER_HOST + 1
    found = dict(await shop.rows("id::text, (batch_id::text, number, status)"))
    assert {found[id][1] for id in woken} == {1}
    assert {found[id][0] for id in woken} - set(batches) == {other}
    dead = [row for row in found.values() if row[0] == gone]
    assert {status for _, _, status in dead} == {"dead"}
    await shop.reporter().catch_up(started=False)  # due only just now: their tokens are elsewhere
    assert await shop.waiting() == []


async def test_what_is_there_no_longer_is_told_nobody(shop: Shop) -> None:
    """The real reporter carries what can be shown no more: dead, with the reason."""
    await shop.order(1, Webhook(OWN.url, ("batch.created",), ""))
    await shop.tell()
    [id] = await shop.rows("id")
    reporter = shop.reporter()
    async with shop.database.transaction() as c:
        due = await reporter.claim(c, str(id), ME)
    assert due is not None
    assert OWN.url not in repr(due)
    await reporter.carry(due)
    assert await shop.rows("status, reason") == [("dead", "what it tells of is there no longer")]


async def test_a_worker_without_the_secret_sends_nothing(shop: Shop) -> None:
    await shop.order(1, Webhook(OWN.url, ("batch.created",), ""))
    await shop.tell()
    [id] = await shop.rows("id")
    bare = Reporter(shop.database, Messenger(), _nothing, Rules(), ME)
    async with shop.database.transaction() as c:
        due = await bare.claim(c, str(id), ME)
    assert due is not None
    await bare.carry(due)
    [(status, reason)] = await shop.rows("status, reason")
    assert (status, "webhooks.secret" in reason) == ("pending", True)


async def test_deliveries_are_forgotten_when_they_ended_long_ago(shop: Shop) -> None:
    """Pending ones stay, however old; events stay until they were looked through."""
    batch = await shop.order()
    await shop.do("update events set at = at - interval '40 days'")
    await shop.do("update batches set ended_at = ended_at - interval '40 days'")
    await prune(shop.database, Retention())
    assert await shop.tell() == 4
    await shop.do(
        "update deliveries set status = 'delivered', finished_at = now() - interval '40 days' "
        "where number < 3"
    )
    await shop.do("update deliveries set created_at = now() - interval '40 days'")
    await prune(shop.database, Retention())
    assert await shop.rows() == [3, 4]
    async with shop.database.session() as c:
        assert await c.fetchval("select count(*) from events where batch_id = $1", batch) == 0


async def _until_there_are(shop: Shop, count: int) -> None:
    async with asyncio.timeout(20):
        while len(await shop.rows()) < count:  # noqa: ASYNC110 - the rows are the truth
            await asyncio.sleep(0.02)


async def test_the_teller_tells_by_itself(shop: Shop) -> None:
    """The loop, with the bell, from the first webhook on."""
    bell = shop.counter.bell
    telling = asyncio.create_task(Teller(shop.database, bell).run())
    await shop.order()
    await _until_there_are(shop, 4)
    await shop.order()
    await _until_there_are(shop, 8)
    telling.cancel()
    await asyncio.gather(telling, return_exceptions=True)


async def test_a_rotated_secret_signs_for_a_day(shop: Shop) -> None:
    subscription = await webhooks.subscribe(
        shop.database, Webhook(ALL.url, ("batch.created",), ""), SECRET
    )
    assert subscription is not None
    new = secret_of(b"n" * 32)
    assert await webhooks.rotate(shop.database, subscription.id, new)
    await shop.order(webhook=None)
    await shop.tell()
    [id] = await shop.rows("id")

    async def secrets(c: Connection) -> tuple[str, ...]:
        due = await deliveries.claim(c, str(id), ME, 0, [])
        assert due is not None
        return due.secrets

    async with shop.database.transaction() as c:
        assert await secrets(c) == (new, SECRET)
        await c.execute("update webhooks set old_until = old_until - interval '24 hours'")
        assert await secrets(c) == (new,)
