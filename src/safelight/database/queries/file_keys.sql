-- Where the files of images of a series lie, of those that are not deleted.
-- $1 user, $2 character, $3 indices
select index, key from images
where user_id = $1 and character_id = $2 and index = any($3)
  and status = 'stored' and deleted_at is null
