-- Somebody listens to these batches. In order, so that two processes do not wait for each other in
-- a circle. $1 batches, $2 seconds
insert into watches as watch (batch_id, until)
select id, safelight_now() + make_interval(secs => $2) from unnest($1::uuid[]) as id order by id
on conflict (batch_id) do update set until = greatest(watch.until, excluded.until)
