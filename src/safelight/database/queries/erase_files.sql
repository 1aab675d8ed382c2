-- Deleted images of a user whose file may still be there.
-- $1 user, $2 how many
select id, key from images
where user_id = $1 and deleted_at is not null and file_removed_at is null
order by deleted_at limit $2
