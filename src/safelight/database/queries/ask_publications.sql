-- failed -> pending: somebody asked. $1 image, $2 batch, $3 publisher (two of them null), $4 how many
update publications
set status = 'pending', tries = 0, nudges = nudges + 1, due_at = safelight_now(),
    finished_at = null
where id in (
    select publication.id from publications publication
    join images image on image.id = image_id
    where publication.status = 'failed' and image.deleted_at is null
      and ($1::uuid is null or image_id = $1) and ($2::uuid is null or image.batch_id = $2)
      and ($3::text is null or publisher = $3)
    order by publication.id limit $4 for update of publication
)
returning id, nudges, publisher
