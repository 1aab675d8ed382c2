-- $1 images whose file is gone from the store
update images set file_removed_at = safelight_now()
where id = any($1::uuid[]) and deleted_at is not null and file_removed_at is null
