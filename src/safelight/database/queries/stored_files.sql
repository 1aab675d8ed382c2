-- What of a series has a file, highest index first.
-- $1 user, $2 character, $3 only below this index, $4 how many
select index, bytes, extract(epoch from finished_at)::bigint as stored_at from images
where user_id = $1 and character_id = $2 and index < $3 and status = 'stored' and deleted_at is null
order by index desc limit $4
