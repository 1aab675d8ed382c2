-- $1 days, $2 how many at most: small bites, so that nobody waits.
delete from events where (batch_id, number) in (
    select event.batch_id, event.number from events event
    join batches batch on batch.id = event.batch_id
    where event.at < safelight_now() - make_interval(days => $1) and batch.ended_at is not null
    limit $2)
