-- $1 image, $2 detail
update attempts set closed_at = safelight_now(), outcome = 'spare', detail = $2
where image_id = $1 and closed_at is null
returning backend, extract(epoch from closed_at - opened_at)::float8 as took
