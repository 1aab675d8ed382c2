-- A batch of which something is tried again has its time anew.
update batches set deadline = greatest(deadline, safelight_now() + make_interval(secs => $2))
where id = $1
