-- Batches that are over and not erased.
-- $1 user, $2 how many
select id from batches
where user_id = $1 and ended_at is not null and erased_at is null
order by created_at, id limit $2
