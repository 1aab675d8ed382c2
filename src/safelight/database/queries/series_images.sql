-- A page of a series, highest index first. Each way to it has an index of its own, and only one is
-- gone: what is starred, deleted, in a state before or beside `stored`, or else all there is.
-- $1 user, $2 character, $3 only below this index, $4 how many, $5 status, $6 starred, $7 deleted,
-- $8 created before; null: whatever they are
with bound as materialized (
    select coalesce(least($3::bigint, ordered_since($1, $2, $8::timestamptz)), 9223372036854775807)
           as below
), page as materialized (
    (select id from images image
     where coalesce($6, false) and starred_at is not null
       and user_id = $1 and character_id = $2 and index < (select below from bound)
       and ($5::text is null or status = $5)
       and ($7::bool is null or (deleted_at is not null) = $7)
       and ($8 is null or (select created_at from batches where id = batch_id) < $8)
     order by index desc limit $4)
    union all
    (select id from images image
     where not coalesce($6, false) and coalesce($7, false) and deleted_at is not null
       and user_id = $1 and character_id = $2 and index < (select below from bound)
       and ($5 is null or status = $5)
       and ($6::bool is null or starred_at is null)
       and ($8 is null or (select created_at from batches where id = batch_id) < $8)
     order by index desc limit $4)
    union all
    (select id from images image
     where not coalesce($6, false) and not coalesce($7, false) and $5 <> 'stored'
       and status <> 'stored' and status = $5
       and user_id = $1 and character_id = $2 and index < (select below from bound)
       and ($6 is null or starred_at is null)
       and ($8 is null or (select created_at from batches where id = batch_id) < $8)
     order by index desc limit $4)
    union all
    (select id from images image
     where not coalesce($6, false) and not coalesce($7, false) and coalesce($5, 'stored') = 'stored'
       and user_id = $1 and character_id = $2 and index < (select below from bound)
       and ($5 is null or status = $5)
       and ($6 is null or starred_at is null)
       and ($7 is null or deleted_at is null)
       and ($8 is null or (select created_at from batches where id = batch_id) < $8)
     order by index desc limit $4)
)
select image.id, batch_id, image.user_id, image.character_id, index, seed, status, seed_explicit,
       seed_replaced, key, bytes, content_type, width, height, sha256, pixels_sha256, prompt_id,
       backend, error, queued_at, dispatched_at, finished_at, deleted_at,
       starred_at, publications_of(image.id, batch.plan) as publications
from page join images image using (id) join batches batch on batch.id = batch_id
order by index desc
