-- The row says so before the file goes. Rows of batch and image are locked. Once is as good as twice.
update images set deleted_at = coalesce(deleted_at, safelight_now())
where id = $1 and status = 'stored'
