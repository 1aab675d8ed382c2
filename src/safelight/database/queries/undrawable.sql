-- Queued images that are not to be drawn by any backend of their pool that was driven of late, and
-- what their last attempt said.
-- $1 at most so many, $2 seconds since somebody drove a backend
select image.id, image.pool,
       (select detail from attempts where image_id = image.id order by opened_at desc limit 1) as said
from images image
where image.status = 'queued' and image.not_on <> '{}'
  and not exists (
      select from backends
      where pool = image.pool and not name = any(image.not_on)
        and lease_until > safelight_now() - make_interval(secs => $2)
  )
order by image.batch_id, image.id limit $1
