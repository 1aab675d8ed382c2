-- Who a key belongs to. Whoever could still name it is of an image that has not ended.
-- $1 key, $2 prompt id, $3 user, $4 character, $5 seconds in which a deleted file is removed
select coalesce(bool_or(named.deleted_at is null), false) as named,
       coalesce(bool_or(named.deleted_at is not null), false) as deleted,
       coalesce(bool_or(named.deleted_at > safelight_now() - make_interval(secs => $5)
                        and named.file_removed_at is null), false) as leaving,
       exists (select from attempts attempt join images image on image.id = attempt.image_id
               where attempt.prompt_id = $2
                 and (attempt.closed_at is null or image.status in ('queued', 'dispatched')))
           as wanted,
       (select highest from series where user_id = $3 and character_id = $4) as highest
from (select deleted_at, file_removed_at from images where key collate "C" = $1) named
