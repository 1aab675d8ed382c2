-- Seconds an image takes on each backend: the median of its last twenty stored ones, of whichever
-- workflow, each from when it could begin (it was sent, or the one before it ended) to its end, as
-- in `forecast.sql`. A backend without any is left out.
with history as (
    select backends.name, each.closed_at, each.outcome = 'stored' as counts,
           extract(epoch from each.closed_at - greatest(each.opened_at,
               lag(each.closed_at) over (partition by backends.name order by each.closed_at))
           )::float8 as seconds
    from backends cross join lateral (
        select opened_at, closed_at, outcome from attempts
        where backend = backends.name and closed_at is not null
        order by closed_at desc limit 60) each
)
select name, percentile_cont(0.5) within group (order by seconds) as seconds
from (select name, seconds, row_number() over (partition by name order by closed_at desc) as age
      from history where counts) stored
where age <= 20 group by name
