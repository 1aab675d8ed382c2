"""Rows of series whose images are in all states, by one statement."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from safelight.database.connection import Database

# $1 user, $2 character, $3 images; of four each a batch, a minute after the one before. Of a
# thousand images three are failed, one canceled, two queued, five starred and eight deleted.
FILLED: Final = """
with numbers as materialized (
    select number, (number - 1) / 4 as batch, number % 1000 as kind
    from generate_series(1, $3) number
), batch as (
    insert into batches (id, user_id, character_id, prompt, quantity, pool, plan, created_at,
                         deadline)
    select md5($1 || '/' || $2 || batch)::uuid, $1, $2, '', count(*), 'default', '{}',
           $4::timestamptz + batch * interval '1 minute', $4 + batch * interval '1 minute 1 second'
    from numbers group by batch
), taken as (
    insert into series (user_id, character_id, highest, seed_key, images, ordered_at)
    select $1, $2, $3, '', $3, $4::timestamptz + ($3 - 1) / 4 * interval '1 minute'
)
insert into images (id, batch_id, user_id, character_id, index, pool, status, seed, seed_explicit,
                    turn, key, bytes, content_type, width, height, sha256, pixels_sha256,
                    finished_at, deleted_at, starred_at)
select gen_random_uuid(), md5($1 || '/' || $2 || batch)::uuid, $1, $2, number, 'default',
       case when kind in (7, 8, 500) then 'failed' when kind = 9 then 'canceled'
            when kind in (11, 600) then 'queued' else 'stored' end,
       number, false, 0, format('%s/%s/%s', $1, $2, number), 7, 'image/png', 1, 1, '', number::text,
       now(), case when kind between 20 and 27 then now() end,
       case when kind in (8, 11, 21, 30, 31) then now() end
from numbers
"""
BEGAN: Final = datetime.fromisoformat("2026-01-01T00:00:00Z")
MINUTE: Final = timedelta(minutes=1)


async def fill(database: Database, user: str, character: str, images: int) -> None:
    """A series of so many images, the first of them ordered when it BEGAN."""
    async with database.session() as c:
        await c.execute(FILLED, user, character, images, BEGAN)


async def analyze(database: Database) -> None:
    """Let the planner know what there is."""
    async with database.session() as c:
        await c.execute("vacuum analyze images, batches, series")
