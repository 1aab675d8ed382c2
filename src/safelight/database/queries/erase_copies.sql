-- Copies of a user's pictures that somebody asked to take away, and that are not.
-- $1 user, $2 id after which, $3 how many
select publication.id, publication.publisher, publication.place,
       publication.remove_reason as reason, publication.remove_due_at is not null as due,
       publication.remove_tries as tries
from publications publication join images image on image.id = publication.image_id
where image.user_id = $1 and publication.removed_at is null
  and publication.remove_asked_at is not null and publication.id > $2
order by publication.id limit $3
