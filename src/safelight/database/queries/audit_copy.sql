-- Whether a copy is still said to lie at this place.
-- $1 publication, $2 place
select id from publications
where id = $1 and place = $2 and status = 'uploaded'
  and remove_asked_at is null and removed_at is null
