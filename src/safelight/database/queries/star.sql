-- The first star counts. A deleted image stays as it is. No row: there is no such image.
-- $1 image, $2 whether it is to have a star
with image as materialized (
    select id, deleted_at is not null as deleted from images where id = $1 for update
), starred as (
    update images set starred_at = case when $2 then safelight_now() end from image
    where images.id = image.id and not deleted and (starred_at is null) = $2
)
select deleted from image
