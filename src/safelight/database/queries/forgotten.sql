-- Queued for a while: their token may be gone. Locked by nobody, so look again when taking it.
select id, pool, turn, tries from images
where status = 'queued' and queued_at < safelight_now() - make_interval(secs => $1)
  and id > $2 and not aside
order by id limit $3
