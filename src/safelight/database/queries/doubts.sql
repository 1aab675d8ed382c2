-- Whether deaths under a graph may be somebody else's fault: within the hour a server died under
-- another graph, or this one gave a picture in this pool; or another backend that draws it at this
-- moment, and no later than the last that died, lives. What heads a backend's queue is what was
-- opened there first. $1 pool, $2 graph
with last_death as (
    select backend, opened_at from deaths
    where pool = $1 and graph = $2 and proven and not cleared
    order by died_at desc limit 1
)
select exists (
    select from deaths
    where proven and graph <> $2 and died_at > safelight_now() - interval '1 hour'
) or exists (
    select from batches
    join images on images.batch_id = batches.id
    where batches.created_at > safelight_now() - interval '1 day' and batches.stored > 0
      and batches.pool = $1 and batches.plan ->> 'graph' = $2
      and images.status = 'stored' and images.finished_at > safelight_now() - interval '1 hour'
) or exists (
    select from attempts
    join images on images.id = attempts.image_id
    join batches on batches.id = images.batch_id
    join last_death on attempts.backend <> last_death.backend
        and attempts.opened_at <= last_death.opened_at
    where attempts.closed_at is null and batches.pool = $1 and batches.plan ->> 'graph' = $2
      and not exists (
          select from attempts ahead
          where ahead.backend = attempts.backend and ahead.closed_at is null
            and ahead.opened_at < attempts.opened_at
      )
)
