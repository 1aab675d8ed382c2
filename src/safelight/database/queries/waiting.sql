-- What waits, by pool: how many images, how long the oldest, how many lack their token ($1 seconds
-- after they were queued; those set aside for their user's cap, or held, have none on purpose).
select image.pool, count(*) as images,
       coalesce(extract(epoch from safelight_now() - min(image.queued_at) filter (where not image.held)),
                0)::float8 as oldest,
       count(*) filter (where token.id is null and not image.aside and not image.held
                        and image.queued_at < safelight_now() - make_interval(secs => $1)
                       ) as without_token
from images image
left join pgqueuer token on token.dedupe_key = image.id || ':' || image.tries
where image.status = 'queued'
group by image.pool order by image.pool
