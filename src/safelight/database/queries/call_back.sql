-- The first images in each pool that a user has aside; each is called back once.
-- $1 user, $2 how many of each pool
update images set aside = false
where id in (
    select first.id from (select distinct pool from backends) pools cross join lateral (
        select id from images
        where user_id = $1 and pool = pools.pool and aside and status = 'queued'
        order by turn limit $2 for update skip locked) first)
returning id, pool, turn, tries
