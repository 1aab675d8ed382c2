-- A copy is tried from now on by this worker. No row: somebody else tries, it is not due, or it has
-- ended. One whose image was deleted meanwhile is nobody's any more.
-- $1 publication, $2 worker, $3 seconds the claim lasts
with claimed as (
    update publications set claimed_by = $2, tries = publications.tries + 1,
                            claimed_until = safelight_now() + make_interval(secs => $3)
    from images image
    where publications.id = $1 and image.id = image_id and image.deleted_at is null
      and publications.status = 'pending' and due_at <= safelight_now()
      and (claimed_until is null or claimed_until < safelight_now())
    returning publications.id, image_id, publications.place, publications.tries
)
select claimed.id, claimed.image_id, claimed.place, claimed.tries, image.batch_id, image.user_id,
       image.character_id, image.index, image.seed, image.key, image.bytes, image.content_type,
       image.width, image.height, image.sha256, image.pixels_sha256, image.prompt_id,
       batch.traceparent
from claimed join images image on image.id = claimed.image_id
join batches batch on batch.id = image.batch_id
