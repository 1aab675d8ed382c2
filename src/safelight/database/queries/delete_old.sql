-- Originals that are kept no longer, a few at a time. One that still waits to be copied to a
-- publisher is kept until it is there, or was given up.
-- $1 days, $2 how many
update images set deleted_at = safelight_now()
where id in (
    select image.id from images image
    where image.status = 'stored' and image.deleted_at is null
      and image.finished_at < safelight_now() - make_interval(days => $1)
      and not exists (select from publications
                      where image_id = image.id and status = 'pending')
    order by image.finished_at limit $2
    for update skip locked)
returning id
