-- Copies that are said to lie at a publisher, in the order of their ids.
-- $1 publisher, $2 user or null for all, $3 id after which, $4 how many
select publication.id, publication.image_id, publication.publisher, publication.place,
       publication.bytes, publication.md5, publication.sha256
from publications publication
where publication.publisher = $1 and publication.status = 'uploaded'
  and publication.remove_asked_at is null and publication.removed_at is null
  and publication.place is not null and publication.id > $3
  and ($2::text is null
       or exists (select from images where id = publication.image_id and user_id = $2))
order by publication.id limit $4
