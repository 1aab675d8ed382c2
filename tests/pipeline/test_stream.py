"""The stream of all batches: in order and without gaps, whatever the numbers are."""

from __future__ import annotations

import pytest

from safelight.database import events
from safelight.database.connection import Database
from tests.pipeline.orders import Counter

LAST = 106
INSERT = """
insert into events (batch_id, number, txid, type, data)
select $1, n, n::text::xid8, 'image.stored', '{}' from generate_series(2, $2::int) n
"""


@pytest.mark.parametrize("page", [1, 7, 500])
async def test_everything_comes_once_and_in_order_as_transactions_get_more_digits(
    database: Database, page: int
) -> None:
    """Transactions 2 to 106 tell an event each: 10 comes after 9, and 100 after 99, also where a
    reader goes on from there."""
    batch = await Counter(database).accept()
    async with database.session() as c:
        await c.execute(INSERT, batch.id, LAST)
    told: list[int] = []
    place = 0, 0
    while found := await events.of_all(database, place, page):
        told += [placed.event.number for placed in found]
        place = found[-1].place
    # The first event of the batch is that of the youngest transaction.
    assert told == [*range(2, LAST + 1), 1]
