-- The engine never empties its log.
with log as (
    delete from pgqueuer_log where created < now() - interval '1 hour'
), statistics as (
    delete from pgqueuer_statistics where created < now() - interval '1 hour'
)
select 1
