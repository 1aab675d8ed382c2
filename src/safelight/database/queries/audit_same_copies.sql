-- Where copies of an image lie that have the very bytes of its original.
-- $1 image
select publication.publisher, publication.url
from publications publication join images image on image.id = publication.image_id
where publication.image_id = $1 and publication.status = 'uploaded'
  and publication.removed_at is null and publication.url is not null
  and publication.sha256 = image.sha256
order by publication.publisher
