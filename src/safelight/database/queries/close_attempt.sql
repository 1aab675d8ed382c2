-- No row: another worker drives this attempt now, or it is closed already.
-- $1 prompt id, $2 epoch, $3 outcome, $4 detail
update attempts set closed_at = safelight_now(), outcome = $3, detail = $4
where prompt_id = $1 and epoch = $2 and closed_at is null
returning backend, extract(epoch from closed_at - opened_at)::float8 as took
