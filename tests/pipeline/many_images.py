"""Rows of very many stored images by one statement, and files for them that cost nothing."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Final

# $1 users, $2 images of each: "userN/mira/…", seven bytes each, to be copied to two publishers.
FILLED: Final = """
with batch as (
    insert into batches (id, user_id, character_id, prompt, quantity, pool, plan, stored, deadline)
    select gen_random_uuid(), 'user' || n, 'mira', '', $2, 'default',
           jsonb_build_object('workflow', 'quick', 'publishers', '["cdn", "mirror"]'::jsonb), $2,
           now()
    from generate_series(1, $1) n
    returning id, user_id
), taken as (
    insert into series (user_id, character_id, highest, seed_key)
    select user_id, 'mira', $2, '' from batch
)
insert into images (id, batch_id, user_id, character_id, index, pool, status, seed, seed_explicit,
                    turn, key, bytes, sha256, pixels_sha256, prompt_id, finished_at)
select gen_random_uuid(), batch, user_id, 'mira', number, 'default', 'stored', number, false, 0,
       key, 7, encode(sha256(left(md5(key), 7)::bytea), 'hex'), prompt_id::text, prompt_id, now()
from (select id as batch, user_id, number, prompt_id,
             format('%s/mira/%s-%s.png', user_id, to_char(number, 'FM00000'), prompt_id) as key
      from batch, lateral (select number, gen_random_uuid() as prompt_id
                           from generate_series(1, $2) number where user_id <> '') drawn) known
"""
_LINKS: Final = 50_000  # to one file; some file systems take 65,000
KEYS: Final = 'select key from images order by key collate "C"'


def picture(key: str) -> bytes:
    """What lies under a key: seven bytes, as the rows say."""
    return hashlib.md5(key.encode()).hexdigest()[:7].encode()


def put(folder: Path, key: str, data: bytes) -> None:
    path = folder / key
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def link_all(folder: Path, keys: list[str]) -> None:
    """Objects of seven bytes that cost no space."""
    for number, key in enumerate(keys):
        source = f"#source#{number // _LINKS}"
        if number % _LINKS == 0:
            put(folder, source, b"picture")
        (folder / key).parent.mkdir(parents=True, exist_ok=True)
        os.link(folder / source, folder / key)
