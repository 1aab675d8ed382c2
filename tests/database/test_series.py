"""Series: which images match, as pages and as ranges, and which series there are."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Sequence
from typing import Any, Final

import asyncpg
import pytest
from pgqueuer.db import AsyncpgDriver
from pgqueuer.queries import Queries

from safelight.core.records import Image
from safelight.core.rights import ANYBODY, Rights
from safelight.core.selecting import Filters
from safelight.database import series
from safelight.database.connection import Database, open_database, sql
from safelight.database.embedded import Server
from safelight.database.migrations import apply, migrations
from safelight.database.series import Asked
from tests.conftest import _admin
from tests.database.series_rows import BEGAN, MINUTE, analyze, fill

MANY: Final = 20_000
STATUSES: Final = (None, "queued", "dispatched", "stored", "failed", "canceled")
FLAGS: Final = (None, True, False)


def every_filter() -> Iterator[Filters]:
    """Each way to ask, with each other."""
    moments = (None, BEGAN, BEGAN + 3 * MINUTE, BEGAN + 100 * MINUTE)
    for parts in itertools.product(STATUSES, FLAGS, FLAGS, moments):
        yield Filters(*parts)


def matches(image: Image, filters: Filters) -> bool:
    """What the words of the reference say."""
    created = BEGAN + (image.index - 1) // 4 * MINUTE
    return (
        filters.status in (None, image.status)
        and filters.starred in (None, image.starred_at is not None)
        and filters.deleted in (None, image.deleted_at is not None)
        and (filters.created_before is None or created < filters.created_before)
    )


def spread(ranges: Sequence[tuple[int, int]]) -> list[int]:
    """All indices of ranges that could not be fewer."""
    assert all(high >= low for high, low in ranges)
    pairs = itertools.pairwise(ranges)
    assert all(lower[0] < higher[1] - 1 for higher, lower in pairs), "two that are one"
    return [index for high, low in ranges for index in range(high, low - 1, -1)]


async def test_every_filter_with_every_other(database: Database) -> None:
    """Pages and ranges hold the same images: those that match, highest index first."""
    await fill(database, "ann", "mira", 40)
    await fill(database, "ann", "opal", 12)
    everything = await series.images(database, "ann", "mira", Filters(), None, 100)
    assert [image.index for image in everything] == list(range(40, 0, -1))
    for filters in every_filter():
        expected = [image.index for image in everything if matches(image, filters)]
        found = await series.images(database, "ann", "mira", filters, None, 100)
        assert [image.index for image in found] == expected, filters
        some = await series.images(database, "ann", "mira", filters, 22, 3)
        assert [image.index for image in some] == [i for i in expected if i < 22][:3], filters
        matched = await series.indices(database, "ann", "mira", filters)
        assert (matched.highest, matched.count) == (40, len(expected))
        assert spread(matched.ranges) == expected, filters


async def test_a_series_that_nobody_ordered_from(database: Database) -> None:
    matched = await series.indices(database, "ann", "mira", Filters())
    assert (matched.highest, matched.count, list(matched.ranges)) == (0, 0, [])
    assert await series.images(database, "ann", "mira", Filters(), None, 10) == []


async def test_pictures_that_were_taken_over_late_are_found_by_when_that_was(
    database: Database,
) -> None:
    """They have low indices and a late beginning, so an order that came before them bounds
    nothing; what was ordered is not hidden by them either."""
    await fill(database, "ann", "mira", 12)
    async with database.session() as c:
        # Images 1 to 4: taken over in the hundredth minute.
        await c.execute(
            "update batches set created_at = $1, deadline = $1 where created_at = $2",
            BEGAN + 100 * MINUTE,
            BEGAN,
        )
    cases = {0: [], 1: [], 2: [8, 7, 6, 5], 3: list(range(12, 4, -1)), 101: list(range(12, 0, -1))}
    for minutes, expected in cases.items():
        filters = Filters(created_before=BEGAN + minutes * MINUTE)
        found = await series.images(database, "ann", "mira", filters, None, 100)
        assert [image.index for image in found] == expected, minutes
        matched = await series.indices(database, "ann", "mira", filters)
        assert spread(matched.ranges) == expected, minutes


async def test_all_ranges_are_told_however_many_there_are(database: Database) -> None:
    """Every second image of 12,000 is 6,000 ranges."""
    await fill(database, "ann", "mira", 12_000)
    async with database.session() as c:
        await c.execute("update images set starred_at = case when index % 2 = 0 then now() end")
    matched = await series.indices(database, "ann", "mira", Filters(starred=True))
    assert matched.count == len(matched.ranges) == 6_000
    assert spread(matched.ranges) == list(range(12_000, 0, -2))
    assert len(json.dumps(matched.ranges)) < 120_000


@pytest.mark.parametrize(
    "filters",
    [
        Filters(),
        Filters(starred=True),
        Filters(deleted=True),
        Filters(status="failed"),
        Filters(status="dispatched"),
        Filters(status="stored", deleted=False),
        Filters(starred=True, deleted=False, status="stored"),
        Filters(created_before=BEGAN + 500 * MINUTE),
    ],
    ids=str,
)
async def test_a_page_does_not_look_at_the_whole_series(
    database: Database, filters: Filters
) -> None:
    """Whichever plan the database takes, the one for these values or the one for any."""
    await fill(database, "ann", "mira", MANY)
    await fill(database, "bob", "mira", MANY)
    await analyze(database)
    values = (filters.status, filters.starred, filters.deleted, filters.created_before)
    for mode in ("force_custom_plan", "force_generic_plan"):
        plan = await planned(database, mode, "series_images", "ann", "mira", None, 51, *values)
        assert looked_at(plan) < 2_000, (mode, json.dumps(plan)[:4_000])


async def planned(database: Database, mode: str, name: str, *arguments: object) -> Any:
    """How a statement was done."""
    async with database.transaction() as c:
        await c.execute(f"set local plan_cache_mode = {mode}")
        told = await c.fetchval(f"explain (analyze, format json) {sql(name)}", *arguments)
    return json.loads(told)[0]["Plan"]


def looked_at(plan: Any) -> float:
    """How many rows were taken from tables and indexes in all, also those that did not match."""
    here = 0.0
    if "Relation Name" in plan or "Index Name" in plan:
        rejected = sum(plan.get(f"Rows Removed by {by}", 0) for by in ("Filter", "Index Recheck"))
        here = (plan["Actual Rows"] + rejected) * plan["Actual Loops"]
    return here + sum(looked_at(each) for each in plan.get("Plans", ()))


PAGE: Final = 24  # the migration that began to count
OLD: Final = {  # what there was before it, as far as an order needs it
    "series": ("user_id", "character_id", "highest", "seed_key"),
    "batches": (
        *("id", "user_id", "character_id", "prompt", "quantity", "pool", "plan"),
        *("created_at", "deadline"),
    ),
    "images": (
        *("id", "batch_id", "user_id", "character_id", "index", "pool", "status", "seed"),
        *("seed_explicit", "turn", "key", "pixels_sha256", "deleted_at"),
    ),
}
SERIES: Final = {  # images of each
    ("ann", "mira"): 40,
    ("ann", "opal"): 12,
    ("bob", "mira"): 9,
    ("bob", "zoe"): 30,
    ("cid", "mira"): 1,
}


async def test_the_list_of_series(database: Database) -> None:
    """For whoever reaches all, one user, one character, or one of each, page by page; what nobody
    ordered from is not in it."""
    for (user, character), images in SERIES.items():
        await fill(database, user, character, images)
    async with database.session() as c:
        await c.execute("insert into series values ('dan', 'mira', 50, '')")
    newest = sorted(SERIES, key=lambda one: ((SERIES[one] - 1) // 4, one), reverse=True)
    scopes = (None, frozenset({"ann"}), frozenset({"ann", "bob"}), frozenset({"nobody"}))
    kinds = (None, frozenset({"mira"}), frozenset({"opal", "zoe"}))
    for users, characters in itertools.product(scopes, kinds):
        rights = Rights("key", users=users, characters=characters)
        reached = [one for one in newest if rights.reaches(*one)]
        assert await listed(database, rights, None, None) == reached
        for whose, of in itertools.product((None, "ann", "dan"), (None, "mira", "opal")):
            wanted = [one for one in reached if whose in (None, one[0]) and of in (None, one[1])]
            assert await listed(database, rights, whose, of) == wanted


async def listed(
    database: Database, rights: Rights, user: str | None, character: str | None
) -> list[tuple[str, str]]:
    """All pages of two."""
    found: list[tuple[str, str]] = []
    after = None
    while page := await series.listed(database, Asked(user, character, after, 2), rights):
        found += [(one.user, one.character) for one in page]
        after = (page[-1].ordered_at, page[-1].user, page[-1].character)
    return found


async def test_what_the_list_says_of_a_series(database: Database) -> None:
    """Its counts are those of its images; the latest is the newest that is a picture."""
    await fill(database, "ann", "mira", 40)
    async with database.session() as c:
        await c.execute("update images set deleted_at = now() where index = 40")
        await c.execute("update images set status = 'failed' where index = 39")
    [one] = await series.listed(database, Asked(None, None, None, 10), ANYBODY)
    images = await series.images(database, "ann", "mira", Filters(), None, 100)
    assert one.counts == {
        status: sum(image.status == status for image in images)
        for status in ("stored", "failed", "queued", "canceled")
    }
    [latest] = [image for image in images if image.index == 38]
    assert (one.latest, one.highest) == ((latest.id, 38), 40)
    assert one.ordered_at == BEGAN + 9 * MINUTE


async def test_series_that_were_there_before_are_counted(
    database: Database, postgres: Server
) -> None:
    """The migration finds what orders had written."""
    await fill(database, "ann", "mira", 40)
    [known] = await series.listed(database, Asked(None, None, None, 10), ANYBODY)
    async with database.session() as c:
        rows = {table: await c.fetch(f"table {table}") for table in OLD}
    name = f"{await database_of(database)}_old"
    await _admin(postgres, f"create database {name}")
    arguments = {**postgres.connect_arguments(), "database": name}
    connection = await asyncpg.connect(**arguments)
    numbers = {one.number for one in migrations() if one.number < PAGE}
    await Queries(AsyncpgDriver(connection)).install()
    await apply(connection, numbers)
    for table, columns in OLD.items():
        given = [tuple(row[column] for column in columns) for row in rows[table]]
        await connection.copy_records_to_table(table, records=given, columns=columns)
    await apply(connection)
    await connection.close()
    old = await open_database(arguments)
    [found] = await series.listed(old, Asked(None, None, None, 10), ANYBODY)
    matched = await series.indices(old, "ann", "mira", Filters(created_before=BEGAN + MINUTE))
    await old.close()
    await _admin(postgres, f"drop database {name}")
    assert found == known
    assert list(matched.ranges) == [(4, 1)]


async def database_of(database: Database) -> str:
    """Its name."""
    async with database.session() as c:
        name: str = await c.fetchval("select current_database()")
        return name


async def test_a_page_of_the_list_does_not_look_at_all_series(database: Database) -> None:
    """Nor at the images of those on it, but for the newest picture and what is not stored."""
    await fill(database, "ann", "mira", MANY)
    async with database.session() as c:
        await c.execute(
            "insert into series (user_id, character_id, highest, seed_key, images) "
            "select 'user' || n, 'other' || n % 9, 1, '', 1 from generate_series(1, 20000) n"
        )
    await analyze(database)
    for mode in ("force_custom_plan", "force_generic_plan"):
        for users, characters in ((None, None), (["ann"], None), (None, ["mira"]), ([], ["mira"])):
            nowhere = (None, None, None)
            plan = await planned(database, mode, "list_series", users, characters, *nowhere, 51)
            assert looked_at(plan) < 2_000, (mode, users, characters, json.dumps(plan)[:4_000])
