-- Queued images that wait for another backend than those they have been at, and none takes work or
-- is driven: let them back to those, but not where an attempt had one of the outcomes $4.
-- $1 at most so many, $2 seconds they have waited, $3 seconds since somebody drove the other one,
-- $4 outcomes, $5 true if the other one must take work now
with stuck as (
    select image.id, kept.names
    from images image cross join lateral (
        select coalesce(array_agg(distinct backend), '{}') as names from attempts
        where image_id = image.id and round = image.round and outcome = any($4)
          and backend = any(image.not_on)
    ) kept
    where image.status = 'queued' and image.not_on <> '{}'
      and cardinality(kept.names) < cardinality(image.not_on)
      and image.queued_at < safelight_now() - make_interval(secs => $2)
      and not exists (
          select from backends
          where pool = image.pool and not name = any(image.not_on)
            and lease_until > safelight_now() - make_interval(secs => $3)
            and (not $5 or (state = 'ready' and not draining and lease_until > safelight_now()))
      )
    order by image.id limit $1
    for update of image skip locked
)
update images set not_on = stuck.names from stuck where images.id = stuck.id
returning images.id
