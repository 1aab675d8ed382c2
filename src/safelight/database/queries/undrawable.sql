-- Queued images that no backend of their pool that was driven of late can draw, and what the last one
-- that could not said.
-- $1 at most so many, $2 seconds since somebody drove a backend, $3 outcomes that say it cannot
select image.id, image.pool,
       (select detail from attempts
        where image_id = image.id and round = image.round and outcome = any($3)
        order by opened_at desc limit 1) as said
from images image
where image.status = 'queued' and image.not_on <> '{}'
  and not exists (
      select from backends
      where pool = image.pool and lease_until > safelight_now() - make_interval(secs => $2)
        and not (name = any(image.not_on) and exists (
            select from attempts
            where image_id = image.id and round = image.round and backend = backends.name
              and outcome = any($3)))
  )
order by image.batch_id, image.id limit $1
