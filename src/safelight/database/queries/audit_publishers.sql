-- Publishers that copies are said to lie at, and how many.
-- $1 user, null for all
select publication.publisher, count(*) as copies
from publications publication
where publication.status = 'uploaded' and publication.removed_at is null
  and ($1::text is null
       or exists (select from images where id = publication.image_id and user_id = $1))
group by publication.publisher order by publication.publisher
