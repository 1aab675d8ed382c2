-- A few of the pictures that must be in the store. $1 how many
select key, bytes from images where status = 'stored' and deleted_at is null
order by finished_at desc limit $1
