-- Deleted images whose file may still be there.
-- $1 how many
select id, key from images
where deleted_at is not null and file_removed_at is null
order by deleted_at limit $1
