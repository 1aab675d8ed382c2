-- Publishers that copies are said to lie at, and how many.
-- $1 user, null for all
select publication.publisher, count(*) as copies
from publications publication join images image on image.id = publication.image_id
where publication.status = 'uploaded' and publication.removed_at is null
  and ($1::text is null or image.user_id = $1)
group by publication.publisher order by publication.publisher
