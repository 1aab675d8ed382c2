-- Images of a user with copies that are not away, in the order of their ids.
-- $1 user, $2 id after which, $3 how many
select distinct image.id
from images image join publications publication on publication.image_id = image.id
where image.user_id = $1 and publication.removed_at is null and image.deleted_at is not null
  and image.id > $2
order by image.id limit $3
