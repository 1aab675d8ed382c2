-- Where images stand, and how fast the ready backends of their pool are (`core/forecast.py`).
-- An image takes from when its backend could begin with it (it was sent, or the one before it ended)
-- to its end. Places are counted from one image to the next, so the line is read once.
-- $1 images, $2 pool, $3 workflow
with clock as materialized (
    select safelight_now() as now
), ready as materialized (
    select name from backends, clock
    where pool = $2 and state = 'ready' and not draining and lease_until > now
), history as materialized (
    select ready.name, newest.closed_at, newest.outcome = 'stored' and newest.workflow = $3 as counts,
           extract(epoch from newest.closed_at - greatest(newest.opened_at,
               lag(newest.closed_at) over (partition by ready.name order by newest.closed_at))
           )::float8 as seconds
    from ready cross join lateral (
        select opened_at, closed_at, outcome, workflow from attempts
        where backend = ready.name and closed_at is not null
        order by closed_at desc limit 60) newest
), measured as (
    select name, percentile_cont(0.5) within group (order by seconds) as seconds
    from (select name, seconds, row_number() over (partition by name order by closed_at desc) as age
          from history where counts) stored
    where age <= 20 group by name
), open as materialized (
    select backend, image_id, opened_at,
           row_number() over (partition by backend order by opened_at, prompt_id) - 1 as ahead
    from attempts join ready on name = backend where closed_at is null
), servers as (
    select ready.name, measured.seconds, count(open.image_id) as sent,
           coalesce(extract(epoch from max(now) - greatest(min(open.opened_at),
               (select max(closed_at) from history where history.name = ready.name))), 0)::float8
               as elapsed
    from clock, ready left join measured on measured.name = ready.name
                      left join open on open.backend = ready.name
    group by ready.name, measured.seconds
), mine as materialized (
    select id, turn, queued_at, aside or held as aside, status from images where id = any($1)
), steps as (
    select id, turn, queued_at, aside, lag(turn, 1, -1::bigint) over line as turn_before,
           lag(queued_at, 1, '-infinity'::timestamptz) over line as queued_before,
           lag(id, 1, '00000000-0000-0000-0000-000000000000'::uuid) over line as id_before
    from mine where status = 'queued' window line as (order by turn, queued_at, id)
), places as (
    select steps.id, aside, sum(counted.some) over (order by turn, queued_at, steps.id)::int8 as place
    from steps cross join lateral (
        select count(*) as some from images other
        where other.pool = $2 and other.status = 'queued'
          and (other.turn, other.queued_at, other.id)
              > (steps.turn_before, steps.queued_before, steps.id_before)
          and (other.turn, other.queued_at, other.id) <= (steps.turn, steps.queued_at, steps.id)
          and (not (other.aside or other.held) or other.id = steps.id)) counted
)
select now,
       (select coalesce(jsonb_object_agg(name, jsonb_build_object(
            'seconds', seconds, 'sent', sent, 'elapsed', elapsed)), '{}') from servers) as servers,
       (select coalesce(jsonb_object_agg(id, standing), '{}') from (
            select id, jsonb_build_object('place', place, 'aside', aside) as standing from places
            union all
            select image_id, jsonb_build_object('backend', backend, 'ahead', ahead)
            from open where image_id = any($1)
            union all
            select id, jsonb_build_object('ended', true)
            from mine where status not in ('queued', 'dispatched')) all_kinds) as images,
       (select jsonb_build_object('pool', pool, 'graph', graph, 'workflow', workflow,
                                  'backends', backends, 'held_at', held_at)
        from holds where pool = $2 and graph = (
            select plan ->> 'graph' from batches join images image on image.batch_id = batches.id
            where image.id = ($1::uuid[])[1])) as hold
from clock
