-- $1 user
select id from batches where user_id = $1 and ended_at is null order by created_at, id
