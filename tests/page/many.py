"""A series of very many pictures that are all the same file."""

from __future__ import annotations

from typing import Any, Final

# $1 user, $2 character, $3 how many, $4 the image whose file they all have.
_FILLED: Final = """
with file as (select * from images where id = $4), taken as (
    insert into series (user_id, character_id, highest, seed_key, images)
    values ($1, $2, $3, '', $3)
), batch as (
    insert into batches (id, user_id, character_id, prompt, quantity, pool, plan, stored, deadline,
                         ended_at)
    select gen_random_uuid(), $1, $2, '', $3, 'default', plan, $3, now(), now()
    from batches where id = (select batch_id from file)
    returning id
)
insert into images (id, batch_id, user_id, character_id, index, pool, status, seed, seed_explicit,
                    turn, key, bytes, content_type, width, height, sha256, pixels_sha256,
                    prompt_id, dispatched_at, finished_at)
select gen_random_uuid(), batch.id, $1, $2, number, 'default', 'stored', number, false, 0, key,
       bytes, content_type, width, height, sha256, number::text, gen_random_uuid(), now(), now()
from file, batch, generate_series(1, $3::int) number
"""


async def fill(connection: Any, user: str, character: str, many: int, image: str) -> None:
    """So many stored pictures in a series of their own, in one batch, with the file of `image`."""
    await connection.execute(_FILLED, user, character, many, image)
    await connection.execute("analyze images")
